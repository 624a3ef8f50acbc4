// SPDX-License-Identifier: GPL-2.0
/* What the Launcher builds, on a tiny kernel and on every one in /boot. */
#include <dirent.h>

#include "test.h"

static struct machine machine;
static struct image image;
static struct options options;
static char *nothing[] = { NULL };

static void add_device(struct machine *m, const char *what)
{
	u32 pages = atoi(what);

	device_add(m, pages * 10, pages * 100, pages);
}

static struct wish wishes[] = {
	{ add_device, "7" }, { add_device, "2" }, { }
};

static u64 at_gpa(u64 gpa)
{
	return *(u64 *)(machine.memory + gpa);
}

static u64 number(const char *name, unsigned int i)
{
	u64 gva = code_symbol(&machine.code, name, 8);

	return at_gpa(machine.code_gpa + gva - CODE_GVA + 8 * i);
}

static u64 symbol(const char *name)
{
	return kallsyms_need(&machine.symbols, name);
}

static u64 gpa(const char *name)
{
	return symbol(name) - KERNEL_MAP;
}

static void build(const char *home, const char *kernel, u64 megabytes)
{
	memset(&machine, 0, sizeof(machine));
	memset(&image, 0, sizeof(image));
	snprintf(options.home, sizeof(options.home), "%s", home);
	if (!options.wishes)
		options.wishes = wishes;
	options.megabytes = megabytes;
	options.kernel = kernel;
	if (!options.arguments)
		options.arguments = nothing;
	image_read(&image, kernel);
	machine_build(&machine, &image, &options);
}

static u64 jump_target(const char *name)
{
	u8 *code = machine.memory + gpa(name);
	s32 distance;

	memcpy(&distance, code + 1, 4);
	return code[0] == 0xe9 ? symbol(name) + 5 + distance : 0;
}

/* Walk four levels as the processor does; what maps gva, or 0. */
static u64 walk(u64 gva)
{
	u64 entry = machine.cr3;
	int shift;

	for (shift = 39; shift >= 12; shift -= 9) {
		entry = at_gpa((entry & 0xffffffffff000) +
			       8 * ((gva >> shift) & 511));
		if (!(entry & 1))
			return 0;
		if (shift == 21 && entry & 0x80)
			return entry;
	}
	return entry;
}

static void check_tables(const char *what)
{
	struct guest_code *c = &machine.code;

	ok(walk(machine.entry) == (machine.code_gpa | 0x121),
	   "%s: the entry is mapped to be run, not written", what);
	ok(walk(CODE_GVA + c->text) ==
	   ((machine.code_gpa + c->text) | 0x121 | 1ULL << 63),
	   "%s: constants can be neither", what);
	ok(walk(CODE_GVA + c->rodata) ==
	   ((machine.code_gpa + c->rodata) | 0x163 | 1ULL << 63),
	   "%s: variables can be written, not run", what);
	ok(!walk(CODE_GVA + c->bytes), "%s: nothing behind that", what);
	ok(machine.cr3 == gpa("early_top_pgt") &&
	   !at_gpa(gpa("init_top_pgt")) &&
	   !at_gpa(gpa("init_top_pgt") + 8 * 273),
	   "%s: starts on early_top_pgt, init_top_pgt is swept", what);
	ok((at_gpa(gpa("init_top_pgt") + 8 * 511) & 0xffffffffff001) ==
	   (gpa("level3_kernel_pgt") | 1),
	   "%s: but for the kernel", what);
	ok(!walk(0xffff888000000000), "%s: no memory is mapped yet", what);
}

static void check_links(const char *what)
{
	u8 *code = machine.memory + machine.code_gpa +
		   (machine.entry - CODE_GVA);
	s32 call, load, store;

	memcpy(&call, code + 1, 4);
	memcpy(&load, code + 8, 4);
	memcpy(&store, code + 15, 4);
	ok(machine.entry + 5 + call == symbol("x86_64_start_reservations") &&
	   machine.entry + 12 + load == symbol("pv_ops"),
	   "%s: distances are right", what);
	ok((u64)(s64)store == code_symbol(&machine.code, "lguest_boot", 40),
	   "%s: a signed 32-bit address is right", what);
	ok(number("numbers", 0) == symbol("pv_ops") &&
	   number("numbers", 1) == 0 &&
	   number("numbers", 2) == (u64)(s64)store + 8 &&
	   number("numbers", 3) == symbol("pv_ops") -
	   code_symbol(&machine.code, "numbers", 8) - 24 &&
	   (u32)number("numbers", 4) == 0x12345678,
	   "%s: 64-bit addresses are right, a weak one is 0", what);
	ok(jump_target("xen_iret") ==
	   code_symbol(&machine.code, "lguest_iret", 1) &&
	   jump_target("early_xen_iret_patch") == jump_target("xen_iret"),
	   "%s: both exits jump to lguest_iret", what);
}

static void check_boot(const char *what)
{
	struct boot_params *p = (void *)(machine.memory +
		number("lguest_boot", 3));
	const char *line = (char *)machine.memory + p->hdr.cmd_line_ptr;
	struct setup_data *seed = (void *)(machine.memory +
		p->hdr.setup_data);
	u64 end = machine.code_gpa + machine.code.bytes;
	u32 start = p->hdr.ramdisk_image;

	ok(number("lguest_boot", 0) == machine.code_gpa &&
	   number("lguest_boot", 1) == CODE_GVA &&
	   number("lguest_boot", 2) == machine.code.bytes &&
	   number("lguest_boot", 4) == machine.bytes,
	   "%s: lguest_boot says where things are", what);
	ok(p->hdr.header == 0x53726448 && p->hdr.version >= 0x20c &&
	   p->hdr.type_of_loader == 0xff && !(p->hdr.loadflags & 2) &&
	   p->hdr.boot_flag == 0xaa55 && !p->sentinel,
	   "%s: boot_params has a good header", what);
	ok(strstr(line, "console=hvc0 quiet two") &&
	   !strcmp(strstr(line, "two"), "two"),
	   "%s: the user's words end the command line", what);
	ok(seed->type == 9 && seed->len == 32 && *(u64 *)seed->data &&
	   !seed->next, "%s: there is a seed", what);
	ok(p->e820_entries == 3 && p->e820_table[2].addr == 1 << 20 &&
	   p->e820_table[2].addr + p->e820_table[2].size == machine.bytes,
	   "%s: e820 ends where memory ends", what);
	ok(start % PAGE == 0 && start >= end && p->hdr.ramdisk_size == 5000 &&
	   start + 5000 <= (machine.bytes < 1 << 30 ? machine.bytes : 1 << 30)
	   && machine.memory[start] == 'i' &&
	   machine.memory[start + 4999] == 'i' && !machine.memory[start + 5000],
	   "%s: the initrd is where boot_params says", what);
}

static void check_bus(const char *what)
{
	struct lguest_device_desc *d = (void *)(machine.memory + machine.bytes);

	ok(d[0].type == LGUEST_DEVICE_CONSOLE && d[0].irq == 1 &&
	   d[0].status == 7 && d[0].pages == 1 &&
	   d[0].pfn * PAGE == machine.code_gpa - CODE_GVA +
	   code_symbol(&machine.code, "lguest_console", PAGE),
	   "%s: the console is first on the bus", what);
	ok(d[1].type == 70 && d[1].irq == 3 && d[1].features == 700 &&
	   d[1].pages == 7 && d[1].pfn * PAGE == machine.bytes + PAGE &&
	   d[2].type == 20 && d[2].irq == 4 && d[2].features == 200 &&
	   d[2].pages == 2 && d[2].pfn == d[1].pfn + 7 && !d[3].type &&
	   machine.top == machine.bytes + 10 * PAGE,
	   "%s: then come all others, in order", what);
	ok(!guest_memory(&machine, machine.top, 1) &&
	   !guest_memory(&machine, machine.top - 1, 2) &&
	   !guest_memory(&machine, -1ULL, 2) &&
	   !guest_memory(&machine, 1, -1ULL) &&
	   guest_memory(&machine, machine.top - 1, 1) ==
	   machine.memory + machine.top - 1 &&
	   guest_memory(&machine, 0, machine.top) == machine.memory,
	   "%s: a Guest's memory has an end", what);
}

static void check_all(const char *what)
{
	check_bus(what);
	check_tables(what);
	check_links(what);
	check_boot(what);
}

static void check_tiny_names(const char *what)
{
	const struct kallsyms *k = &machine.symbols;
	char name[400];
	u64 address;
	u32 i, wrong = 0;

	for (i = TINY_KNOWN; i < TINY_NAMES - 2; i++) {
		sprintf(name, "symbol_%u", i);
		if (kallsyms_find(k, name, &address) != 1 ||
		    address != TINY_BASE + 0x10000 + i * 16)
			wrong++;
	}
	ok(!wrong, "%s: every name has its address", what);
	ok(kallsyms_find(k, "symbol_per_cpu", &address) == 1 &&
	   address == (tiny_layout < KALLSYMS_6_18 ? 0x6000 :
		       TINY_BASE + 0x10000 + i * 16),
	   "%s: a per-CPU offset stands as it is, while there are any", what);
	sprintf(name, "long%0300d", 7);
	ok(kallsyms_find(k, name, &address) == 1,
	   "%s: a name of more than 127 bytes", what);
	ok(kallsyms_find(k, "twice", &address) == 2 &&
	   kallsyms_find(k, "same", &address) == 1 &&
	   !kallsyms_find(k, "symbol_", &address) &&
	   !kallsyms_find(k, "", &address),
	   "%s: ambiguous, twice the same, and missing", what);
	SAYS("more than one twice", kallsyms_need(k, "twice"),
	     "%s: an ambiguous name is named", what);
	SAYS("no gone,", kallsyms_need(k, "gone"),
	     "%s: a missing name is named", what);
}

/* Each exported symbol has a second entry elsewhere: compare the two. */
static void check_exports(const char *what, const char *start,
			  const char *stop)
{
	u64 at = gpa(start), end = gpa(stop), address;
	u32 same = 0, ambiguous = 0, wrong = 0, value;
	s32 *entry;

	for (; at < end; at += 12) {
		entry = (s32 *)(machine.memory + at);
		value = at + KERNEL_MAP + entry[0];
		switch (kallsyms_find(&machine.symbols,
				      (char *)(entry + 1) + entry[1],
				      &address)) {
		case 1:
			if ((u32)address == value)
				same++;
			else
				wrong++;
			break;
		case 2:
			ambiguous++;
			break;
		default:
			wrong++;
		}
	}
	ok(same > 3000 && !wrong && ambiguous < same / 1000,
	   "%s: %u exports from %s agree, %u ambiguous, %u wrong", what, same,
	   start, ambiguous, wrong);
}

static void check_kernel(const char *home, const char *release)
{
	char path[PATH_MAX];
	u64 gpl;

	snprintf(path, sizeof(path), "/boot/vmlinuz-%s", release);
	build(home, path, 2048);
	ok(!strcmp(image.release, release), "%s: knows its name", release);
	ok(symbol("_text") == TINY_BASE, "%s: _text", release);
	/* Since 7.1 those under the GPL are no longer kept apart. */
	if (kallsyms_find(&machine.symbols, "__start___ksymtab_gpl", &gpl)) {
		check_exports(release, "__start___ksymtab", "__start___ksymtab_gpl");
		check_exports(release, "__start___ksymtab_gpl", "__stop___ksymtab_gpl");
	} else {
		check_exports(release, "__start___ksymtab", "__stop___ksymtab");
	}
	ok((walk(symbol("_text")) & 0xfffffffe00000) == TINY_GPA,
	   "%s: the kernel is where it was linked", release);
	check_all(release);
}

int main(int argc, char *argv[])
{
	static char *words[] = { "quiet", "two", NULL };
	char initrd[PATH_MAX + 8], path[PATH_MAX + 8], bytes[5000];
	char what[20];
	struct wish too_many[15] = { };
	const char *home = argv[1];
	size_t size;
	u8 *file;
	int i;

	snprintf(initrd, sizeof(initrd), "%s/initrd", home);
	snprintf(path, sizeof(path), "%s/vmlinux", home);
	memset(bytes, 'i', sizeof(bytes));
	write_file(initrd, bytes, sizeof(bytes));
	options.initrd = initrd;
	options.arguments = words;

	for (i = 0; i < 14; i++)
		too_many[i] = wishes[1];
	for (i = 0; i < TINY_LAYOUTS; i++) {
		snprintf(what, sizeof(what), "tiny, %s", tiny_layouts[i]);
		file = tiny_vmlinux(i, &size, NULL);
		write_file(path, file, size);
		build(home, path, 64);
		ok(!strcmp(image.release, "6.6.6-tiny+x"), "tiny: release");
		check_tiny_names(what);
		check_all(what);
		free(file);
	}
	SAYS("needs 50 MB or more", build(home, path, 49),
	     "too little memory says how much is needed");
	ok(!DIES(build(home, path, 50)), "and that much is enough");
	ok(!DIES(build(home, path, 32768)), "32 GB");
	SAYS("32768 MB is the most", build(home, path, 32769), "33 GB");
	options.wishes = too_many;
	SAYS("has room for 13", build(home, path, 64), "14 devices");
	too_many[13].add = NULL;
	ok(!DIES(build(home, path, 64)), "13 devices are not too many");
	too_many[1].add = NULL;
	too_many[0].what = "32768";
	SAYS("has room for 13", build(home, path, 64), "a device too large");
	options.wishes = wishes;
	options.initrd = "/boot";
	SAYS("not a regular file", build(home, path, 64), "a folder as initrd");
	options.initrd = "/nowhere";
	SAYS("No such file", build(home, path, 64), "an initrd that is not");
	options.initrd = initrd;
	size = 1L << 30;
	if (truncate(initrd, size))
		die("no space");
	SAYS("does not fit", build(home, path, 2048), "an initrd of 1 GB");
	write_file(initrd, bytes, sizeof(bytes));

	for (i = 2; i < argc; i++)
		check_kernel(home, argv[i]);
	return finish();
}
