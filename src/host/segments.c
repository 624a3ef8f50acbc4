// SPDX-License-Identifier: GPL-2.0
/*P:600
 * Before x86 had page tables it had segments. Every access to memory went
 * through one, and a segment had a start, a length and a list of those who
 * were allowed in. Hypervisors loved them: one length kept a Guest out of the
 * Host. In 64-bit mode the processor ignores most starts and all lengths, and
 * what remains is thread-local storage, some tables for ancient programs, and
 * the ring that code runs in.
 *
 * Little, but not harmless. An entry in these tables can be a door that leads
 * into ring 0. So no Guest ever has a table of its own. It hands entries in,
 * and those that pass the inspection go into a table of ours. :*/

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/ldt.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "lg.h"

#define LDT_BYTES	(SWITCHER_LDT_PAGES * PAGE_SIZE)
#define LDT_WINDOW	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | \
			 _PAGE_DIRTY | _PAGE_NX)

/*H:610 Null is fine: it is what an empty slot looks like. */
static bool descriptor_is_harmless(u64 descriptor)
{
	struct desc_struct desc;

	if (!descriptor)
		return true;
	memcpy(&desc, &descriptor, sizeof(desc));
	return desc.s && desc.dpl == 3 && !((desc.type & 8) && desc.l);
}
/*:*/
static int ldt_index(const u16 *selector)
{
	return *selector & 4 ? *selector >> 3 : -1;
}

static const u16 *live_selector(struct lg_cpu *cpu, int i)
{
	struct lg_context *context = &cpu->context;
	const u16 *selectors[4] = { &context->ds, &context->es,
				    &context->fs, &context->gs };

	return selectors[i];
}

/* What the table has at @at, a number of the Guest's, or 0. */
static u64 ldt_entry(struct lg_cpu *cpu, unsigned int at)
{
	if (at >= cpu->ldt_entries)
		return 0;
	return cpu->ldt[array_index_nospec(at, cpu->ldt_entries)];
}

static void keep_live_descriptors(struct lg_cpu *cpu, u64 *kept)
{
	int i;

	for (i = 0; i < 4; i++)
		kept[i] = ldt_entry(cpu, ldt_index(live_selector(cpu, i)));
}
static void put_live_descriptors(struct lg_cpu *cpu, const u64 *kept)
{
	int i, at;

	for (i = 0; i < 4; i++) {
		at = ldt_index(live_selector(cpu, i));
		if (!kept[i] || ldt_entry(cpu, at))
			continue;
		cpu->ldt[at] = kept[i];
		cpu->ldt_entries = max_t(unsigned int, cpu->ldt_entries,
					 at + 1);
		cpu->ldt_borrowed[i] = at + 1;
		cpu->borrowed = true;
	}
}

static bool names_slot(u16 selector, int slot)
{
	return (selector | 3) == ((GDT_ENTRY_TLS_MIN + slot) * 8 | 3);
}

/* Linux loads FS and GS again if they name it, and would find nothing. */
static void empty_slot(struct lg_cpu *cpu, int slot)
{
	struct lg_context *context = &cpu->context;

	if (names_slot(context->fs, slot))
		context->fs = context->fs_base = 0;
	if (names_slot(context->gs, slot)) {
		context->gs = 0;
		WRITE_ONCE(cpu->lg->data->user_gs_base, 0);
	}
}

static void keep_live_tls(struct lg_cpu *cpu, const u64 *tls)
{
	int i;

	memcpy(cpu->tls_own, tls, sizeof(cpu->tls_own));
	for (i = 0; i < GDT_ENTRY_TLS_ENTRIES; i++) {
		if (!tls[i])
			empty_slot(cpu, i);
		if (!tls[i] && (names_slot(cpu->context.ds, i) ||
				names_slot(cpu->context.es, i)))
			cpu->borrowed = true;
		else
			cpu->tls[i] = tls[i];
	}
}
/* User mode comes next: its tables hold its own descriptors only. */
void return_borrowed_descriptors(struct lg_cpu *cpu)
{
	int i;

	memcpy(cpu->tls, cpu->tls_own, sizeof(cpu->tls));
	for (i = 0; i < 4; i++)
		if (cpu->ldt_borrowed[i])
			cpu->ldt[cpu->ldt_borrowed[i] - 1] = 0;
	memset(cpu->ldt_borrowed, 0, sizeof(cpu->ldt_borrowed));
	cpu->ldt_entries = cpu->ldt_own;
	cpu->borrowed = false;
}
static bool null_keeps_base;

/* Context: when the module loads; the base is that of its insmod. */
void see_what_null_does(void)
{
	unsigned long flags;
	u64 old, now;
	u16 selector;

	local_irq_save(flags);
	savesegment(fs, selector);
	rdmsrq(MSR_FS_BASE, old);
	wrmsrq(MSR_FS_BASE, 1);
	loadsegment(fs, 0);
	rdmsrq(MSR_FS_BASE, now);
	loadsegment(fs, selector);
	wrmsrq(MSR_FS_BASE, old);
	local_irq_restore(flags);
	null_keeps_base = now;
}

/*H:620 Three for threads, many for museums. */
void load_guest_tls(struct lg_cpu *cpu, u64 a, u64 b, u64 c)
{
	if (!descriptor_is_harmless(a) || !descriptor_is_harmless(b) ||
	    !descriptor_is_harmless(c)) {
		kill_guest(cpu, "bad TLS descriptor: %llx %llx %llx", a, b, c);
		return;
	}
	keep_live_tls(cpu, (const u64[]){ a, b, c });
}
void load_guest_ldt(struct lg_cpu *cpu, u64 gva, u64 n)
{
	u64 kept[4], i;

	if (n > LDT_ENTRIES) {
		kill_guest(cpu, "LDT of %llu entries", n);
		return;
	}
	if (n && !cpu->ldt)
		cpu->ldt = __vmalloc(LDT_BYTES, GFP_KERNEL_ACCOUNT |
						__GFP_ZERO);
	if (!cpu->ldt && !n)
		return;
	keep_live_descriptors(cpu, kept);
	if (!cpu->ldt ||
	    !read_guest(cpu, gva, cpu->ldt, n * LDT_ENTRY_SIZE)) {
		cpu->ldt_entries = 0;
		kill_guest(cpu, "no LDT at %llx", gva);
		return;
	}
	for (i = 0; i < n; i++)
		if (!descriptor_is_harmless(cpu->ldt[i]))
			cpu->ldt[i] = 0;
	for (i = n; i < cpu->ldt_entries; i++)
		cpu->ldt[i] = 0;
	cpu->ldt_entries = cpu->ldt_own = n;
	memset(cpu->ldt_borrowed, 0, sizeof(cpu->ldt_borrowed));
	put_live_descriptors(cpu, kept);
}

/* Also for a Guest that never had one. */
void free_ldt(struct lg_cpu *cpu)
{
	vfree(cpu->ldt);
}
static u64 base_of_selector(struct lg_cpu *cpu, u16 selector)
{
	unsigned int i = selector >> 3, slot = i - GDT_ENTRY_TLS_MIN;
	struct desc_struct desc;
	u64 entry = 0;

	if (selector & 4)
		entry = ldt_entry(cpu, i);
	else if (slot < GDT_ENTRY_TLS_ENTRIES)
		entry = cpu->tls_own[array_index_nospec(slot,
						GDT_ENTRY_TLS_ENTRIES)];
	memcpy(&desc, &entry, sizeof(desc));
	if (!desc.p || (desc.type & 8 && !(desc.type & 2)))
		return 0;	/* absent, or code that can't be read */
	return get_desc_base(&desc);
}

void load_guest_gs(struct lg_cpu *cpu, u16 selector)
{
	cpu->context.gs = selector;
	if (selector < 4 && null_keeps_base)
		return;
	WRITE_ONCE(cpu->lg->data->user_gs_base,
		   base_of_selector(cpu, selector));
}

void set_guest_base(struct lg_cpu *cpu, u64 which, u64 value)
{
	if (!can_be_base(value))
		kill_guest(cpu, "segment base %llx", value);
	else if (which == LGUEST_BASE_FS)
		cpu->context.fs_base = value;
	else
		cpu->context.gs_base = value;
}
/*:*/
static void build_tss(struct lg_area *area, unsigned long address);

/*H:600 Values: present, privilege, type and size, as in Linux's own GDT. */
void build_gdt(struct lg_area *area, int cpu)
{
	static const u64 segments[GDT_ENTRIES] = {
		[GDT_ENTRY_KERNEL_CS]		= 0x00af9b000000ffff,
		[GDT_ENTRY_KERNEL_DS]		= 0x00cf93000000ffff,
		[GDT_ENTRY_DEFAULT_USER32_CS]	= 0x00cffb000000ffff,
		[GDT_ENTRY_DEFAULT_USER_DS]	= 0x00cff3000000ffff,
		[GDT_ENTRY_DEFAULT_USER_CS]	= 0x00affb000000ffff,
		[GDT_ENTRY_CPUNODE]		= 0x0040f50000000000,
	};
	void *page = page_address(area->pages[SWITCHER_GDT_PAGE]);
	unsigned long address = area->address + SWITCHER_GDT_PAGE * PAGE_SIZE;
	struct switcher_host *host = area->host;

	memcpy(page, segments, sizeof(segments));
	area->gdt = page;
	host->guest_gdt.size = sizeof(segments) - 1;
	host->guest_gdt.address = address;
	host->gdt_rw.size = GDT_SIZE - 1;
	host->gdt_rw.address = (unsigned long)get_cpu_gdt_rw(cpu);
	build_tss(area, address + SWITCHER_TSS_OFFSET);
}
/*:*/
static void describe_system_segment(struct lg_area *area, int entry, int type,
				    unsigned long base, unsigned int limit)
{
	struct ldttss_desc desc;

	set_tssldt_descriptor(&desc, base, type, limit);
	memcpy(&area->gdt[entry], &desc, sizeof(desc));
}

static void build_tss(struct lg_area *area, unsigned long address)
{
	void *page = page_address(area->pages[SWITCHER_GDT_PAGE]);
	struct x86_hw_tss *tss = page + SWITCHER_TSS_OFFSET;
	unsigned long stacks = area->address +
			       SWITCHER_STACKS_PAGE * PAGE_SIZE;
	int i;

	tss->sp0 = area->address + SWITCHER_STATE_PAGE * PAGE_SIZE +
		   sizeof(struct lg_regs);
	for (i = 0; i < 4; i++)
		tss->ist[i] = stacks + (i + 1) * SWITCHER_STACK_BYTES;
	tss->io_bitmap_base = sizeof(*tss);	/* none: no ports */
	describe_system_segment(area, GDT_ENTRY_TSS, DESC_TSS, address,
				sizeof(*tss) - 1);
	describe_system_segment(area, GDT_ENTRY_LDT, DESC_LDT, area->address +
				SWITCHER_LDT_PAGE * PAGE_SIZE, 0);
}
/*H:630 Context: IRQs off. */
void load_guest_segments(struct lg_cpu *cpu, struct lg_area *area)
{
	u64 *window = area->ptes + SWITCHER_LDT_PAGE;
	u64 bytes = cpu->ldt_entries * LDT_ENTRY_SIZE;
	int i;

	memcpy(&area->gdt[GDT_ENTRY_TLS_MIN], cpu->tls, sizeof(cpu->tls));
	area->host->guest_ldt = bytes ? GDT_ENTRY_LDT * 8 : 0;
	memset(window, 0, SWITCHER_LDT_PAGES * sizeof(u64));
	if (!bytes)
		return;
	for (i = 0; i < DIV_ROUND_UP(bytes, PAGE_SIZE); i++)
		window[i] = page_to_phys(vmalloc_to_page(
			(void *)cpu->ldt + i * PAGE_SIZE)) | LDT_WINDOW;
	describe_system_segment(area, GDT_ENTRY_LDT, DESC_LDT, area->address +
				SWITCHER_LDT_PAGE * PAGE_SIZE, bytes - 1);
}
/*:*/
