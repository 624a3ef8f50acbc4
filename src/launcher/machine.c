// SPDX-License-Identifier: GPL-2.0
/* The Guest's memory, and all that stands in it when it wakes up. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher.h"

#define MAX_MB		32768U
#define HEADROOM	(32 * MB)

#define BOOT_PARAMS_GPA		0x10000	/* struct boot_params */
#define COMMAND_LINE_GPA	0x11000	/* the kernel's arguments */
#define SEED_GPA		0x12000	/* what random numbers begin with */
#define SEED_BYTES		32

#define E820_RAM	1
#define E820_RESERVED	2

#define DIRECT_SLOT	273	/* of the top table: all memory */
#define KERNEL_SLOT	511	/* the kernel and its modules */

#define PRESENT		0x01ULL
#define WRITABLE	0x02ULL
#define USER		0x04ULL
#define ACCESSED	0x20ULL
#define DIRTY		0x40ULL
#define GLOBAL		0x100ULL
#define NO_EXECUTE	(1ULL << 63)
#define TABLE		(PRESENT | WRITABLE | USER | ACCESSED | DIRTY)

static struct boot_params *boot_params_of(const struct machine *m)
{
	return (struct boot_params *)(m->memory + BOOT_PARAMS_GPA);
}

static void choose_initrd(struct machine *m)
{
	if (m->options->initrd) {
		snprintf(m->initrd, sizeof(m->initrd), "%s",
			 m->options->initrd);
		return;
	}
	snprintf(m->initrd, sizeof(m->initrd), "%s/guest/%s/initramfs.cpio",
		 m->options->home, m->image->release);
	if (access(m->initrd, F_OK))
		m->initrd[0] = '\0';
}
static void allocate_memory(struct machine *m, u64 initrd_bytes)
{
	u64 need = m->image->end + HEADROOM + align(initrd_bytes, MB);
	u64 megabytes = m->options->megabytes;

	if (megabytes < (need + MB - 1) / MB)
		die("%llu MB is too little: this kernel needs %llu MB or more",
		    megabytes, (need + MB - 1) / MB);
	if (megabytes > MAX_MB)
		die("%llu MB is too much: %u MB is the most", megabytes,
		    MAX_MB);
	m->bytes = megabytes * MB;
	m->memory = mmap(NULL, m->bytes + SHELF, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->memory == MAP_FAILED ||
	    madvise(m->memory, m->bytes + SHELF, MADV_DONTFORK))
		die("cannot get %llu MB of memory: %s", megabytes,
		    strerror(errno));
}
static u64 gpa_of(const struct machine *m, const char *name, u64 bytes)
{
	u64 gpa = kallsyms_need(&m->symbols, name) - KERNEL_MAP;

	if (gpa < m->image->start || gpa > m->image->end - bytes)
		die("%s: its %s lies outside of it", m->options->kernel, name);
	return gpa;
}

static u64 *page_table(const struct machine *m, const char *name)
{
	u64 gpa = gpa_of(m, name, PAGE);

	if (gpa % PAGE)
		die("%s: its %s is no page", m->options->kernel, name);
	return (u64 *)(m->memory + gpa);
}
static void place_guest_code(struct machine *m)
{
	m->tables_gpa = align(m->image->end, 2 * MB);
	m->code_gpa = m->tables_gpa + PAGE;
	memcpy(m->memory + m->code_gpa, m->code.image, m->code.bytes);
	note("Guest code: %#llx bytes at %#llx, gva %#llx, page table %#llx",
	     m->code.bytes, m->code_gpa, CODE_GVA, m->tables_gpa);
}
static void place_initrd(struct machine *m, int fd, u64 bytes)
{
	struct setup_header *header = &boot_params_of(m)->hdr;
	u64 top = m->bytes < GB ? m->bytes : GB;
	u64 bottom = m->code_gpa + m->code.bytes, start;

	if (top > header->initrd_addr_max + 1ULL)
		top = header->initrd_addr_max + 1ULL;
	if (top < bottom || bytes > top - bottom - PAGE)
		die("%s: does not fit: only %llu bytes are below 1 GB",
		    m->initrd, top < bottom ? 0 : top - bottom);
	start = (top - bytes) / PAGE * PAGE;
	fill_from(fd, m->initrd, m->memory + start, bytes);
	close(fd);
	header->ramdisk_image = start;
	header->ramdisk_size = bytes;
	note("initrd: %s: %#llx bytes at %#llx", m->initrd, bytes, start);
}
/*L:120
 * Why start on early_top_pgt, and not on init_top_pgt? The kernel will build
 * its final tables in that one, and WARNs when it meets something there. So
 * we sweep it, and leave it the arrow to the kernel, as kernels do until 6.18
 * and expect later. Memory itself is mapped nowhere: the kernel's handler for
 * early page faults does that, but only on early_top_pgt.
 */
static void fill_page_tables(struct machine *m)
{
	u64 *early = page_table(m, "early_top_pgt");
	u64 *init = page_table(m, "init_top_pgt");
	u64 *fixmap = page_table(m, "level2_fixmap_pgt");

	init[0] = 0;
	init[DIRECT_SLOT] = 0;
	early[DIRECT_SLOT] = 0;
	early[KERNEL_SLOT] = gpa_of(m, "level3_kernel_pgt", PAGE) | TABLE;
	init[KERNEL_SLOT] = early[KERNEL_SLOT];
	if (fixmap[0])
		die("%s: something is in the module area already",
		    m->options->kernel);
	fixmap[0] = m->tables_gpa | TABLE;
	m->cr3 = gpa_of(m, "early_top_pgt", PAGE);
}
/*:*/
static void map_guest_code(struct machine *m)
{
	u64 *entry = (u64 *)(m->memory + m->tables_gpa);
	u64 at, flags;

	for (at = 0; at < m->code.bytes; at += PAGE) {
		flags = PRESENT | ACCESSED | GLOBAL;
		if (at >= m->code.text)
			flags |= NO_EXECUTE;
		if (at >= m->code.rodata)
			flags |= WRITABLE | DIRTY;
		*entry++ = (m->code_gpa + at) | flags;
	}
}
/*L:130
 * A surgeon checks the patient's name. If the bytes there are not the ones
 * that we know, this kernel is a stranger, and cutting would be a crime.
 */
static void patch_exit(struct machine *m, const char *name,
		       const char *expected)
{
	u8 *code = m->memory + gpa_of(m, name, 5);
	u64 from = kallsyms_need(&m->symbols, name);
	s32 distance;

	if (memcmp(code, expected, 5))
		die("%s: its %s is not the one that I know",
		    m->options->kernel, name);
	distance = code_symbol(&m->code, "lguest_iret", 1) - (from + 5);
	code[0] = 0xe9;			/* jmp */
	memcpy(code + 1, &distance, 4);
}

static void patch_exits(struct machine *m)
{
	patch_exit(m, "xen_iret", "\x6a\x00\x51\x41\x53");
	patch_exit(m, "early_xen_iret_patch", "\xe9\x00\x00\x00\x00");
}
/*:*/
static void add_word(char *to, const char *word)
{
	size_t length = strlen(to);

	if (length + 1 + strlen(word) >= COMMAND_LINE)
		die("the command line is too long: %d is the most",
		    COMMAND_LINE - 1);
	to[length] = ' ';
	strcpy(to + length + 1, word);
}

static void write_command_line(const struct machine *m, char *to)
{
	char *const *word;
	bool has_ip = !*m->ip;

	strcpy(to, "mitigations=off pti=off acpi=off pci=off nolapic "
	       "dis_ucode_ldr nowatchdog noreplace-smp "
	       "8250.nr_uarts=0 console=hvc0");
	for (word = m->options->arguments; *word; word++)
		has_ip |= !strncmp(*word, "ip=", 3);
	if (!has_ip)
		add_word(to, m->ip);
	for (word = m->options->arguments; *word; word++)
		add_word(to, *word);
	note("command line: %s", to);
}
static void write_seed(struct setup_data *seed)
{
	seed->type = SETUP_RNG_SEED;
	seed->len = SEED_BYTES;
	if (getrandom(seed->data, SEED_BYTES, 0) != SEED_BYTES)
		die("cannot get a random seed: %s", strerror(errno));
}
/*L:140
 * The hole below 1 MB is where a PC has its video memory and its BIOS. We
 * have neither, but kernels tiptoe around there in any case, and a Guest
 * that looks like a PC is asked fewer questions.
 */
static void write_boot_params(struct machine *m)
{
	struct boot_params *params = boot_params_of(m);
	struct setup_header *header = &params->hdr;

	*header = m->image->header;
	header->type_of_loader = 0xff;
	header->loadflags &= ~KASLR_FLAG;
	header->cmd_line_ptr = COMMAND_LINE_GPA;
	header->setup_data = SEED_GPA;
	params->e820_table[0] = (struct boot_e820_entry) {
		0, 0x9f000, E820_RAM };
	params->e820_table[1] = (struct boot_e820_entry) {
		0x9f000, MB - 0x9f000, E820_RESERVED };
	params->e820_table[2] = (struct boot_e820_entry) {
		MB, m->bytes - MB, E820_RAM };
	params->e820_entries = 3;
	write_command_line(m, (char *)m->memory + COMMAND_LINE_GPA);
	write_seed((struct setup_data *)(m->memory + SEED_GPA));
}
/*:*/
/*L:150
 * From here on the Launcher changes nothing in the Guest's memory, except in
 * the pages of its devices, and where those were asked to put something.
 */
void *place_in_guest(const struct machine *m, const char *name, u64 bytes)
{
	u64 gva = code_symbol(&m->code, name, bytes);

	if (gva % 8)
		die("%s: damaged: its %s is no structure", m->code.path, name);
	return m->memory + m->code_gpa + (gva - CODE_GVA);
}

static void hand_over(struct machine *m)
{
	struct lguest_boot *boot;

	boot = place_in_guest(m, "lguest_boot", sizeof(*boot));
	*boot = (struct lguest_boot) {
		.code_gpa = m->code_gpa,
		.code_gva = CODE_GVA,
		.code_bytes = m->code.bytes,
		.boot_params_gpa = BOOT_PARAMS_GPA,
		.memory_bytes = m->bytes,
	};
	m->entry = code_symbol(&m->code, "lguest_entry", 1);
	note("first page table at %#llx, first instruction at %#llx",
	     m->cr3, m->entry);
}
/*:*/
/*L:110
 * The order is forced: the Guest code is linked against names that are in
 * the loaded image, and the page tables map the linked Guest code.
 */
void machine_build(struct machine *m, const struct image *image,
		   const struct options *options)
{
	size_t initrd_bytes = 0;
	int initrd = -1;

	m->image = image;
	m->options = options;
	choose_initrd(m);
	if (*m->initrd)
		initrd = open_file(m->initrd, &initrd_bytes);
	allocate_memory(m, initrd_bytes);
	image_load(image, m->memory);
	if (!kallsyms_open(&m->symbols, m->memory + image->start,
			   image->end - image->start,
			   KERNEL_MAP + image->start))
		die("%s: it has no kallsyms that I can read", options->kernel);
	link_guest_code(&m->code, options->home, image->release, &m->symbols);
	place_guest_code(m);
	add_devices(m);
	map_guest_code(m);
	fill_page_tables(m);
	patch_exits(m);
	write_boot_params(m);
	if (initrd >= 0)
		place_initrd(m, initrd, initrd_bytes);
	hand_over(m);
}
/*:*/
