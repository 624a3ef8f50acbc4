// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel gets for each instruction that is privileged or reads the state
 * of the system: a line each in the log, to be compared with the same on another
 * machine. "what: value" or "what: trap N". Loading it is all; it does not stay.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <asm/asm.h>
#include <asm/desc.h>
#include <asm/fpu/types.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#define NO_TRAP		256

static u8 memory[64] __aligned(8);
static u64 a, c, d, di;

/*
 * Runs INSTRUCTION with a, c and d in their registers, and rdi at the memory or
 * what di says. Answers the trap of its first instruction, or NO_TRAP.
 */
#define TRY(instruction) ({						\
	unsigned long trap = NO_TRAP, to = di ?: (u64)memory;		\
	unsigned long from = (u64)memory + 24;				\
									\
	asm volatile("1:	" instruction "\n"			\
		     "	jmp	3f\n"					\
		     "2:	movq	%%rax, %[trap]\n"		\
		     "3:\n"						\
		     _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)		\
		     : "+a" (a), "+c" (c), "+d" (d), [trap] "+r" (trap),	\
		       "+D" (to), "+S" (from)				\
		     : : "memory", "cc", "r8");				\
	trap;								\
})

static void report(const char *what, unsigned long trap, bool shown, u64 value)
{
	if (trap != NO_TRAP)
		pr_info("ROW kernel64 %s: trap %lu\n", what, trap);
	else if (shown)
		pr_info("ROW kernel64 %s: %llx\n", what, value);
	else
		pr_info("ROW kernel64 %s:\n", what);
}

#define ONLY(what, instruction)	report(what, TRY(instruction), false, 0)
#define SHOW(what, instruction, value) do {				\
	unsigned long trap = TRY(instruction);				\
									\
	report(what, trap, true, value);				\
} while (0)

/* The five of UMIP, with operands of all shapes. */
static void tables(void)
{
	struct desc_ptr *table = (void *)memory, old;
	unsigned long trap = TRY("sgdt (%%rdi)");

	report("sgdt, where", trap, true,
	       table->address == (u64)get_cpu_gdt_ro(smp_processor_id()));
	report("sgdt, limit", trap, true, table->size);
	old = *table;
	memset(memory, 0, sizeof(memory));
	ONLY("lgdt", "sgdt 8(%%rdi); lgdt 8(%%rdi)");
	SHOW("sgdt at a distance", "sgdt 0x10(%%rdi)",
	     !memcmp(memory + 0x10, &old, sizeof(old)));
	memset(memory, 0, sizeof(memory));
	d = (u64)memory - 0x1000;
	SHOW("sgdt at a great distance", "sgdt 0x1000(%%rdx)",
	     !memcmp(memory, &old, sizeof(old)));
	c = 1;
	SHOW("sgdt at base, index, scale", "sgdt 4(%%rdi,%%rcx,8)",
	     !memcmp(memory + 12, &old, sizeof(old)));
	c = ((u64)memory + 32) / 8;
	SHOW("sgdt at an index alone", "sgdt 0(,%%rcx,8)",
	     !memcmp(memory + 32, &old, sizeof(old)));
	SHOW("sgdt by rip", "sgdt memory(%%rip)",
	     !memcmp(memory, &old, sizeof(old)));
	ONLY("sidt, lidt", "sidt (%%rdi); lidt (%%rdi)");
	report("sidt, limit", NO_TRAP, true, table->size);
	report("sidt, where", NO_TRAP, true,
	       table->address == CPU_ENTRY_AREA_RO_IDT);
}

static void selectors(void)
{
	a = c = d = -1;
	SHOW("sldt, 16 bits", "sldt %%ax", a);
	SHOW("sldt, 32 bits", "sldt %%eax", a);
	SHOW("str, 64 bits", "str %%rax", a);
	SHOW("str to memory", "str (%%rdi)", *(u16 *)memory);
	SHOW("smsw, 16 bits", "smsw %%cx", c);
	SHOW("smsw, 32 bits", "smsw %%edx", d);
	SHOW("smsw, 64 bits", "smsw %%rdx", d);
	SHOW("smsw to memory", "smsw (%%rdi)", *(u16 *)memory);
	SHOW("str to r8", "str %%r8d; movq %%r8, %%rax", a);
	ONLY("lmsw", "smsw %%ax; lmsw %%ax");
	a = 0;
	ONLY("lldt of nothing", "lldt %%ax");
	a = 0x40;
	ONLY("lldt of a TSS", "lldt %%ax");
	ONLY("ltr of the same", "ltr %%ax");
	a = 0x18;
	ONLY("mov ss, the kernel's", "movl %%eax, %%ss");
	SHOW("mov from cs", "movl %%cs, %%eax", a);
	SHOW("mov from ss", "movl %%ss, %%eax", a);
	c = 0x10;
	a = 0;
	SHOW("lar of the kernel's code", "larl %%ecx, %%eax", a);
	c = 0x18;
	SHOW("verw of the kernel's data", "verw %%cx; setz %%al", a & 1);
	c = 0x40;
	a = 0;
	SHOW("lsl of the TSS", "lsll %%ecx, %%eax", a);
}

/* With interrupts off: CR0.TS is not for others. */
static void control_registers(void)
{
	SHOW("mov from cr0", "movq %%cr0, %%rax", a);
	ONLY("mov to cr0", "movq %%rax, %%cr0");
	SHOW("task switched", "orq $8, %%rax; movq %%rax, %%cr0;"
	     "smsw %%ecx; clts; smsw %%edx", (c & 8) | (d & 8) << 1);
	a = 0x123456789000;
	SHOW("cr2, back and forth",
	     "movq %%rax, %%cr2; movq %%cr2, %%rcx", c);
	SHOW("mov from cr3", "movq %%cr3, %%rax",
	     (a & PAGE_MASK) == __pa(current->active_mm->pgd));
	ONLY("mov to cr3", "movq %%rax, %%cr3");
	SHOW("mov from cr4", "movq %%cr4, %%rax", a & X86_CR4_PAE);
	ONLY("mov to cr4", "movq %%rax, %%cr4");
	a = 5;
	SHOW("cr8, back and forth", "movq %%rax, %%cr8; movq %%cr8, %%rcx;"
	     "xorl %%eax, %%eax; movq %%rax, %%cr8", c);
	ONLY("mov from cr1", ".byte 0x0f, 0x20, 0xc8");
	ONLY("mov from cr5", ".byte 0x0f, 0x20, 0xe8");
	ONLY("mov to cr6", ".byte 0x0f, 0x22, 0xf0");
	ONLY("mov from cr7", ".byte 0x0f, 0x20, 0xf8");
	ONLY("mov from cr9", ".byte 0x44, 0x0f, 0x20, 0xc8");
	a = 0x1000;
	SHOW("dr0, back and forth", "movq %%rax, %%dr0; movq %%dr0, %%rcx;"
	     "xorl %%eax, %%eax; movq %%rax, %%dr0", c);
	SHOW("mov from dr7", "movq %%dr7, %%rax", a & ~0x3ffull);
	ONLY("mov to dr7", "movq %%rax, %%dr7");
	SHOW("mov from dr5", ".byte 0x0f, 0x21, 0xe8", a & 0x400);
	ONLY("invlpg", "invlpg (%%rdi)");
	ONLY("invlpg by rip", "invlpg memory(%%rip)");
	ONLY("wbinvd", "wbinvd");
	ONLY("invd", "invd");
	c = 0;
	SHOW("xgetbv", "xgetbv", a & 7);
	if (!boot_cpu_has(X86_FEATURE_PKU))
		a &= ~XFEATURE_MASK_PKRU;
	ONLY("xsetbv of the same", "xsetbv");
	a = 2;
	d = 0;
	ONLY("xsetbv without the x87", "xsetbv");
}

static void msrs(void)
{
	c = MSR_EFER;
	SHOW("rdmsr EFER", "rdmsr", a & 0xd01);
	c = MSR_LSTAR;
	SHOW("rdmsr LSTAR", "rdmsr",
	     (d << 32 | a) - (u64)__START_KERNEL_map < SZ_1G);
	SHOW("wrmsr LSTAR", "wrmsr", 0);
	c = MSR_STAR;
	SHOW("rdmsr STAR", "rdmsr", d);
	c = MSR_GS_BASE;
	SHOW("rdmsr GS_BASE", "rdmsr", (d << 32 | a) ==
	     (u64)this_cpu_ptr(&this_cpu_off) - (u64)&this_cpu_off);
	c = MSR_FS_BASE;
	SHOW("FS_BASE, there and back", "rdmsr; wrmsr; rdmsr",
	     (d << 32 | a) == current->thread.fsbase ||
	     (d << 32 | a) != 0);
	c = 0x12345678;
	ONLY("rdmsr of none", "rdmsr");
	ONLY("wrmsr of none", "wrmsr");
	c = MSR_IA32_TSC;
	ONLY("rdmsr TSC", "rdmsr");
	ONLY("rdtsc", "rdtsc");
	c = 0;
	ONLY("rdpmc", "rdpmc");
	a = c = 0;
	SHOW("cpuid", "pushq %%rbx; cpuid; popq %%rbx", a);
	SHOW("swapgs twice", "rdgsbase %%rax; swapgs; rdgsbase %%rcx; swapgs;"
	     "rdgsbase %%rdx", (a == d) | (a != c) << 1);
}

static void ports(void)
{
	u8 *none = (u8 *)0xffffc00000000000;	/* in nobody's memory */

	a = c = -1;
	d = 0x300;
	SHOW("in al, dx", "inb %%dx, %%al", a);
	a = 0;
	SHOW("the rest of in al, dx", "inb %%dx, %%al", a);
	SHOW("in ax, dx", "inw %%dx, %%ax", a);
	SHOW("in eax, dx", "inl %%dx, %%eax", a);
	SHOW("in al, 0xe0", "inb $0xe0, %%al", a);
	ONLY("out 0xe0, al", "outb %%al, $0xe0");
	ONLY("out dx, eax", "outl %%eax, %%dx");
	memset(memory, 0, sizeof(memory));
	SHOW("insw", "insw; movq %%rdi, %%rax",
	     *(u64 *)memory << 8 | (u8)(a - (u64)memory));
	memset(memory, 0, sizeof(memory));
	c = 3;
	SHOW("rep insb", "rep insb; movq %%rdi, %%rax",
	     *(u64 *)memory << 8 | (u8)(a - (u64)memory));
	c = 3;
	SHOW("rep insl, backwards", "std; rep insl; cld; movq %%rdi, %%rax",
	     (u8)((u64)memory - a) << 8 | c);
	c = 2;
	SHOW("rep outsl", "rep outsl; movq %%rsi, %%rax",
	     (u8)(a - (u64)memory) << 8 | c);
	c = 0;
	SHOW("rep outsb, 0 times", "rep outsb; movq %%rsi, %%rax",
	     (u8)(a - (u64)memory));
	di = (u64)none;
	ONLY("insb to nowhere", "insb");
	ONLY("sgdt to nowhere", "sgdt (%%rdi)");
	di = 0;
}

/* With interrupts off. */
static void flags(void)
{
	a = 0;
	SHOW("sti, the kernel's view", "sti", !irqs_disabled());
	SHOW("cli, the kernel's view", "cli", !irqs_disabled());
	SHOW("pushf after cli", "cli; pushfq; popq %%rax",
	     !!(a & X86_EFLAGS_IF));
	SHOW("popf to cli", "sti; pushfq; popq %%rax; andl $0xfffffdff, %%eax;"
	     "pushq %%rax; popfq", !irqs_disabled());
	ONLY("cli", "cli");
	ONLY("sti; hlt", "sti; hlt");
	ONLY("hlt", "hlt");
	SHOW("hlt, and interrupts stay on", "hlt", !irqs_disabled());
	ONLY("cli", "cli");
	SHOW("iretq with the selectors of a kernel",
	     "movq %%rsp, %%rcx; pushq $0x18; pushq %%rcx; pushfq;"
	     "pushq $0x10; leaq 9f(%%rip), %%rax; pushq %%rax;"
	     "iretq; 9: movq %%rsp, %%rdx", c == d);
	SHOW("iretq with the selectors that are",
	     "movq %%rsp, %%rcx; movl %%ss, %%eax; pushq %%rax; pushq %%rcx;"
	     "pushfq; movl %%cs, %%eax; pushq %%rax; leaq 9f(%%rip), %%rax;"
	     "pushq %%rax; iretq; 9: movq %%rsp, %%rdx", c == d);
	ONLY("cli", "cli");
}

static void others(void)
{
	ONLY("ud2", "ud2");
	ONLY("clac", "clac");
	ONLY("stac", "stac; clac");
	a = (u64)memory;
	c = d = 0;
	ONLY("monitor", "monitor");
	ONLY("invpcid", ".byte 0x66, 0x0f, 0x38, 0x82, 0x07");
	ONLY("rsm", "rsm");
	/* On a bare machine it would work, and where would we be then? */
	report("sysret", boot_cpu_has(X86_FEATURE_XENPV) ?
	       TRY("sysretq") : X86_TRAP_GP, false, 0);
}

static unsigned long stepped_at;

static int note_step(struct notifier_block *block, unsigned long event,
		     void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;

	if (event != DIE_DEBUG || !(regs->flags & X86_EFLAGS_TF))
		return NOTIFY_DONE;
	stepped_at = regs->ip;
	regs->flags &= ~X86_EFLAGS_TF;
	return NOTIFY_STOP;
}

/* How far behind the instruction a CPU in single steps stops. */
#define STEP(what, instruction) do {					\
	unsigned long trap = TRY("pushfq; orl $0x100, (%%rsp); popfq;"	\
				 instruction "; 9: nop; nop;"		\
				 "leaq 9b(%%rip), %%rcx");		\
									\
	report("step over " what, trap, true, stepped_at - c);		\
} while (0)

static void steps(void)
{
	struct notifier_block block = { .notifier_call = note_step };

	register_die_notifier(&block);
	STEP("nop", "nop");
	STEP("mov from cr4", "movq %%cr4, %%rax");
	c = MSR_EFER;
	STEP("rdmsr", "rdmsr");
	d = 0x300;
	STEP("in", "inb %%dx, %%al");
	unregister_die_notifier(&block);
}

static bool worked;

static void work(struct irq_work *unused)
{
	worked = true;
}

/* Work that cannot be done here and now is done as soon as interrupts may come. */
static void later(void)
{
	static struct irq_work irq_work = IRQ_WORK_INIT_HARD(work);
	unsigned long irq;
	bool too_soon;

	local_irq_save(irq);
	irq_work_queue(&irq_work);
	udelay(100);
	too_soon = worked;
	local_irq_restore(irq);
	udelay(100);
	report("irq work too soon", NO_TRAP, true, too_soon);
	report("irq work at once", NO_TRAP, true, worked);
	irq_work_sync(&irq_work);
}

static int __init ring0(void)
{
	unsigned long irq;

	local_irq_save(irq);
	tables();
	selectors();
	control_registers();
	msrs();
	ports();
	flags();
	others();
	local_irq_restore(irq);
	steps();
	later();
	pr_info("ROW kernel64 end:\n");
	return -EAGAIN;		/* seen enough */
}
module_init(ring0);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("lguest's test of privileged instructions");
