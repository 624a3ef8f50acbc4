// SPDX-License-Identifier: GPL-2.0
/*P:010
 * A hypervisor lets kernels share a machine, each of which was made to own
 * one. Some hypervisors are the size of an operating system. This one stays
 * small by three tricks.
 *
 * First, it is a module in an ordinary kernel, the Host, which has a scheduler,
 * memory and drivers already. To the Host, a Guest is a process that reads a
 * file, and takes its time.
 *
 * Second, our Guests know that they are Guests. Where a kernel would do what
 * only the owner of a machine may do, a Guest asks the Host, or finds that it
 * need not be done at all. So nobody has to imitate a whole PC.
 *
 * Third, the Guest's kernel is the Host's: the same file, from the same disk.
 * Linux does most of what needs ring 0 through a table of functions, pv_ops,
 * which it keeps for a hypervisor named Xen. And how does the kernel learn
 * that it is a Guest today? This file is linked into its memory before its
 * first instruction. Ours is the first to run. It puts the functions below
 * into the table, and only then wakes the kernel up. :*/

#undef MODULE	/* It is a part of the kernel, which came late. */
#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xstate.h>
#include <asm/fsgsbase.h>
#include <asm/i8259.h>
#include <asm/idtentry.h>
#include <asm/paravirt.h>
#include <asm/proto.h>
#include <asm/reboot.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/text-patching.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include <asm/x86_init.h>
#include <kernels.h>
#include "../drivers/bus.h"
#include "guest.h"
#include "versions.h"

struct lguest_data lguest_data;
struct lguest_boot lguest_boot;

/* Where general protection faults go that are none of ours. */
unsigned long lguest_gp_handler;
unsigned long lguest_gp_next;

/* The tables that the kernel has loaded, and where its sgdt is an lgdt. */
struct desc_ptr lguest_gdt, lguest_idt;
unsigned long lguest_sgdt;

/* The extended states that the kernel has turned on. */
static u64 xcr0;

static struct vm_struct our_area = { .flags = VM_ALLOC };

unsigned long lguest_gpa(const void *p)
{
	return lguest_boot.code_gpa + (unsigned long)p - lguest_boot.code_gva;
}

/*G:050 Sleep until an interrupt comes. The Host opens the door for it. */
void lguest_safe_halt(void)
{
	hcall(LHCALL_HALT, 0, 0, 0);
}
/*:*/

/*G:090
 * Control registers. At the start: what a boot loader leaves, and the page
 * table that the Launcher chose.
 */
static unsigned long cr0 = CR0_STATE;
static unsigned long cr4 = X86_CR4_PAE;
static unsigned long cr3;
static unsigned long cr8;

static unsigned long lguest_read_cr0(void)
{
	return cr0;
}

static void lguest_write_cr0(unsigned long value)
{
	cr0 = value;
}

static unsigned long lguest_read_cr3(void)
{
	return cr3;
}

static void lguest_write_cr3(unsigned long value)
{
	cr3 = value & ~X86_CR3_PCID_NOFLUSH;
	hcall(LHCALL_NEW_PGTABLE, value, 0, 0);
}
/*:*/

static void lguest_write_cr4(unsigned long value)
{
	cr4 = value;
	hcall(LHCALL_SET_CR4, value, 0, 0);
}

static void lguest_write_cr2(unsigned long value)
{
	lguest_data.cr2 = value;
}

unsigned long lguest_read_cr(unsigned int number)
{
	switch (number) {
	case 0:
		return cr0;
	case 2:
		return lguest_data.cr2;
	case 3:
		return cr3;
	case 4:
		return cr4;
	case 8:
		return cr8;
	default:
		return 0;
	}
}

void lguest_write_cr(unsigned int number, unsigned long value)
{
	switch (number) {
	case 0:
		lguest_write_cr0(value);
		break;
	case 2:
		lguest_write_cr2(value);
		break;
	case 3:
		lguest_write_cr3(value);
		break;
	case 4:
		lguest_write_cr4(value);
		break;
	case 8:
		cr8 = value & 0xf;
		break;
	}
}

bool lguest_set_xcr0(u64 value)
{
	if (hcall(LHCALL_SET_XCR0, value, 0, 0))
		return false;
	xcr0 = value;
	return true;
}

/*G:100 Forget what this address space means, what any means, one page. */
static void lguest_flush_tlb_user(void)
{
	hcall(LHCALL_FLUSH_TLB, 0, 0, 0);
}

static void lguest_flush_tlb_kernel(void)
{
	hcall(LHCALL_FLUSH_TLB, 1, 0, 0);
}

void lguest_flush_tlb_one_user(unsigned long address)
{
	hcall(LHCALL_FLUSH_PAGE, address, 0, 0);
}
/*:*/

static unsigned long debug_registers[8];

unsigned long lguest_get_debugreg(int number)
{
	if (number == 6)
		return lguest_data.dr6 | DR6_RESERVED;
	return debug_registers[number] | (number == 7 ? 0x400 : 0);
}

void lguest_set_debugreg(int number, unsigned long value)
{
	if (number == 6) {
		lguest_data.dr6 = value;
	} else if (debug_registers[number] != value) {
		debug_registers[number] = value;
		hcall(LHCALL_SET_DEBUGREG, number, value, 0);
	}
}

static struct {
	u32 number;
	u64 value, writable;
} remembered[] = {
	{ MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX },
	{ MSR_STAR, .writable = ~0ull },
	{ MSR_LSTAR, .writable = ~0ull },
	{ MSR_CSTAR, .writable = ~0ull },
	{ MSR_SYSCALL_MASK, .writable = U32_MAX },
	{ MSR_IA32_SYSENTER_CS, .writable = U32_MAX },
	{ MSR_IA32_SYSENTER_ESP, .writable = ~0ull },
	{ MSR_IA32_SYSENTER_EIP, .writable = ~0ull },
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE_FAST_STRING |
		MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
		MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL },
	{ MSR_IA32_PLATFORM_ID },
	{ MSR_IA32_UCODE_REV },
	{ MSR_K7_HWCR, BIT(24) },	/* the TSC counts as it should */
};

u64 lguest_fs_base(void)
{
	return lguest_data.fsgsbase ? rdfsbase() :
	       hcall(LHCALL_GET_BASE, LGUEST_BASE_FS, 0, 0);
}

/*G:110 The model-specific registers that we have. False: never heard of it. */
static u64 gs_base;

static bool get_msr(u32 number, u64 *value)
{
	int i;

	switch (number) {
	case MSR_FS_BASE:
		*value = lguest_fs_base();
		return true;
	case MSR_GS_BASE:
		*value = gs_base;
		return true;
	case MSR_KERNEL_GS_BASE:
		*value = lguest_data.user_gs_base;
		return true;
	case MSR_IA32_TSC:
		*value = rdtsc();
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(remembered); i++)
		if (remembered[i].number == number) {
			*value = remembered[i].value;
			return true;
		}
	*value = 0;
	return false;
}
/*:*/

static void set_fs_base(u64 value)
{
	if (lguest_data.fsgsbase)
		wrfsbase(value);
	else
		hcall(LHCALL_SET_BASE, LGUEST_BASE_FS, value, 0);
}

static bool set_msr(u32 number, u64 value)
{
	u64 old;
	int i;

	if (number >= MSR_FS_BASE && number <= MSR_KERNEL_GS_BASE &&
	    !__is_canonical_address(value, lguest_data.base_bits))
		return false;
	switch (number) {
	case MSR_FS_BASE:
		set_fs_base(value);
		return true;
	case MSR_GS_BASE:
		gs_base = value;
		hcall(LHCALL_SET_BASE, LGUEST_BASE_GS, value, 0);
		return true;
	case MSR_KERNEL_GS_BASE:
		lguest_data.user_gs_base = value;
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(remembered); i++) {
		if (remembered[i].number != number)
			continue;
		old = remembered[i].value;
		if ((old ^ value) & ~remembered[i].writable)
			return false;
		remembered[i].value = value;
		return true;
	}
	return false;
}

bool lguest_read_msr(u32 number, u64 *value)
{
	return get_msr(number, value);
}

bool lguest_write_msr(u32 number, u64 value)
{
	return set_msr(number, value);
}

/*G:120 Four handlers have a twin that does not expect to be in ring 0. */
static const struct {
	void (*from)(void);
	void (*to)(void);
} twins[] = {
	{ asm_exc_debug, asm_xenpv_exc_debug },
	{ asm_exc_nmi, asm_xenpv_exc_nmi },
	{ asm_exc_double_fault, asm_xenpv_exc_double_fault },
#ifdef CONFIG_X86_MCE		/* 6.1's kernel for clouds is without */
	{ asm_exc_machine_check, asm_xenpv_exc_machine_check },
#endif
};

static void use_twin(gate_desc *gate)
{
	unsigned long to;
	int i;

	for (i = 0; i < ARRAY_SIZE(twins); i++) {
		if (gate_offset(gate) != (unsigned long)twins[i].from)
			continue;
		to = (unsigned long)twins[i].to;
		gate->offset_low = (u16)to;
		gate->offset_middle = (u16)(to >> 16);
		gate->offset_high = to >> 32;
	}
	gate->bits.ist = 0;
}
/*:*/

/*G:130 A gate changes, or the whole table. */
static void lguest_write_idt_entry(gate_desc *idt, int vector,
				   const gate_desc *gate)
{
	const u64 *words = (const u64 *)&idt[vector];

	idt[vector] = *gate;
	use_twin(&idt[vector]);
	if (vector == X86_TRAP_GP)
		lguest_gp_handler = gate_offset(gate);
	hcall(LHCALL_SET_GATE, vector, words[0], words[1]);
}

void lguest_load_idt(const struct desc_ptr *table)
{
	if (table->address < PAGE_OFFSET)
		return;
	lguest_idt = *table;
	hcall(LHCALL_LOAD_IDT, table->address, table->size + 1, 0);
}
/*:*/

/*G:140 The segments that a program can choose for itself. */
static void lguest_load_tls(struct thread_struct *thread, unsigned int cpu)
{
	const u64 *new = (const u64 *)thread->tls_array;
	static u64 old[GDT_ENTRY_TLS_ENTRIES];

	if (new[0] == old[0] && new[1] == old[1] && new[2] == old[2])
		return;
	memcpy(old, new, sizeof(old));
	memcpy(&get_cpu_gdt_rw(cpu)[GDT_ENTRY_TLS_MIN], new, sizeof(old));
	hcall(LHCALL_LOAD_TLS, new[0], new[1], new[2]);
}

/*:*/
static unsigned int ldt_entries;

static void lguest_set_ldt(const void *table, unsigned int entries)
{
	if (!entries && !ldt_entries)
		return;
	ldt_entries = entries;
	hcall(LHCALL_LOAD_LDT, (unsigned long)table, entries, 0);
}

u16 lguest_ldt_selector(void)
{
	return ldt_entries ? GDT_ENTRY_LDT * 8 : 0;
}

void lguest_load_gdt(const struct desc_ptr *table)
{
	if (table->address < PAGE_OFFSET)
		return;
	lguest_gdt = *table;
}

static void lguest_load_gs_index(unsigned int selector)
{
	hcall(LHCALL_LOAD_GS, selector, 0, 0);
}

static void lguest_load_sp0(unsigned long sp0)
{
	lguest_data.sp0 = sp0;
}

/* Where a kernel tells the machine what this machine need not know. */
static void nothing(void)
{
}

/*G:150
 * The features that the Guest's kernel may know of. To add one: is it usable
 * in ring 3? What will the kernel do with it: does that work in ring 3 too?
 */
#define HAS(name) BIT(X86_FEATURE_##name & 31)

#define LEAF_1_ECX (HAS(XMM3) | HAS(PCLMULQDQ) | HAS(SSSE3) | HAS(FMA) | \
	HAS(CX16) | HAS(XMM4_1) | HAS(XMM4_2) | HAS(MOVBE) | HAS(POPCNT) | \
	HAS(AES) | HAS(XSAVE) | HAS(OSXSAVE) | HAS(AVX) | HAS(F16C) | \
	HAS(RDRAND))
#define LEAF_1_EDX (HAS(FPU) | HAS(PSE) | HAS(TSC) | HAS(MSR) | HAS(PAE) | \
	HAS(CX8) | HAS(PGE) | HAS(CMOV) | HAS(CLFLUSH) | HAS(MMX) | \
	HAS(FXSR) | HAS(XMM) | HAS(XMM2) | HAS(SELFSNOOP))

#define LEAF_7_EBX (HAS(FSGSBASE) | HAS(BMI1) | HAS(AVX2) | HAS(BMI2) | \
	HAS(ERMS) | HAS(AVX512F) | HAS(AVX512DQ) | HAS(RDSEED) | HAS(ADX) | \
	HAS(AVX512IFMA) | HAS(CLFLUSHOPT) | HAS(CLWB) | HAS(AVX512CD) | \
	HAS(SHA_NI) | HAS(AVX512BW) | HAS(AVX512VL))
#define LEAF_7_ECX (HAS(AVX512VBMI) | HAS(UMIP) | HAS(AVX512_VBMI2) | \
	HAS(GFNI) | HAS(VAES) | HAS(VPCLMULQDQ) | HAS(AVX512_VNNI) | \
	HAS(AVX512_BITALG) | HAS(AVX512_VPOPCNTDQ))
#define LEAF_7_EDX (HAS(FSRM) | HAS(AVX512_VP2INTERSECT) | HAS(SERIALIZE))
#define LEAF_7_1_EAX (HAS(AVX_VNNI) | HAS(AVX512_BF16))
#define EXTENDED_1_ECX (HAS(LAHF_LM) | HAS(ABM) | HAS(SSE4A) | \
	HAS(MISALIGNSSE) | HAS(3DNOWPREFETCH) | HAS(XOP) | HAS(FMA4) | \
	HAS(TBM))
#define EXTENDED_1_EDX (HAS(SYSCALL) | HAS(NX) | HAS(MMXEXT) | \
	HAS(FXSR_OPT) | HAS(LM) | HAS(3DNOWEXT) | HAS(3DNOW))
#define EXTENDED_8_EBX (HAS(CLZERO) | HAS(XSAVEERPTR))
/*:*/

static void ask_processor(u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	asm volatile("cpuid"
		     : "+a" (*eax), "=b" (*ebx), "+c" (*ecx), "=d" (*edx));
}

/* 512 bytes from the time of SSE, a header of 64, and what came since. */
static u32 xsave_size(u64 features)
{
	u32 eax, ebx, ecx, edx, size = 512 + 64;
	int i;

	for (i = 2; i < 63; i++) {
		if (!(features & BIT(i)))
			continue;
		eax = 0xd;
		ecx = i;
		ask_processor(&eax, &ebx, &ecx, &edx);
		size = max(size, ebx + eax);
	}
	return size;
}

static void cpuid_xsave(u32 sub, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	switch (sub) {
	case 0:
		*eax = (u32)lguest_data.xcr0;
		*ebx = xsave_size(xcr0);
		*ecx = xsave_size(lguest_data.xcr0);
		*edx = lguest_data.xcr0 >> 32;
		break;
	case 1:
		/* XSAVEOPT. The compact forms are not for ring 3. */
		*eax &= BIT(0);
		*ebx = *ecx = *edx = 0;
		break;
	default:
		if (sub > 62 || !(lguest_data.xcr0 & BIT(sub)))
			*eax = *ebx = *ecx = *edx = 0;
	}
}

/*G:160 A leaf, the masks for its four registers; no leaf, no answer. */
struct leaf {
	u32 number, eax, ebx, ecx, edx;
};

static const struct leaf leaves[] = {
	{ 0x0, ~0, ~0, ~0, ~0 },
	{ 0x1, ~0, 0xff00, LEAF_1_ECX, LEAF_1_EDX },
	{ 0x2, ~0, ~0, ~0, ~0 },
	{ 0x4, 0x3fff, ~0, ~0, ~0 },
	{ 0x7, ~0, LEAF_7_EBX, LEAF_7_ECX, LEAF_7_EDX },
	{ 0xd, ~0, ~0, ~0, ~0 },
	{ 0x80000000, ~0, ~0, ~0, ~0 },
	{ 0x80000001, ~0, ~0, EXTENDED_1_ECX, EXTENDED_1_EDX },
	{ 0x80000002, ~0, ~0, ~0, ~0 },
	{ 0x80000003, ~0, ~0, ~0, ~0 },
	{ 0x80000004, ~0, ~0, ~0, ~0 },
	{ 0x80000005, ~0, ~0, ~0, ~0 },
	{ 0x80000006, ~0, ~0, ~0, ~0 },
	{ 0x80000007, 0, 0, 0, BIT(8) },
	{ 0x80000008, 0xffff, EXTENDED_8_EBX, 0, 0 },
};
/*:*/

static void lguest_cpuid(unsigned int *eax, unsigned int *ebx,
			 unsigned int *ecx, unsigned int *edx)
{
	u32 number = *eax, sub = *ecx;
	const struct leaf *leaf = leaves;

	while (leaf->number != number) {
		if (++leaf == leaves + ARRAY_SIZE(leaves)) {
			*eax = *ebx = *ecx = *edx = 0;
			return;
		}
	}
	ask_processor(eax, ebx, ecx, edx);
	*eax &= leaf->eax;
	*ebx &= leaf->ebx;
	*ecx &= leaf->ecx;
	*edx &= leaf->edx;

	switch (number) {
	case 0x0:
		*eax = min(*eax, 0xdu);
		break;
	case 0x1:
		*ecx |= HAS(PCID) | HAS(HYPERVISOR);
		if (!lguest_data.xcr0)
			*ecx &= ~(HAS(XSAVE) | HAS(OSXSAVE));
		break;
	case 0x7:
		if (!lguest_data.fsgsbase)
			*ebx &= ~HAS(FSGSBASE);
		if (!lguest_data.umip)
			*ecx &= ~HAS(UMIP);
		if (!(*ebx & HAS(ERMS)))
			*edx &= ~HAS(FSRM);
		if (!sub) {
			*eax = min(*eax, 1u);
			break;
		}
		*eax = sub == 1 ? *eax & LEAF_7_1_EAX : 0;
		*ebx = *ecx = *edx = 0;
		break;
	case 0xd:
		cpuid_xsave(sub, eax, ebx, ecx, edx);
		break;
	case 0x80000000:
		*eax = min(*eax, 0x80000008);
		break;
	case 0x80000007:
		if (!lguest_data.tsc_reliable)
			*edx = 0;
		break;
	case 0x80000008:
		/* 48 bits of address: four levels of tables. */
		*eax = (*eax & 0xff) | 48 << 8;
		break;
	}
}

static void force_feature(unsigned int bit)
{
	__set_bit(bit, (unsigned long *)boot_cpu_data.x86_capability);
	__set_bit(bit, (unsigned long *)cpu_caps_set);
}

static void leave_pti_to_host(void)
{
	__clear_bit(X86_FEATURE_PTI, (unsigned long *)cpu_caps_set);
	setup_clear_cpu_cap(X86_FEATURE_PTI);
	native_pagetable_init();
}

/*G:085
 * Where UMIP is missing, get_desc() gets an lgdt for its sgdt, in the place
 * that lguest_sgdt says. Called while the kernel's text is still writable.
 */
static void bend_sgdt(void)
{
	u8 *code = get_desc;

	if (lguest_data.umip)
		return;
	while (code[0] != 0x0f || code[1] != 0x01 || code[2] & 0x38)
		if (++code == get_desc + 256)
			return;
	code[2] |= 0x10;
	lguest_sgdt = (unsigned long)code;
}
/*:*/
/*G:170 No clock chip with a battery, no keyboard controller, no VGA. */
static void forget_the_eighties(void)
{
	x86_platform.legacy.rtc = 0;
	x86_platform.legacy.i8042 = X86_LEGACY_I8042_PLATFORM_ABSENT;
	x86_platform.legacy.no_vga = 1;
	x86_platform.legacy.warm_reset = 0;
	x86_platform.legacy.reserve_bios_regions = 0;
	x86_platform.legacy.devices.pnpbios = 0;
}
/*:*/

/*G:180
 * Sixteen interrupts, all edges: a device rings once, and the Host remembers
 * until we take it. Called with interrupts off.
 */
static void mask_irq(struct irq_data *data)
{
	lguest_data.blocked_irqs |= BIT(data->irq);
}

static void unmask_irq(struct irq_data *data)
{
	lguest_data.blocked_irqs &= ~BIT(data->irq);
	lguest_data.irq_pending = 1;
}

/* The Host forgets it at the moment of delivery. */
static void ack_irq(struct irq_data *data)
{
}

static struct irq_chip lguest_irq_chip = {
	.name = "lguest",
	.irq_ack = ack_irq,
	.irq_mask = mask_irq,
	.irq_unmask = unmask_irq,
};
/*:*/

static int probe_irqs(void)
{
	return LGUEST_NR_IRQS;
}

static struct legacy_pic lguest_pic;

static void init_irqs(void)
{
	int i;

	for (i = 0; i < LGUEST_NR_IRQS; i++)
		irq_set_chip_and_handler_name(i, &lguest_irq_chip,
					      handle_edge_irq, "edge");
}

/* ns since the Host's boot. Context: any. */
static u64 read_clock(struct clocksource *clock)
{
	static u64 last;
	u64 changes, ns, told;
	s64 ticks;

	do {
		changes = READ_ONCE(lguest_data.clock_changes);
		barrier();
		ticks = rdtsc() - READ_ONCE(lguest_data.clock_tsc);
		ns = READ_ONCE(lguest_data.clock_ns);
		barrier();
	} while (changes != READ_ONCE(lguest_data.clock_changes));
	ns += mul_u64_u64_div_u64(max(ticks, 0LL), NSEC_PER_MSEC,
				  lguest_data.tsc_khz);
	do {
		told = READ_ONCE(last);
		if (ns <= told)
			return told;
	} while (cmpxchg64_local(&last, told, ns) != told);
	return ns;
}
/*G:190 The Host knows the time, and how fast the TSC counts. */
static unsigned long tsc_frequency(void)
{
	return lguest_data.tsc_khz;
}

static void get_wallclock(struct timespec64 *now)
{
	*now = ns_to_timespec64(hcall(LHCALL_GET_TIME, 0, 0, 0));
}

static int set_wallclock(const struct timespec64 *now)
{
	return -ENODEV;
}

static void set_date(struct work_struct *unused)
{
	struct timespec64 now;

	get_wallclock(&now);
	do_settimeofday64(&now);
}

static DECLARE_WORK(date_work, set_date);

static void see_whether_date_jumped(void)
{
	static u64 seen;
	u64 changes = READ_ONCE(lguest_data.date_changes);

	if (changes != seen)
		schedule_work(&date_work);
	seen = changes;
}


static struct clocksource lguest_clock = {
	.name = "lguest",
	.rating = 400,
	.read = read_clock,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};
/*:*/

/*M:010
 * Here a road begins. A kernel that goes to sleep moves its alarm to later, and
 * when something wakes it, back to earlier. Each move costs a crossing, and
 * hardly any of these alarms ever rings. An alarm that rings too early would
 * hurt nobody. So why ask? :*/

static bool work_waits;
static s64 asked;			/* ns */
static u64 due;				/* in read_clock()'s time */

/*G:200 An alarm clock that rings once. Context: IRQs off. */
static int set_alarm(unsigned long ns, struct clock_event_device *alarm)
{
	asked = min_t(unsigned long, ns, LONG_MAX);
	due = read_clock(NULL) + asked;
	hcall(LHCALL_CLOCKEVENT, READ_ONCE(work_waits) ? 0 : ns, 0, 0);
	return 0;
}

static int stop_alarm(struct clock_event_device *alarm)
{
	return set_alarm(~0UL, alarm);
}

static struct clock_event_device lguest_alarm = {
	.name = "lguest",
	.features = CLOCK_EVT_FEAT_ONESHOT,
	.mult = 1,
	.min_delta_ns = 1000,
	.min_delta_ticks = 1000,
	.max_delta_ns = LONG_MAX,
	.max_delta_ticks = LONG_MAX,
	.rating = 300,
	.set_next_event = set_alarm,
	.set_state_shutdown = stop_alarm,
};
/*:*/
/*G:205 Instead of arch_irq_work_raise(). Context: any. */
static void ring_for_work(void)
{
	WRITE_ONCE(work_waits, true);
	hcall(LHCALL_CLOCKEVENT, 0, 0, 0);
}

/* Called while the kernel's text is still writable. */
static void take_over_irq_work(void)
{
	u8 *code = (u8 *)arch_irq_work_raise;

	if (*(u32 *)code == 0xfa1e0ff3)		/* endbr64 */
		code += 4;
	if (*code == CALL_INSN_OPCODE || *(u32 *)code == 0x00441f0f)
		code += CALL_INSN_SIZE;		/* the function tracer's */
	*(s32 *)(code + 1) = (long)ring_for_work -
			     (long)(code + JMP32_INSN_SIZE);
	*code = JMP32_INSN_OPCODE;
}
/*:*/
static irqreturn_t alarm_rings(int irq, void *unused)
{
	struct clock_event_device *alarm = &lguest_alarm;
	s64 left;

	see_whether_date_jumped();
	if (xchg(&work_waits, false))
		irq_work_run();
	left = due - read_clock(NULL);
	if (left > 0 && left < asked)
		set_alarm(left, alarm);
	else
		alarm->event_handler(alarm);
	return IRQ_HANDLED;
}

static void init_timer(void)
{
	lguest_alarm.cpumask = cpumask_of(0);
	clockevents_register_device(&lguest_alarm);
	if (request_irq(0, alarm_rings, IRQF_TIMER | IRQF_NOBALANCING,
			"timer", &lguest_alarm))
		panic("lguest: no timer interrupt");
	if (!lguest_data.tsc_reliable) {
		mark_tsc_unstable("the Host does not trust it");
		clocksource_register_hz(&lguest_clock, NSEC_PER_SEC);
	}
}

/*G:210 The ways to go. None returns. */
static void shut_down(unsigned int how, const char *why)
{
	/* It must not cross a page: the Host reads it in one piece. */
	static char text[256] __aligned(256);

	strscpy(text, why, sizeof(text));
	hcall(LHCALL_SHUTDOWN, how, lguest_gpa(text), 0);
}

static void power_off(void)
{
	shut_down(LGUEST_SHUTDOWN_POWEROFF, "power off");
}

void lguest_halt(void)
{
	if (lguest_data.irq_enabled)
		lguest_safe_halt();
	else
		shut_down(LGUEST_SHUTDOWN_POWEROFF,
			  "halted with interrupts off");
}

static void restart(char *command)
{
	shut_down(LGUEST_SHUTDOWN_RESTART, command ?: "restart");
}

static void emergency_restart(void)
{
	restart("emergency restart");
}
/*:*/

static int last_words(struct notifier_block *block, unsigned long event,
		      void *text)
{
	shut_down(LGUEST_SHUTDOWN_CRASH, text);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = last_words,
};

/*G:220 Early, but late enough for printk(). */
static void arch_setup(void)
{
	lguest_console_early_init();
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
}
/*:*/

static unsigned long lguest_hcall(unsigned long number, unsigned long arg1,
				  unsigned long arg2, unsigned long arg3)
{
	return hcall(number, arg1, arg2, arg3);
}

/*G:230 Late, but before the drivers. */
static int register_devices(void)
{
	struct lguest_bus_data data = { .hcall = lguest_hcall };
	struct resource resources[] = {
		DEFINE_RES_MEM(lguest_boot.memory_bytes, PAGE_SIZE),
		DEFINE_RES_IRQ(LGUEST_BUS_IRQ),
	};
	struct platform_device_info bus = {
		.name = "lguest_bus",
		.id = PLATFORM_DEVID_NONE,
		.res = resources,
		.num_res = ARRAY_SIZE(resources),
		.data = &data,
		.size_data = sizeof(data),
	};

	free_irq(LGUEST_BUS_IRQ, NULL);
	if (lguest_console_init() ||
	    IS_ERR(platform_device_register_full(&bus)))
		panic("lguest: no devices");
	return 0;
}
/*:*/

/*G:020
 * The order matters. Until the Host knows our page, any instruction that traps
 * kills us; until pv_ops is ours, the kernel must not run any of its own code.
 */
void lguest_start(void)
{
	lguest_data.gp_entry = (u64)lguest_gp;
	lguest_data.syscall_entry = (u64)lguest_syscall;
	lguest_data.iret_start = (u64)lguest_iret_start;
	lguest_data.iret_end = (u64)lguest_iret_end;
	lguest_data.iret_slow = (u64)lguest_iret_slow;
	lguest_data.espfix = IS_ENABLED(CONFIG_X86_ESPFIX64);
	lguest_data.blocked_irqs = (1 << LGUEST_NR_IRQS) - 1;
	hcall(LHCALL_INIT, lguest_gpa(&lguest_data), LGUEST_ABI, 0);
	set_msr(MSR_GS_BASE, (u64)__per_cpu_load);
	this_cpu_write(cpu_tlbstate.cr4, cr4);
	cr3 = (unsigned long)early_top_pgt - __START_KERNEL_map;
	xcr0 = XFEATURE_MASK_FP;
	pv_info.name = "lguest";
	pv_ops.cpu.get_debugreg = lguest_get_debugreg;
	pv_ops.cpu.set_debugreg = lguest_set_debugreg;
	pv_ops.cpu.read_cr0 = lguest_read_cr0;
	pv_ops.cpu.write_cr0 = lguest_write_cr0;
	pv_ops.cpu.write_cr4 = lguest_write_cr4;
	pv_ops.cpu.load_tr_desc = nothing;
	pv_ops.cpu.load_gdt = lguest_load_gdt;
	pv_ops.cpu.load_idt = lguest_load_idt;
	pv_ops.cpu.set_ldt = lguest_set_ldt;
	pv_ops.cpu.load_tls = lguest_load_tls;
	pv_ops.cpu.load_gs_index = lguest_load_gs_index;
	pv_ops.cpu.write_idt_entry = lguest_write_idt_entry;
	pv_ops.cpu.load_sp0 = lguest_load_sp0;
	pv_ops.cpu.cpuid = lguest_cpuid;
	pv_ops.cpu.read_msr = read_msr;
	pv_ops.cpu.write_msr = write_msr;
	pv_ops.cpu.read_msr_safe = read_msr_safe;
	pv_ops.cpu.write_msr_safe = write_msr_safe;
	pv_ops.irq.save_fl = __PV_IS_CALLEE_SAVE(lguest_save_fl);
	pv_ops.irq.irq_disable = __PV_IS_CALLEE_SAVE(lguest_irq_disable);
	pv_ops.irq.irq_enable = __PV_IS_CALLEE_SAVE(lguest_irq_enable);
	pv_ops.irq.safe_halt = lguest_safe_halt;
	pv_ops.irq.halt = lguest_halt;
	pv_ops.mmu.read_cr2 = __PV_IS_CALLEE_SAVE(lguest_read_cr2);
	pv_ops.mmu.write_cr2 = lguest_write_cr2;
	pv_ops.mmu.read_cr3 = lguest_read_cr3;
	pv_ops.mmu.write_cr3 = lguest_write_cr3;
	pv_ops.mmu.flush_tlb_user = lguest_flush_tlb_user;
	pv_ops.mmu.flush_tlb_kernel = lguest_flush_tlb_kernel;
	pv_ops.mmu.flush_tlb_one_user = lguest_flush_tlb_one_user;
	x86_init.resources.probe_roms = nothing;
	x86_init.resources.dmi_setup = nothing;
	x86_init.mpparse.LG_FIND_MPTABLE = nothing;
	x86_init.irqs.pre_vector_init = init_irqs;
	x86_init.timers.timer_init = init_timer;
	x86_init.oem.arch_setup = arch_setup;
	x86_init.paging.pagetable_init = leave_pti_to_host;
	x86_init.iommu.iommu_init = register_devices;
	x86_platform.set_legacy_features = forget_the_eighties;
	x86_platform.realmode_reserve = nothing;
	x86_platform.realmode_init = nothing;
	x86_platform.calibrate_cpu = tsc_frequency;
	x86_platform.calibrate_tsc = tsc_frequency;
	x86_platform.get_wallclock = get_wallclock;
	x86_platform.set_wallclock = set_wallclock;
	legacy_pic = &lguest_pic;
	pm_power_off = power_off;
	machine_ops.power_off = power_off;
	machine_ops.halt = power_off;
	machine_ops.restart = restart;
	machine_ops.emergency_restart = emergency_restart;
	machine_ops.shutdown = nothing;
	lguest_pic = null_legacy_pic;
	lguest_pic.nr_legacy_irqs = LGUEST_NR_IRQS;
	lguest_pic.chip = &lguest_irq_chip;
	lguest_pic.probe = probe_irqs;
	force_feature(X86_FEATURE_XENPV);
	setup_clear_cpu_cap(X86_FEATURE_SYSCALL32);
	setup_clear_cpu_cap(LG_FEATURE_SYSENTER32);
	bend_sgdt();
	take_over_irq_work();
	if (!lguest_data.xcr0)
		setup_clear_cpu_cap(X86_FEATURE_XSAVE);
	if (!(lguest_data.xcr0 & XFEATURE_MASK_YMM))
		setup_clear_cpu_cap(X86_FEATURE_AVX);
	if (~lguest_data.xcr0 & XFEATURE_MASK_AVX512)
		setup_clear_cpu_cap(X86_FEATURE_AVX512F);
	if (lguest_data.tsc_reliable) {
		force_feature(X86_FEATURE_CONSTANT_TSC);
		force_feature(X86_FEATURE_NONSTOP_TSC);
		force_feature(X86_FEATURE_TSC_KNOWN_FREQ);
		force_feature(X86_FEATURE_TSC_RELIABLE);
	}
	our_area.addr = (void *)lguest_boot.code_gva;
	our_area.size = lguest_boot.code_bytes;
	vm_area_add_early(&our_area);
	memblock_reserve(lguest_boot.code_gpa, lguest_boot.code_bytes);
	memblock_reserve(native_pmd_val(level2_fixmap_pgt[0]) & PTE_PFN_MASK,
			 PAGE_SIZE);
	idt_setup_early_handler();

	/* Never returns: this is the kernel's own way in. */
	x86_64_start_reservations((char *)lguest_boot.boot_params_gpa);
}
/*:*/
