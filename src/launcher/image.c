// SPDX-License-Identifier: GPL-2.0
/* A kernel's file: from its wrapping to its segments. */
#define _GNU_SOURCE
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gelf.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "launcher.h"

#define HEADER		0x1f1	/* where the setup header starts */
#define BOOT_FLAG	0x1fe
#define MAGIC		0x202	/* the byte before says how long it is */

#define KERNEL_LOW	(1ULL << 20)
#define KERNEL_HIGH	(1ULL << 30)
#define MAX_FILE	(1L << 30)

int open_file(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat info;

	if (fd < 0 || fstat(fd, &info))
		die("cannot open %s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode))
		die("cannot use %s: not a regular file", path);
	if (info.st_size > MAX_FILE)
		die("cannot use %s: too large", path);
	*bytes = info.st_size;
	return fd;
}
void fill_from(int fd, const char *path, u8 *to, size_t bytes)
{
	ssize_t got;

	for (; bytes; to += got, bytes -= got) {
		got = read(fd, to, bytes);
		if (got < 0)
			die("cannot read %s: %s", path, strerror(errno));
		if (!got)
			die("cannot read %s: it ended too early", path);
	}
}

const u8 *read_file(const char *path, size_t *bytes)
{
	int fd = open_file(path, bytes);
	u8 *file = mmap(NULL, *bytes ?: 1, PROT_READ, MAP_PRIVATE, fd, 0);

	if (file == MAP_FAILED)
		die("cannot read %s: %s", path, strerror(errno));
	close(fd);
	return file;
}
static void set_release(struct image *image, const char *path,
			const u8 *from, size_t bytes, size_t at)
{
	size_t i = 0;

	while (at + i < bytes && i < sizeof(image->release) - 1 &&
	       (isalnum(from[at + i]) || (from[at + i] &&
					  strchr(".+-_~", from[at + i])))) {
		image->release[i] = from[at + i];
		i++;
	}
	if (!i || !isdigit(image->release[0]))
		die("%s: damaged: it does not say which kernel it is", path);
	note("%s: kernel %s", path, image->release);
}
static bool unxz(const u8 *from, size_t length, u8 *to, size_t bytes)
{
	uint64_t limit = 256 << 20;
	size_t in = 0, out = 0;

	return lzma_stream_buffer_decode(&limit, 0, NULL, from, &in, length,
					 to, &out, bytes) == LZMA_OK &&
	       out == bytes;
}

static bool unlz4(const u8 *from, size_t length, u8 *to, size_t bytes)
{
	const size_t block = 8 << 20;
	size_t room, out = 0;
	__le32 packed;
	int got;

	for (; length > 4 && out < bytes; out += got) {
		memcpy(&packed, from, 4);
		from += 4;
		length -= 4;
		if (le32toh(packed) > length)
			return false;
		room = bytes - out < block ? bytes - out : block;
		got = LZ4_decompress_safe((const char *)from, (char *)to + out,
					  le32toh(packed), room);
		if (got != (int)room)
			return false;
		from += le32toh(packed);
		length -= le32toh(packed);
	}
	return out == bytes;
}

static bool gunzip(const u8 *from, size_t length, u8 *to, size_t bytes)
{
	z_stream z = {
		.next_in = (u8 *)from, .avail_in = length,
		.next_out = to, .avail_out = bytes,
	};
	bool whole;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return false;
	whole = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_out;
	inflateEnd(&z);
	return whole;
}
/*L:030
 * Four ways to pack a kernel are common today. Each has a library whose
 * authors have been attacked for years; we would only write it worse.
 */
static void inflate_payload(struct image *image, const char *path,
			    const u8 *from, size_t length)
{
	bool whole = false;
	__le32 size;

	if (length < 64)
		die("%s: damaged: there is no kernel in it", path);
	memcpy(&size, from + length - 4, 4);
	image->bytes = le32toh(size);
	if (!image->bytes || image->bytes / 30 > length)
		die("%s: damaged or truncated: its size makes no sense", path);
	image->elf = mmap(NULL, image->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (image->elf == MAP_FAILED)
		die("no memory to unpack %s", path);

	if (!memcmp(from, "\xfd" "7zXZ", 6))
		whole = unxz(from, length, image->elf, image->bytes);
	else if (!memcmp(from, "\x28\xb5\x2f\xfd", 4))
		whole = ZSTD_decompress(image->elf, image->bytes, from,
					length - 4) == image->bytes;
	else if (!memcmp(from, "\x02\x21\x4c\x18", 4))
		whole = unlz4(from + 4, length - 8, image->elf, image->bytes);
	else if (!memcmp(from, "\x1f\x8b", 2))
		whole = gunzip(from, length, image->elf, image->bytes);
	else
		die("%s: packed, but not by xz, zstd, lz4 or gzip", path);
	if (!whole)
		die("%s: damaged: it does not unpack", path);
}
/*:*/
static void unpack_bzimage(struct image *image, const char *path,
			   const u8 *file, size_t bytes)
{
	struct setup_header *header = &image->header;
	size_t length = MAGIC + file[MAGIC - 1] - HEADER;
	u64 start;

	if (length > sizeof(*header))
		length = sizeof(*header);
	memcpy(header, file + HEADER, length);
	if (header->version < 0x208)
		die("%s: too old: boot protocol %x.%02x", path,
		    header->version >> 8, header->version & 0xff);

	start = 512ULL * (1 + (header->setup_sects ?: 4));
	start += header->payload_offset;
	if (start + header->payload_length > bytes)
		die("%s: truncated: %llu bytes long, should be %llu or more",
		    path, (u64)bytes, start + header->payload_length);
	if (header->kernel_version + 512U >= bytes)
		die("%s: damaged: its version lies outside of the file", path);
	set_release(image, path, file, bytes, header->kernel_version + 512U);
	inflate_payload(image, path, file + start, header->payload_length);
}
static void adopt_vmlinux(struct image *image, const char *path,
			  const u8 *file, size_t bytes)
{
	static const char banner[] = "Linux version ";
	const u8 *end = file + bytes, *at = file;
	const size_t length = sizeof(banner) - 1;

	image->elf = (u8 *)file;
	image->bytes = bytes;
	image->header = (struct setup_header) {
		.boot_flag = 0xaa55,
		.header = 0x53726448,		/* "HdrS" */
		.version = 0x20f,
		.kernel_alignment = 2 << 20,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = COMMAND_LINE - 1,
	};
	do {
		at = memmem(at, end - at, banner, length);
		if (!at)
			die("%s: not a Linux kernel", path);
		at += length;
	} while (at < end && !isdigit(*at));
	set_release(image, path, file, bytes, at - file);
}
static void add_segment(struct image *image, const char *path,
			const GElf_Phdr *phdr)
{
	struct segment *s = &image->segment[image->segments];
	u64 start = phdr->p_paddr, end = start + phdr->p_memsz;

	if (image->segments == MAX_SEGMENTS)
		die("%s: not a kernel: too many segments", path);
	if (phdr->p_offset > image->bytes ||
	    phdr->p_filesz > image->bytes - phdr->p_offset)
		die("%s: truncated: a segment lies beyond its end", path);
	if (phdr->p_filesz > phdr->p_memsz || start < KERNEL_LOW ||
	    end > KERNEL_HIGH || end < start || start % PAGE)
		die("%s: a segment wants to be at %#llx-%#llx", path,
		    start, end);
	*s = (struct segment) { phdr->p_offset, phdr->p_filesz, start };
	if (!image->segments || start < image->start)
		image->start = start;
	if (end > image->end)
		image->end = end;
	image->segments++;
}
/*L:040
 * All that we load must lie between 1 MB, below which PCs keep their
 * antiques, and 1 GB, which is as far as the kernel's first tables reach.
 */
static void find_segments(struct image *image, const char *path)
{
	size_t i, headers = 0;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)image->elf, image->bytes);
	if (!elf || !gelf_getehdr(elf, &ehdr) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_machine != EM_X86_64 || ehdr.e_type != ET_EXEC)
		die("%s: not a kernel for x86-64", path);
	if (elf_getphdrnum(elf, &headers))
		headers = 0;
	for (i = 0; i < headers; i++) {
		if (!gelf_getphdr(elf, i, &phdr))
			die("%s: truncated: no segment %zu", path, i);
		if (phdr.p_type == PT_LOAD)
			add_segment(image, path, &phdr);
	}
	if (!image->segments)
		die("%s: not a kernel: there is nothing to load", path);
	elf_end(elf);
}
/*:*/
/*L:020
 * Every byte of this file is somebody else's. It may be cut off, it may be
 * a photograph of a cat. Each number in it is checked before it is used to
 * find another; sums are done in 64 bits, so that none of them wraps.
 */
void image_read(struct image *image, const char *path)
{
	size_t bytes;
	const u8 *file = read_file(path, &bytes);
	bool bzimage = bytes >= 1024 &&
		       !memcmp(file + BOOT_FLAG, "\x55\xaa", 2) &&
		       !memcmp(file + MAGIC, "HdrS", 4);

	if (bytes >= SELFMAG && !memcmp(file, ELFMAG, SELFMAG))
		adopt_vmlinux(image, path, file, bytes);
	else if (bzimage)
		unpack_bzimage(image, path, file, bytes);
	else
		die("%s: not a kernel (neither bzImage nor vmlinux)", path);
	find_segments(image, path);
}
/*:*/
static bool is_zero(const u8 *at, u64 bytes)
{
	return !*at && !memcmp(at, at + 1, bytes - 1);
}

static void load_segment(const u8 *from, u8 *to, u64 bytes)
{
	u64 n;

	for (; bytes; from += n, to += n, bytes -= n) {
		n = bytes < PAGE ? bytes : PAGE;
		if (!is_zero(from, n))
			memcpy(to, from, n);
	}
}

void image_load(const struct image *image, u8 *memory)
{
	const struct segment *s;

	for (s = image->segment; s < image->segment + image->segments; s++) {
		load_segment(image->elf + s->offset, memory + s->gpa,
			     s->bytes);
		note("kernel: %#llx bytes at %#llx", s->bytes, s->gpa);
	}
	munmap(image->elf, image->bytes);
}
