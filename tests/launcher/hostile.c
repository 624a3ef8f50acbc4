// SPDX-License-Identifier: GPL-2.0
/* Kernels and Guest code that are cut off, bent, or lies from the start. */
#define _GNU_SOURCE
#include <lz4.h>
#include <lzma.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "test.h"

#define HEADER_BYTES	1024	/* of the bzImage: two sectors */

static struct machine machine;
static struct image image;
static struct options options;
static char *nothing[] = { NULL };
static struct wish no_wish;
static char path[PATH_MAX + 8];
static u32 state = 1;

static u32 any(u32 below)
{
	state = state * 1664525 + 1013904223;
	return ((u64)state * below) >> 32;
}

void *__real_mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
int __real_munmap(void *addr, size_t bytes);
int __wrap_munmap(void *addr, size_t bytes);

/* Files come from malloc() here, which knows exactly where each ends. */
void *__wrap_mmap(void *addr, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	struct stat info;
	void *to;

	if (fd < 0 && bytes >= 64 << 20)
		return __real_mmap(addr, bytes, prot, flags, fd, offset);
	to = calloc(1, bytes);
	if (fd >= 0 && (fstat(fd, &info) ||
			read(fd, to, info.st_size) != info.st_size))
		die("cannot read");
	return to;
}

int __wrap_munmap(void *addr, size_t bytes)
{
	if (bytes >= 64 << 20)
		return __real_munmap(addr, bytes);
	free(addr);
	return 0;
}

/* 1 if the Launcher refused; 0 if it built a machine out of this. */
static int refused(const u8 *file, size_t bytes)
{
	int died;

	write_file(path, file, bytes);
	memset(&machine, 0, sizeof(machine));
	memset(&image, 0, sizeof(image));
	options.kernel = path;
	options.arguments = nothing;
	options.wishes = &no_wish;
	options.megabytes = 64;
	died = DIES(image_read(&image, path);
		    machine_build(&machine, &image, &options));
	if (machine.memory && machine.memory != MAP_FAILED)
		munmap(machine.memory, (64 << 20) + SHELF);
	free(machine.symbols.entry);
	free(machine.symbols.chain);
	return died;
}

static u8 *bzimage(const char *how, const u8 *elf, size_t bytes, size_t *size)
{
	u8 *file = calloc(1, HEADER_BYTES + 2 * bytes + 4096);
	u8 *payload = file + HEADER_BYTES;
	struct setup_header *header = (void *)(file + 0x1f1);
	size_t length = 0, room = 2 * bytes;
	u32 unpacked = bytes, block;
	ZSTD_CCtx *zstd;
	z_stream z = { .next_in = (u8 *)elf, .avail_in = bytes,
		       .next_out = payload, .avail_out = room };

	if (!strcmp(how, "xz")) {
		if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, elf,
					    bytes, payload, &length, room))
			die("xz does not work");
	} else if (!strcmp(how, "zstd")) {
		zstd = ZSTD_createCCtx();
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
		length = ZSTD_compress2(zstd, payload, room, elf, bytes);
		ZSTD_freeCCtx(zstd);
	} else if (!strcmp(how, "lz4")) {
		memcpy(payload, "\x02\x21\x4c\x18", 4);
		block = LZ4_compress_default((const char *)elf,
					     (char *)payload + 8, bytes,
					     room - 8);
		memcpy(payload + 4, &block, 4);
		length = block + 8;
	} else {
		if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0) ||
		    deflate(&z, Z_FINISH) != Z_STREAM_END)
			die("gzip does not work");
		length = z.total_out - 4;
		deflateEnd(&z);
	}
	memcpy(payload + length, &unpacked, 4);
	*header = (struct setup_header) {
		.setup_sects = 1, .boot_flag = 0xaa55, .header = 0x53726448,
		.version = 0x20f, .initrd_addr_max = 0x7fffffff,
		.jump = 0x6aeb, .kernel_version = 0x100,
		.payload_length = length + 4,
	};
	strcpy((char *)file + 0x300, "6.6.6-tiny+x (cc)");
	*size = HEADER_BYTES + length + 4;
	return file;
}

static void cut(const char *what, const u8 *file, size_t bytes)
{
	u32 i, built = 0;

	for (i = 0; i < 100; i++)
		built += !refused(file, any(bytes));
	for (i = 1; i < 20; i++)
		built += !refused(file, bytes - i);
	ok(!built, "%s: cut off at 119 places, refused each time", what);
}

/* Some bent files are as good as straight ones. None may do us harm. */
static void bend(const char *what, const u8 *file, size_t bytes, u32 range,
		 u32 times, u32 least)
{
	u8 *bent = malloc(bytes);
	u32 i, j, no = 0;

	for (i = 0; i < times; i++) {
		memcpy(bent, file, bytes);
		for (j = 0; j <= i % 4; j++)
			bent[any(range)] ^= 1 << any(8);
		no += refused(bent, bytes);
	}
	free(bent);
	ok(no >= least, "%s: bent %u times, refused %u times", what, times,
	   no);
}

static void says(const char *words, const u8 *file, size_t bytes,
		 const char *what)
{
	bool no = refused(file, bytes);

	ok(no && strstr(last_words, words), "%s: %s", what, words);
}

static void packed(const char *how, const u8 *elf, size_t bytes, u32 least)
{
	struct setup_header *header;
	size_t size;
	u8 *file = bzimage(how, elf, bytes, &size);
	u32 lie = 0xfffffff0;

	ok(!refused(file, size), "%s: a good kernel is good", how);
	ok(!strcmp(image.release, "6.6.6-tiny+x"), "%s: release", how);
	cut(how, file, size);
	bend(how, file, size, size, 150, least);
	bend("its header", file, size, HEADER_BYTES, 100, 5);

	memcpy(file + size - 4, &lie, 4);
	says("makes no sense", file, size, "an unpacked size of 4 GB");
	lie = bytes + 4;
	memcpy(file + size - 4, &lie, 4);
	says("does not unpack", file, size, "an unpacked size a bit wrong");
	header = (void *)(file + 0x1f1);
	header->payload_length = 0xffffffff;
	says("truncated", file, size, "a payload of 4 GB");
	free(file);
}

/* Change one thing in a good vmlinux, and hear what it is called. */
static void spoil(const u8 *good, size_t bytes, size_t at, u64 value,
		  size_t width, const char *words, const char *what)
{
	u8 *file = malloc(bytes);

	memcpy(file, good, bytes);
	memcpy(file + at, &value, width);
	says(words, file, bytes, what);
	free(file);
}

#define PHDR(field) (sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, field))

static void lies(const u8 *elf, size_t bytes)
{
	size_t name = TINY_HEADERS + TINY_KALLSYMS;

	spoil(elf, bytes, offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2,
	      "not a kernel for x86-64", "a kernel for another machine");
	spoil(elf, bytes, EI_CLASS, ELFCLASS32, 1, "not a kernel",
	      "a kernel for 32 bits");
	spoil(elf, bytes, offsetof(Elf64_Ehdr, e_type), ET_DYN, 2,
	      "not a kernel", "a shared library");
	spoil(elf, bytes, offsetof(Elf64_Ehdr, e_phnum), 0, 2,
	      "nothing to load", "no segments");
	spoil(elf, bytes, offsetof(Elf64_Ehdr, e_phoff), ~0xfffULL, 8,
	      "nothing to load", "segments beyond the end");
	spoil(elf, bytes, PHDR(p_offset), ~0xfULL, 8, "truncated",
	      "a segment from beyond the end");
	spoil(elf, bytes, PHDR(p_filesz), ~0ULL, 8, "truncated",
	      "a segment of 2^64 - 1 bytes in the file");
	spoil(elf, bytes, PHDR(p_memsz), ~0ULL, 8, "a segment wants",
	      "a segment of 2^64 - 1 bytes in memory");
	spoil(elf, bytes, PHDR(p_memsz), 16, 8, "a segment wants",
	      "a segment that shrinks in memory");
	spoil(elf, bytes, PHDR(p_memsz), 60 << 20, 8, "is too little",
	      "a segment larger than the Guest");
	spoil(elf, bytes, PHDR(p_paddr), 0, 8, "a segment wants",
	      "a segment at 0");
	spoil(elf, bytes, PHDR(p_paddr), 0x40000000, 8, "a segment wants",
	      "a segment at 1 GB");
	spoil(elf, bytes, PHDR(p_paddr), -4096ULL, 8, "a segment wants",
	      "a segment at the end of the world");
	spoil(elf, bytes, PHDR(p_paddr), TINY_GPA + 8, 8, "a segment wants",
	      "a segment between two pages");
	spoil(elf, bytes, name, 0x7fffffff, 4, "kallsyms",
	      "two billion names");
	spoil(elf, bytes, name, TINY_NAMES - 1, 4, "kallsyms",
	      "one name less than there is");
	spoil(elf, bytes, TINY_HEADERS + 0x101, 1, 1, "xen_iret",
	      "an xen_iret that nobody knows");
	spoil(elf, bytes, TINY_HEADERS + 0x201, 1, 1, "early_xen_iret_patch",
	      "an early_xen_iret_patch that nobody knows");
	spoil(elf, bytes, TINY_HEADERS + 0x5000, 1, 1, "module area",
	      "a taken place in the module area");
	spoil(elf, bytes, TINY_HEADERS + 0x610f, '/', 1,
	      "no Guest code for kernel 6:", "a release that is a path");
}

/* Only the tables: bend them often, where it hurts. */
static void bend_kallsyms(int layout)
{
	struct kallsyms k;
	size_t bytes;
	u32 i, where, index, found = 0, times = 600;
	u8 *elf = tiny_vmlinux(layout, &bytes, &index), *bent;
	u64 address;

	if (posix_memalign((void **)&bent, 4096, TINY_BYTES))
		die("no memory");
	for (i = 0; i < times; i++) {
		memcpy(bent, elf + TINY_HEADERS, TINY_BYTES);
		where = i % 3 ? TINY_KALLSYMS : index - 512;
		bent[where + any(i % 3 ? 0x5000 : 1024)] ^= 1 << any(8);
		if (kallsyms_open(&k, bent, TINY_BYTES, TINY_BASE)) {
			found++;
			kallsyms_find(&k, "pv_ops", &address);
		}
		free(k.entry);
		free(k.chain);
	}
	/* Cut off in the middle of the tables: each byte counts. */
	for (i = 0; i < times; i++) {
		free(bent);
		bent = malloc(index + 4096 - i * 8);
		memcpy(bent, elf + TINY_HEADERS, index + 4096 - i * 8);
		kallsyms_open(&k, bent, index + 4096 - i * 8, TINY_BASE);
		free(k.entry);
		free(k.chain);
	}
	ok(found && found < times, "kallsyms, %s: bent %u times, read %u times",
	   tiny_layouts[layout], times, found);
	free(bent);
	free(elf);
}

/* An index that points behind the image, which ends with the index. */
static void point_behind(void)
{
	struct kallsyms k;
	size_t bytes;
	u32 index;
	u16 far = 0xffff;
	u8 *elf = tiny_vmlinux(KALLSYMS_6_1, &bytes, &index), *tight;

	tight = malloc(index + 512);
	memcpy(tight, elf + TINY_HEADERS, index + 512);
	ok(kallsyms_open(&k, tight, index + 512, TINY_BASE),
	   "an image that ends early");
	memcpy(tight + index + 510, &far, 2);
	ok(!kallsyms_open(&k, tight, index + 512, TINY_BASE),
	   "an index that points behind it");
	free(tight);
	free(elf);
}

/* 300 times the longest token: nobody may copy that to a short buffer. */
static void long_name(void)
{
	struct kallsyms k;
	size_t bytes;
	u32 index;
	u8 *elf = tiny_vmlinux(KALLSYMS_6_12, &bytes, &index);
	u8 *name = memmem(elf, bytes, "tlong000", 8);
	u64 address;

	memset(name + 1, 1, 300);
	ok(kallsyms_open(&k, elf + TINY_HEADERS, TINY_BYTES, TINY_BASE) &&
	   kallsyms_find(&k, "xen_iret", &address) == 1,
	   "a name of 2100 characters");
	free(elf);
}

/* Numbers that send the search back and forth: it has to give up. */
static void tire_kallsyms(void)
{
	struct kallsyms k;
	size_t bytes, i;
	u32 index, count = 4096;
	u8 *elf = tiny_vmlinux(KALLSYMS_6_12, &bytes, &index);
	u8 *image = calloc(1, 64 << 20);

	for (i = 0; i < (60 << 20); i += 8)
		memcpy(image + i, &count, 4);
	memcpy(image + (60 << 20), elf + TINY_HEADERS + TINY_KALLSYMS + 0x2000,
	       TINY_BYTES - TINY_KALLSYMS - 0x2000);
	ok(!kallsyms_open(&k, image, 64 << 20, TINY_BASE),
	   "eight million lying counts are given up on");
	free(image);
	free(elf);
}

static void guest_code(const u8 *elf, size_t bytes, const char *home)
{
	char object[PATH_MAX + 128];
	size_t size, i;
	u32 times = 400, no = 0;
	const u8 *file;
	u8 *good, *bent;

	write_file(path, elf, bytes);
	snprintf(object, sizeof(object), "%s/guest/6.6.6-tiny+x/lguest_guest.o",
		 home);
	file = read_file(object, &size);
	good = malloc(size);
	memcpy(good, file, size);
	bent = malloc(size);
	for (i = 0; i < times; i++) {
		memcpy(bent, good, size);
		bent[any(size)] ^= 1 << any(8);
		write_file(object, bent, size);
		no += refused(elf, bytes);
	}
	for (i = 0; i < 100; i++) {
		write_file(object, good, any(size));
		no += refused(elf, bytes);
	}
	ok(no > 100, "Guest code: bent and cut %zu times, refused %u times",
	   times + i, no);
	write_file(object, good, size);
	ok(!refused(elf, bytes), "Guest code: the good one is good");
}

int main(int argc, char *argv[])
{
	size_t bytes;
	u8 *elf = tiny_vmlinux(KALLSYMS_6_12, &bytes, NULL);
	int layout;

	if (argc != 2)
		die("needs a folder");
	snprintf(options.home, sizeof(options.home), "%s", argv[1]);
	snprintf(path, sizeof(path), "%s/kernel", argv[1]);
	packed("xz", elf, bytes, 130);
	packed("zstd", elf, bytes, 130);
	packed("gzip", elf, bytes, 130);
	packed("lz4", elf, bytes, 10);		/* which has no checksum */
	ok(!refused(elf, bytes), "vmlinux: a good kernel is good");
	cut("vmlinux", elf, bytes);
	bend("vmlinux", elf, bytes, TINY_HEADERS + TINY_BYTES / 2, 150, 5);
	bend("its headers", elf, bytes, sizeof(Elf64_Ehdr) +
	     sizeof(Elf64_Phdr), 100, 50);
	lies(elf, bytes);
	for (layout = 0; layout < TINY_LAYOUTS; layout++)
		bend_kallsyms(layout);
	point_behind();
	long_name();
	tire_kallsyms();
	guest_code(elf, bytes, argv[1]);
	return finish();
}
