/* SPDX-License-Identifier: GPL-2.0 */
/* TAP for the Launcher's tests, a die() that comes back, a tiny kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static jmp_buf back;
static bool armed, child;
static char last_words[4096];
static int tests, failures;

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_words, sizeof(last_words), format, arguments);
	va_end(arguments);
	if (armed)
		longjmp(back, 1);
	if (child) {
		fprintf(stderr, "%s\n", last_words);
		exit(1);
	}
	printf("Bail out! %s\n", last_words);
	exit(1);
}

void note(const char *format, ...)
{
	(void)format;
}

/* 1 if the statement ended in die(), 0 if it ended by itself. */
#define DIES(statement) ({			\
	volatile int died_ = 1;			\
	last_words[0] = '\0';			\
	armed = true;				\
	if (!setjmp(back)) {			\
		statement;			\
		died_ = 0;			\
	}					\
	armed = false;				\
	died_; })

static void __attribute__((format(printf, 2, 3)))
ok(bool good, const char *format, ...)
{
	va_list arguments;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	if (!good) {
		failures++;
		printf("# last words: %s\n", last_words);
	}
}

/* The statement must end in die(), whose line must contain the words. */
#define SAYS(words, statement, ...) do {				\
	bool died_ = DIES(statement);					\
	ok(died_ && strstr(last_words, words), __VA_ARGS__);		\
} while (0)

static int finish(void)
{
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

static void __attribute__((unused))
write_file(const char *path, const void *from, size_t bytes)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(from, 1, bytes, file) != bytes || fclose(file))
		die("cannot write %s", path);
}

/* A kernel of 128 KB with 1000 names, in each of the four layouts of kallsyms. */
enum { KALLSYMS_6_1, KALLSYMS_6_12, KALLSYMS_6_18, KALLSYMS_7_0 };
#define TINY_LAYOUTS	4
static const char *const tiny_layouts[TINY_LAYOUTS] = {
	"6.1", "6.12", "6.18", "7.0"
};
static int tiny_layout;
#define TINY_GPA	0x1000000ULL
#define TINY_BYTES	0x20000
#define TINY_NAMES	1000
#define TINY_HEADERS	0x1000		/* of its ELF file */
#define TINY_KALLSYMS	0x8000
#define TINY_BASE	(KERNEL_MAP + TINY_GPA)

static const struct { const char *name; u32 at; } tiny_symbols[] = {
	{ "_text", 0 }, { "xen_iret", 0x100 },
	{ "early_xen_iret_patch", 0x200 }, { "early_top_pgt", 0x1000 },
	{ "init_top_pgt", 0x2000 }, { "level3_kernel_pgt", 0x3000 },
	{ "level2_fixmap_pgt", 0x5000 },
	{ "x86_64_start_reservations", 0x300 }, { "pv_ops", 0x400 },
	{ "boot_cpu_data", 0x500 }, { "twice", 0x600 }, { "twice", 0x700 },
	{ "same", 0x800 }, { "same", 0x800 },
};
#define TINY_KNOWN	(sizeof(tiny_symbols) / sizeof(*tiny_symbols))

static u32 tiny_align(u32 n)
{
	return tiny_layout == KALLSYMS_7_0 ? (n + 3) & ~3 : (n + 7) & ~7;
}

/* The type, then the name; byte 1 stands for "symbol_". */
static u8 *tiny_name(u8 *at, unsigned int i)
{
	char name[400];
	size_t length;

	if (i < TINY_KNOWN)
		sprintf(name, "T%s", tiny_symbols[i].name);
	else if (i == TINY_NAMES - 2)
		sprintf(name, "A\1per_cpu");
	else if (i == TINY_NAMES - 1)
		sprintf(name, "tlong%0300d", 7);
	else
		sprintf(name, "t\1%u", i);
	length = strlen(name);
	if (length >= 128)
		*at++ = length | 0x80;
	*at++ = length >= 128 ? length >> 7 : length;
	memcpy(at, name, length);
	return at + length;
}

static u32 tiny_names(u8 *image, u32 at)
{
	u32 count = TINY_NAMES, markers[(TINY_NAMES + 255) / 256];
	u8 *names = image + at + tiny_align(4), *name = names;
	unsigned int i;

	memcpy(image + at, &count, 4);
	for (i = 0; i < count; i++) {
		if (i % 256 == 0)
			markers[i / 256] = name - names;
		name = tiny_name(name, i);
	}
	at = tiny_align(name - image);
	memcpy(image + at, markers, sizeof(markers));
	return tiny_align(at + sizeof(markers));
}

static u32 tiny_tokens(u8 *image, u32 at)
{
	u16 index[256];
	u32 start = at;
	int i;

	for (i = 0; i < 256; i++) {
		index[i] = at - start;
		if (i == 1)
			at += sprintf((char *)image + at, "symbol_") + 1;
		else if (i > ' ' && i < 127)
			at += sprintf((char *)image + at, "%c", i) + 1;
		else
			at += sprintf((char *)image + at, "pair") + 1;
	}
	at = tiny_align(at);
	memcpy(image + at, index, sizeof(index));
	return at + sizeof(index);
}

static u32 tiny_offsets(u8 *image, u32 at)
{
	u64 base = TINY_BASE;
	s32 offset;
	u32 i;

	for (i = 0; i < TINY_NAMES; i++) {
		offset = -1 - (s32)(0x10000 + i * 16);
		if (i < TINY_KNOWN)
			offset = -1 - (s32)tiny_symbols[i].at;
		if (tiny_layout == KALLSYMS_6_18)
			offset = -1 - offset;
		if (tiny_layout == KALLSYMS_7_0)
			offset = -1 - offset - (s32)(at + 4 * i);
		if (i == TINY_NAMES - 2 && tiny_layout < KALLSYMS_6_18)
			offset = 0x6000;
		memcpy(image + at + 4 * i, &offset, 4);
	}
	at = tiny_align(at + 4 * TINY_NAMES);
	if (tiny_layout == KALLSYMS_7_0)
		return at;
	memcpy(image + at, &base, 8);
	return at + 8;
}

/* The ELF file; where the tokens' index starts goes to *index. */
static __attribute__((unused)) u8 *
tiny_vmlinux(int layout, size_t *bytes, u32 *index)
{
	u8 *file = calloc(1, TINY_HEADERS + TINY_BYTES);
	u8 *image = file + TINY_HEADERS;
	u32 at, noise = 1;
	Elf64_Ehdr header = {
		.e_ident = ELFMAG "\2\1\1", .e_type = ET_EXEC,
		.e_machine = EM_X86_64, .e_version = 1,
		.e_phoff = sizeof(header), .e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	Elf64_Phdr segment = {
		.p_type = PT_LOAD, .p_flags = 7, .p_offset = TINY_HEADERS,
		.p_vaddr = TINY_BASE, .p_paddr = TINY_GPA,
		.p_filesz = TINY_BYTES, .p_memsz = 2 * TINY_BYTES,
	};

	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), &segment, sizeof(segment));
	memcpy(image + 0x100, "\x6a\0\x51\x41\x53\x50", 6);
	image[0x200] = 0xe9;
	*(u64 *)(image + 0x3ff8) = (TINY_GPA + 0x5000) | 0x63;
	strcpy((char *)image + 0x6000, "Linux version %s");
	strcpy((char *)image + 0x6100, "Linux version 6.6.6-tiny+x (cc)");
	for (at = TINY_BYTES / 2; at < TINY_BYTES; at += 4) {
		noise = noise * 1664525 + 1013904223;
		memcpy(image + at, &noise, 4);
	}
	at = TINY_KALLSYMS;
	tiny_layout = layout;
	if (layout == KALLSYMS_7_0)
		at += 4;	/* all of it, between two multiples of eight */
	if (layout == KALLSYMS_6_1) {
		at = tiny_offsets(image, at);
		at = tiny_names(image, at);
		at = tiny_align(at + 3 * TINY_NAMES);	/* sorted */
		at = tiny_tokens(image, at);
	} else {
		at = tiny_names(image, at);
		at = tiny_tokens(image, at);
		if (index)
			*index = at - 512;
		tiny_offsets(image, at);
		index = NULL;
	}
	if (index)
		*index = at - 512;
	*bytes = TINY_HEADERS + TINY_BYTES;
	return file;
}
