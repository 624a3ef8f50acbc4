// SPDX-License-Identifier: GPL-2.0
/*P:400
 * The heart of the Host is a loop, run_guest(): cross over into the Guest; when
 * something has stopped it, come back; see what it was; do something about it;
 * again. Whatever else the Host can do is called from there.
 *
 * A loop in somebody else's kernel has to be a good neighbour. Before each
 * crossing it looks whether anybody else wants the CPU, or a signal has come.
 * It may find itself on another CPU every time. What it changes about a CPU
 * for a Guest's sake, it has changed back before the next process runs there.
 *
 * The rest of this file is the module's own coming and going: it builds the
 * pages where the Switcher lives, and takes them down. :*/

#define pr_fmt(fmt) "lg: " fmt

#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/hw_breakpoint.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <asm/cpu.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include "lg.h"

#define DR7_ARMED	0xff	/* the eight enable bits */
#define SYSCALL_CLEARS	(X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | \
			 X86_EFLAGS_AC)

DEFINE_PER_CPU(struct lg_area, lg_areas);
bool five_levels;
static struct page *text_pages[SWITCHER_TEXT_PAGES];

/* Rights in the area: never user, never writable and executable. */
#define AREA_TABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED)
#define AREA_TEXT	(_PAGE_PRESENT | _PAGE_ACCESSED)
#define AREA_DATA	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | \
			 _PAGE_DIRTY | _PAGE_NX)

/*H:080
 * kill_guest() - the Guest did something that can't be answered. The first
 * reason stands; it goes to dmesg and to the Launcher.
 */
void kill_guest(struct lg_cpu *cpu, const char *format, ...)
{
	static DEFINE_RATELIMIT_STATE(deaths, 5 * HZ, 20);
	struct lg_regs *regs = &cpu->context.regs;
	va_list args;

	if (cpu->event_ready && cpu->event.kind == LGUEST_EVENT_DEAD)
		return;
	memset(&cpu->event, 0, sizeof(cpu->event));
	cpu->event.kind = LGUEST_EVENT_DEAD;
	va_start(args, format);
	vsnprintf(cpu->event.text, sizeof(cpu->event.text), format, args);
	va_end(args);
	cpu->event_ready = true;
	if (fatal_signal_pending(current) || !__ratelimit(&deaths))
		return;
	pr_notice("Guest of %s[%d] died: %s\n", current->comm,
		  task_pid_nr(current), cpu->event.text);
	pr_notice("its last exit was %llu, in %s mode, rip %llx, rsp %llx\n",
		  regs->trap, cpu->context.user_mode ? "user" : "kernel",
		  regs->rip, regs->rsp);
}
/*:*/
#define CR4_NOT_FOR_GUESTS	(X86_CR4_PGE | LG_CR4_LASS)

/*H:040 Context: IRQs off, for both, on the same CPU. */
static void hide_global_pages(struct lg_cpu *cpu)
{
	cpu->hidden_cr4 = cr4_read_shadow() & CR4_NOT_FOR_GUESTS;
	cr4_update_irqsoff(0, cpu->hidden_cr4);
}

static void show_global_pages(struct lg_cpu *cpu)
{
	cr4_update_irqsoff(cpu->hidden_cr4, 0);
}
/*:*/
static bool under_tcg;		/* set once, when the module loads */

/* Context: IRQs off. */
static unsigned long guest_cr4(struct lg_cpu *cpu, bool user)
{
	unsigned long cr4 = cr4_read_shadow();

	if (under_tcg)
		cr4 &= ~X86_CR4_SMAP;
	if (!(cpu->cr4 & X86_CR4_OSXSAVE))
		cr4 &= ~X86_CR4_OSXSAVE;
	if (user)
		cr4 |= cpu->cr4 & X86_CR4_TSD;
	return cr4;
}

#define XFEATURES_LEFT_ON	(XFEATURE_MASK_PKRU | XFEATURE_MASK_XTILE)

static u64 guest_xcr0(struct lg_cpu *cpu, struct lg_area *area)
{
	if (!(cpu->cr4 & cr4_read_shadow() & X86_CR4_OSXSAVE))
		return area->host_xcr0;		/* nobody can tell */
	return cpu->xcr0 | (area->host_xcr0 & XFEATURES_LEFT_ON);
}

static void write_cr4(unsigned long cr4)
{
	asm volatile("mov %0, %%cr4" : : "r" (cr4) : "memory");
}

/* Context: IRQs off, for both. */
static void load_guest_features(struct lg_cpu *cpu, struct lg_area *area)
{
	unsigned long cr4 = guest_cr4(cpu, cpu->context.user_mode);

	area->guest_xcr0 = guest_xcr0(cpu, area);
	if (area->guest_xcr0 != area->host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, area->guest_xcr0);
	if (cr4 != cr4_read_shadow())
		write_cr4(cr4);
}

static void load_host_features(struct lg_area *area)
{
	if (native_read_cr4() != cr4_read_shadow())
		write_cr4(cr4_read_shadow());
	if (area->guest_xcr0 != area->host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, area->host_xcr0);
}
/*H:050 Context: IRQs off. For as long as its thread is on this CPU. */
static void want_msr(struct lg_area *area, u32 number, u64 kept, u64 value)
{
	struct lg_msr *msr = &area->msrs[area->nr_msrs];

	msr->number = number;
	rdmsrq(number, msr->host);
	msr->guest = (msr->host & kept) | value;
	if (msr->guest != msr->host)
		area->nr_msrs++;
}

static void choose_msrs(struct lg_area *area)
{
	u64 stubs = area->address - (u64)switcher_text;
	unsigned int vendor = boot_cpu_data.x86_vendor;

	area->nr_msrs = 0;
	want_msr(area, MSR_LSTAR, 0, stubs + (u64)switcher_syscall);
	if (vendor != X86_VENDOR_INTEL ||
	    boot_cpu_has(X86_FEATURE_HYPERVISOR))
		want_msr(area, MSR_CSTAR, 0, stubs + (u64)switcher_syscall32);
	want_msr(area, MSR_STAR, ~(u32)0,
		 (u64)(__USER32_CS << 16 | __KERNEL_CS) << 32);
	want_msr(area, MSR_SYSCALL_MASK, ~0ull, SYSCALL_CLEARS);
	if ((vendor != X86_VENDOR_AMD && vendor != X86_VENDOR_HYGON) ||
	    under_tcg)
		want_msr(area, MSR_IA32_SYSENTER_CS, 0, 0);
	if (boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID))
		want_msr(area, MSR_TSC_AUX, 0, 0);
}

/* Context: IRQs off, for both. */
static void load_guest_msrs(struct lg_area *area)
{
	int i;

	for (i = 0; i < area->nr_msrs; i++)
		wrmsrq(area->msrs[i].number, area->msrs[i].guest);
}

static void load_host_msrs(struct lg_area *area)
{
	int i;

	for (i = 0; i < area->nr_msrs; i++)
		wrmsrq(area->msrs[i].number, area->msrs[i].host);
}
/*:*/
/* Context: IRQs off, on the area's CPU. */
static void describe_cpu(struct lg_area *area)
{
	struct switcher_host *host = area->host;
	unsigned long cr4 = cr4_read_shadow();

	host->pku = !!(cr4 & X86_CR4_PKE);
	host->cr3_noflush = cr4 & X86_CR4_PCIDE ? X86_CR3_PCID_NOFLUSH : 0;
	host->writes_records = boot_cpu_has(X86_FEATURE_DTES64);
	host->has_pebs = boot_cpu_has(X86_FEATURE_PEBS);
	host->kernel_ibrs = boot_cpu_has(X86_FEATURE_KERNEL_IBRS);
	area->state->verw_selector = __KERNEL_DS;
	area->state->fsgsbase = !!(cr4 & X86_CR4_FSGSBASE);
	rdmsrq(MSR_GS_BASE, host->gs_base);
	if (cr4 & X86_CR4_OSXSAVE)
		area->host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	area->described = true;
}
/* Context: IRQs off, for both. */
static void prepare_cpu(struct lg_cpu *cpu, struct lg_area *area)
{
	if (!area->described)
		describe_cpu(area);
	if (!cpu->prepared) {
		hide_global_pages(cpu);
		choose_msrs(area);
		cpu->prepared = true;
		cpu->clock_is_stale = true;
	}
}

static void restore_cpu(struct lg_cpu *cpu)
{
	if (!cpu->prepared)
		return;
	show_global_pages(cpu);
	cpu->prepared = false;
}
/* Context: IRQs off, before what is pending is announced. */
static void tell_date(struct lg_cpu *cpu)
{
	ktime_t distance = ktime_mono_to_real(0);

	if (distance == cpu->date)
		return;
	cpu->date = distance;
	WRITE_ONCE(cpu->lg->data->date_changes, ++cpu->date_changes);
	set_bit(0, &cpu->irqs_pending);
}

/* Context: IRQs off. The Guest reads all three again if the first changed. */
static void tell_time(struct lg_cpu *cpu)
{
	struct lguest_data *data = cpu->lg->data;
	u64 now = rdtsc();

	if (!cpu->clock_is_stale && now - cpu->clock_tsc < 10ull * tsc_khz)
		return;
	cpu->clock_is_stale = false;
	cpu->clock_tsc = now;
	tell_date(cpu);
	if (!cpu->tells_time)
		return;
	WRITE_ONCE(data->clock_ns, ktime_get_ns());
	WRITE_ONCE(data->clock_tsc, now);
	WRITE_ONCE(data->clock_changes, ++cpu->clock_changes);
}
static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	/* The next entry prepares this CPU. */
}

/* Context: the scheduler's, IRQs off. */
static void sched_out(struct preempt_notifier *notifier,
		      struct task_struct *next)
{
	restore_cpu(container_of(notifier, struct lg_cpu, notifier));
}

static struct preempt_ops lg_preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};
static bool may_be_watched(u64 address)
{
	return is_canonical(address) &&
	       ((address >> 39) & 511) != SWITCHER_SLOT;
}

/* DR7 for the Guest; 0 if nothing is armed that may be. */
static u64 armed_breakpoints(struct lg_cpu *cpu)
{
	u64 dr7 = cpu->dr[7];
	int i;

	for (i = 0; i < 4; i++)
		if (!may_be_watched(cpu->dr[i]))
			dr7 &= ~(3ull << (2 * i));
	return dr7 & DR7_ARMED ? dr7 : 0;
}

/*H:060 Context: IRQs off. */
static void load_debug_registers(struct lg_cpu *cpu,
				 struct switcher_state *state)
{
	int i;

	state->guest_dr7 = armed_breakpoints(cpu);
	if (hw_breakpoint_active())
		set_debugreg(0, 7);
	if (!state->guest_dr7)
		return;
	for (i = 0; i < 4; i++)
		native_set_debugreg(i, may_be_watched(cpu->dr[i]) ?
				       cpu->dr[i] : 0);
	set_debugreg(DR6_RESERVED, 6);
}

static void save_debug_registers(struct lg_cpu *cpu,
				 struct switcher_state *state)
{
	bool hit = state->guest.regs.trap == X86_TRAP_DB;
	unsigned long dr6;

	if (hit) {
		get_debugreg(dr6, 6);
		if (!state->guest_dr7)
			dr6 &= ~DR_TRAP_BITS;
		cpu->dr[6] = dr6;
	}
	if (hit || state->guest_dr7)
		set_debugreg(DR6_RESERVED, 6);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}
/*:*/
/* Context: IRQs off. As arch_exit_to_user_mode() and IBRS_EXIT in Linux. */
static void leave_as_for_user_space(struct lg_area *area)
{
	area->host->debugctl = 0;
	area->host->pebs = 0;
	if (area->host->kernel_ibrs)
		area->host->user_spec_ctrl = ~SPEC_CTRL_IBRS &
			this_cpu_read(x86_spec_ctrl_current);
	forget_kvm_guests();
	amd_clear_divider();
}
static void describe_the_launcher(struct switcher_host *host)
{
	savesegment(ds, host->ds);
	savesegment(es, host->es);
	host->fs = current->thread.fsindex;
	host->gs = current->thread.gsindex;
	host->fs_base = current->thread.fsbase;
	if (!(cr4_read_shadow() & X86_CR4_FSGSBASE))
		rdmsrq(MSR_FS_BASE, host->fs_base);
	if (host->pku)
		host->pkru = rdpkru();
}
/*H:030
 * A vector from 32 up is a real interrupt (Linux never gives 0x80 to one),
 * and goes to the Host's own gate. Never "int $2" for an NMI: that would not
 * block the next one. :*/
static void serve_the_host(struct lg_area *area)
{
	struct switcher_state *state = area->state;
	u64 trap = state->guest.regs.trap;

	if (trap == X86_TRAP_NMI || state->nmi) {
		state->nmi = 0;
		serve_nmi();
	}
	if (trap == X86_TRAP_NM && boot_cpu_has(X86_FEATURE_XFD))
		wrmsrq(MSR_IA32_XFD_ERR, 0);	/* as KVM: not for Linux */
	if (IS_ENABLED(CONFIG_X86_MCE) &&
	    (trap == X86_TRAP_MC || state->machine_check)) {
		struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

		state->machine_check = 0;
		do_machine_check(&regs);
	}
	if (trap >= FIRST_EXTERNAL_VECTOR && trap < 256 &&
	    trap != IA32_SYSCALL_VECTOR) {
		gate_desc *idt = (gate_desc *)area->host->idt.address;

		lg_call_gate(gate_offset(&idt[trap]));
		local_irq_disable();
	}
}
/* Context: IRQs off. */
static void note_async_fault(struct lg_cpu *cpu, u64 trap)
{
	cpu->async_fault = trap == X86_TRAP_PF &&
			   (kvm_read_and_reset_apf_flags() &
			    KVM_PV_REASON_PAGE_NOT_PRESENT);
}

/* Sleeps until KVM has the page. */
static void wait_for_page(struct lg_cpu *cpu)
{
	local_irq_disable();
	kvm_async_pf_task_wait_schedule(cpu->context.cr2);
	local_irq_enable();
}
/*H:025 Context: IRQs off. True until the Guest comes back to us. */
static void allow_direct_path(struct lg_cpu *cpu, struct lg_area *area)
{
	struct switcher_state *state = area->state;
	bool alike = state->fsgsbase && !(cpu->cr4 & X86_CR4_TSD);

	area->ptes[SWITCHER_DATA_PAGE] = __pa(cpu->lg->data) | AREA_DATA;
	state->syscall_entry = cpu->syscall_entry;
	state->direct_call = alike && cpu->syscall_entry;
	state->direct_return = alike && !cpu->root->hides &&
			       !cpu->borrowed && !cpu->awaited_gva;
}
/*:*/
/*H:020
 * run_guest_once() - one crossing there and back, with the Host's urgent
 * business at the end of it.
 *
 * Context: preemption and IRQs off, and they stay off.
 */
static void run_guest_once(struct lg_cpu *cpu)
{
	struct lg_area *area = this_cpu_ptr(&lg_areas);
	struct switcher_state *state = area->state;

	rcu_note_context_switch(false);
	prepare_cpu(cpu, area);
	tell_time(cpu);
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	announce_interrupts(cpu);
	state->guest = cpu->context;
	state->guest.regs.trap = LG_TRAP_NONE;
	state->guest_cr3 = shadow_cr3(cpu, area, cpu->context.user_mode);
	state->other_cr3 = shadow_cr3(cpu, area, !cpu->context.user_mode);
	allow_direct_path(cpu, area);
	load_guest_segments(cpu, area);
	describe_the_launcher(area->host);
	load_debug_registers(cpu, state);
	leave_as_for_user_space(area);
	load_guest_features(cpu, area);
	load_guest_msrs(area);
	lg_cross(area->enter);
	load_host_msrs(area);
	load_host_features(area);
	area->ptes[SWITCHER_DATA_PAGE] = 0;
	save_debug_registers(cpu, state);
	note_async_fault(cpu, state->guest.regs.trap);
	serve_the_host(area);
	cpu->context = state->guest;
}
/*:*/
static bool somebody_waits(void)
{
	return read_thread_flags() &
	       (_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY);
}

/*
 * Returns 0 with preemption and IRQs off; or with both on -EINTR, or -EAGAIN
 * when the world may have changed and the caller should look again.
 */
static int prepare_to_enter(struct lg_cpu *cpu)
{
	int err = 0;

	preempt_disable();
	local_irq_disable();
	if (read_thread_flags() & WORK_IN_USER_SPACE ||
	    READ_ONCE(current->mm->context.ldt))
		err = -EINTR;
	else if (somebody_waits() || cpu->event_ready || interrupt_is_due(cpu))
		err = -EAGAIN;
	if (!err)
		return 0;
	local_irq_enable();
	preempt_enable();
	if (somebody_waits())
		schedule();
	return err;
}
static void take_the_cpu(struct lg_cpu *cpu)
{
	fpu_swap_kvm_fpstate(&cpu->fpu, true);
	current_save_fsgs();
	preempt_disable();
	preempt_notifier_register(&cpu->notifier);
	preempt_enable();
}

static void give_the_cpu_back(struct lg_cpu *cpu)
{
	preempt_disable();
	local_irq_disable();
	restore_cpu(cpu);
	local_irq_enable();
	preempt_notifier_unregister(&cpu->notifier);
	preempt_enable();
	fpu_swap_kvm_fpstate(&cpu->fpu, false);
}
static bool is_split_lock(const struct lg_regs *regs)
{
	return boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
	       !(regs->rflags & X86_EFLAGS_AC);
}

/* Context: the Guest's thread; may sleep. */
static void answer_debug_trap(struct lg_cpu *cpu)
{
	u64 causes = cpu->dr[6] ^ DR6_RESERVED;

	if (causes & DR_BUS_LOCK &&
	    boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT))
		msleep_interruptible(20);
	if (causes == DR_BUS_LOCK)
		return;
	WRITE_ONCE(cpu->lg->data->dr6, cpu->dr[6] | DR_BUS_LOCK);
	inject(cpu, X86_TRAP_DB, 0);
}
/*H:070
 * answer_exit() - do something about what stopped the Guest.
 *
 * Context: the Guest's thread; may sleep.
 */
static void answer_exit(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;
	u64 trap = regs->trap;

	if ((regs->cs & regs->ss & 3) != 3) {
		kill_guest(cpu, "it left from ring 0: a trick");
		return;
	}
	cpu->exits[min_t(u64, trap, LG_TRAP_BROKEN)]++;
	if (cpu->steps && end_step(cpu))
		return;		/* told with the shadow */
	switch (trap) {
	case LG_TRAP_SYSCALL:
		if (cpu->context.user_mode)
			enter_guest_syscall(cpu);
		else
			answer_hypercall(cpu);
		return;
	case X86_TRAP_PF:
		if (cpu->async_fault)
			wait_for_page(cpu);
		else
			answer_page_fault(cpu);
		return;
	case X86_TRAP_GP:
		if (cpu->gp_entry)
			inject_at(cpu, cpu->gp_entry, true, regs->error);
		else
			inject(cpu, X86_TRAP_GP, regs->error);
		return;
	case LG_TRAP_SYSCALL32:
		regs->rip -= 2;		/* a fault points at its cause */
		inject(cpu, X86_TRAP_UD, 0);
		return;
	case X86_TRAP_NM:
		inject(cpu, X86_TRAP_UD, 0);
		return;
	case X86_TRAP_DB:
		answer_debug_trap(cpu);
		return;
	case X86_TRAP_AC:
		if (is_split_lock(regs) && handle_guest_split_lock(regs->rip))
			return;
		inject(cpu, X86_TRAP_AC, regs->error);
		return;
	case X86_TRAP_NMI:
	case X86_TRAP_MC:
	case LG_TRAP_NONE:
		return;
	case LG_TRAP_BROKEN:
		kill_guest(cpu, "the Switcher failed: please report it");
		return;
	default:
		if (trap & LG_TRAP_IRET)
			answer_bad_return(cpu);
		else if (trap < FIRST_EXTERNAL_VECTOR)
			inject(cpu, trap, regs->error);
		else if (trap == IA32_SYSCALL_VECTOR)
			inject(cpu, trap, 0);
		return;
	}
}
/*:*/
/*H:010
 * run_guest() - run until a signal, or until @event is filled in.
 *
 * Context: the initialising thread, in its read(). Sleeps. Returns 0, or
 * -EINTR when the caller should go back to user space first.
 */
int run_guest(struct lg_cpu *cpu, struct lguest_event *event)
{
	int err = 0;

	take_the_cpu(cpu);
	while (!cpu->event_ready && err != -EINTR) {
		inject_pending_interrupt(cpu);
		err = prepare_to_enter(cpu);
		if (err)
			continue;
		run_guest_once(cpu);
		local_irq_enable();
		preempt_enable();
		answer_exit(cpu);
	}
	give_the_cpu_back(cpu);
	if (!cpu->event_ready)
		return -EINTR;
	*event = cpu->event;
	cpu->event_ready = cpu->event.kind == LGUEST_EVENT_DEAD;
	return 0;
}
/*:*/
/* Context: the initialising thread. Errors: -ENOMEM. */
int init_cpu(struct lg_cpu *cpu, struct lguest *lg, u64 entry)
{
	struct lg_regs *regs = &cpu->context.regs;

	if (!fpu_alloc_guest_fpstate(&cpu->fpu))
		return -ENOMEM;
	if (boot_cpu_has(X86_FEATURE_XFD))
		fpu_update_guest_xfd(&cpu->fpu, XFEATURE_MASK_XTILE_DATA);
	cpu->lg = lg;
	cpu->task = get_task_struct(current);
	regs->rip = entry;
	regs->cs = __USER_CS;
	regs->ss = __USER_DS;
	regs->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	cpu->cr4 = X86_CR4_PAE;
	cpu->xcr0 = XFEATURE_MASK_FP;
	preempt_notifier_init(&cpu->notifier, &lg_preempt_ops);
	rcuwait_init(&cpu->halted);
	init_clockevent(cpu);
	return 0;
}

void free_cpu(struct lg_cpu *cpu)
{
	if (!cpu->task)
		return;
	hrtimer_cancel(&cpu->timer);
	free_ldt(cpu);
	fpu_free_guest_fpstate(&cpu->fpu);
	put_task_struct(cpu->task);
}
/*H:090 From here to build_area(): what a CPU's area is made of. */
static u64 entry_for(struct page *page, u64 rights)
{
	return page_to_phys(page) | rights;
}

/* The PGD entry for @puds: with five levels there is one table between. */
static u64 top_entry_for(struct page *puds, struct page *p4ds)
{
	if (!five_levels)
		return entry_for(puds, AREA_TABLE);
	*(u64 *)page_address(p4ds) = entry_for(puds, AREA_TABLE);
	return entry_for(p4ds, AREA_TABLE);
}

static void map_area(struct lg_area *area, int cpu)
{
	u64 *pmds = page_address(area->tables[1]);
	u64 *puds = page_address(area->tables[2]);
	u64 *host_ptes = page_address(area->host_ptes);
	int i;

	area->address = (five_levels ? SWITCHER_BASE5 : SWITCHER_BASE) +
			((unsigned long)cpu << SWITCHER_AREA_SHIFT);
	area->ptes = page_address(area->tables[0]);
	for (i = 0; i <= SWITCHER_HOST_PAGE; i++)
		host_ptes[i] = entry_for(area->pages[i],
			i < SWITCHER_TEXT_PAGES ? AREA_TEXT : AREA_DATA);
	memcpy(area->ptes, host_ptes, SWITCHER_HOST_PAGE * sizeof(u64));
	pmds[pmd_index(area->address)] =
		entry_for(area->tables[0], AREA_TABLE);
	puds[pud_index(area->address)] =
		entry_for(area->tables[1], AREA_TABLE);
	area->slot = top_entry_for(area->tables[2], area->tables[3]);
}
/* Needs area->state. The frame for iretq ends where the entry stack does. */
static void map_clones(struct lg_area *area)
{
	unsigned long address = (area->address & PGDIR_MASK) + SWITCHER_CLONES;
	size_t frame = offsetof(struct switcher_state, entry_stack_end) - 40;
	u64 *puds = page_address(area->tables[2]);
	u64 *ptes = page_address(area->clones[0]);
	u64 *pmds = page_address(area->clones[1]);
	int i;

	for (i = 0; i < PTRS_PER_PTE; i += SZ_64K / PAGE_SIZE)
		ptes[i] = entry_for(area->pages[SWITCHER_STATE_PAGE],
				    AREA_DATA);
	for (i = 0; i < PTRS_PER_PMD; i++)
		pmds[i] = entry_for(area->clones[0], AREA_TABLE);
	for (i = 0; i < SZ_4G / PUD_SIZE; i++)
		puds[pud_index(address) + i] =
			entry_for(area->clones[1], AREA_TABLE);
	area->state->clones = address + frame;
}
static bool allocate_pages(struct page **pages, int n)
{
	while (n--) {
		pages[n] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[n])
			return false;
	}
	return true;
}

static void free_pages_of(struct page **pages, int n)
{
	while (n--)
		if (pages[n])
			__free_page(pages[n]);
}
static void build_idt(struct lg_area *area)
{
	gate_desc *idt = page_address(area->pages[SWITCHER_IDT_PAGE]);
	unsigned long stubs = area->address + switcher_stubs - switcher_text;
	int i;

	for (i = 0; i < 256; i++) {
		struct idt_bits bits = { .type = GATE_INTERRUPT, .p = 1 };
		unsigned long stub = stubs + 16 * i;

		if (i == X86_TRAP_BP || i == X86_TRAP_OF ||
		    i == IA32_SYSCALL_VECTOR)
			bits.dpl = 3;
		bits.ist = i == X86_TRAP_DF ? IST_INDEX_DF + 1 :
			   i == X86_TRAP_NMI ? IST_INDEX_NMI + 1 :
			   i == X86_TRAP_DB ? IST_INDEX_DB + 1 :
			   i == X86_TRAP_MC ? IST_INDEX_MCE + 1 : 0;
		idt[i] = (gate_desc) {
			.offset_low = stub, .offset_middle = stub >> 16,
			.offset_high = stub >> 32,
			.segment = __KERNEL_CS, .bits = bits,
		};
	}
	area->host->guest_idt.size = 256 * sizeof(gate_desc) - 1;
	area->host->guest_idt.address =
		area->address + SWITCHER_IDT_PAGE * PAGE_SIZE;
}
static int build_area(struct lg_area *area, int cpu)
{
	int own = SWITCHER_HOST_PAGE + 1 - SWITCHER_TEXT_PAGES;

	memcpy(area->pages, text_pages, sizeof(text_pages));
	if (!allocate_pages(area->pages + SWITCHER_TEXT_PAGES, own) ||
	    !allocate_pages(area->tables, ARRAY_SIZE(area->tables)) ||
	    !allocate_pages(&area->host_ptes, 1) ||
	    !allocate_pages(area->clones, ARRAY_SIZE(area->clones)))
		return -ENOMEM;
	map_area(area, cpu);
	area->state = page_address(area->pages[SWITCHER_STATE_PAGE]);
	area->host = page_address(area->pages[SWITCHER_HOST_PAGE]);
	map_clones(area);
	area->enter = area->address + switch_to_guest - switcher_text;
	build_idt(area);
	build_gdt(area, cpu);
	return 0;
}
/*:*/
/* The PGD entry for Launchers: all areas. PMD tables of 512 CPUs each. */
static u64 host_slot;
static struct page *host_p4ds, *host_puds;
static struct page *host_pmds[DIV_ROUND_UP(NR_CPUS, 512)];

static int show_area(struct lg_area *area, int cpu)
{
	u64 *puds = page_address(host_puds), *pmds;
	int i = cpu / 512;

	if (!host_pmds[i] && !allocate_pages(&host_pmds[i], 1))
		return -ENOMEM;
	puds[pud_index(area->address)] = entry_for(host_pmds[i], AREA_TABLE);
	pmds = page_address(host_pmds[i]);
	pmds[pmd_index(area->address)] =
		entry_for(area->host_ptes, AREA_TABLE);
	return 0;
}
static int build_switcher(void)
{
	int cpu, i, err;

	if (!allocate_pages(&host_puds, 1) || !allocate_pages(&host_p4ds, 1))
		return -ENOMEM;
	for (i = 0; i < SWITCHER_TEXT_PAGES; i++)
		text_pages[i] = vmalloc_to_page(switcher_text + i * PAGE_SIZE);
	host_slot = top_entry_for(host_puds, host_p4ds);
	for_each_possible_cpu(cpu) {
		struct lg_area *area = per_cpu_ptr(&lg_areas, cpu);

		err = build_area(area, cpu);
		if (!err)
			err = show_area(area, cpu);
		if (err)
			return err;
	}
	return 0;
}
static void flush_cpu(void *unused)
{
	__flush_tlb_all();
}

static void free_switcher(void)
{
	int cpu, i;

	on_each_cpu(flush_cpu, NULL, 1);
	for_each_possible_cpu(cpu) {
		struct lg_area *area = per_cpu_ptr(&lg_areas, cpu);

		free_pages_of(area->pages + SWITCHER_TEXT_PAGES,
			      SWITCHER_HOST_PAGE + 1 - SWITCHER_TEXT_PAGES);
		free_pages_of(area->tables, ARRAY_SIZE(area->tables));
		free_pages_of(&area->host_ptes, 1);
		free_pages_of(area->clones, ARRAY_SIZE(area->clones));
	}
	for (i = 0; i < ARRAY_SIZE(host_pmds); i++)
		free_pages_of(&host_pmds[i], 1);
	free_pages_of(&host_puds, 1);
	free_pages_of(&host_p4ds, 1);
}
/*H:100 Context: lg_lock held. The raw entry, not set_pgd(): no user half. */
int hang_in_switcher(struct mm_struct *mm)
{
	u64 *slot = (u64 *)mm->pgd + SWITCHER_SLOT;

	if (READ_ONCE(*slot))
		return -EBUSY;
	WRITE_ONCE(*slot, host_slot);
	return 0;
}

void take_out_switcher(struct mm_struct *mm)
{
	WRITE_ONCE(*((u64 *)mm->pgd + SWITCHER_SLOT), 0);
}
/*:*/
static const char *refusal(void)
{
	if (cpu_feature_enabled(X86_FEATURE_XENPV))
		return "this kernel is itself a paravirtualised guest";
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return "memory encryption is in use";
	if (LG_FRED)
		return "FRED is in use: boot with fred=off";
	return borrow_from_kvm();
}
static DEFINE_PER_CPU(struct work_struct, bystanders);
static atomic_t standing_by;
static bool rewritten;

/* A second is more than enough, and nobody waits for ever. */
static void stand_by(struct work_struct *unused)
{
	unsigned long end = jiffies + HZ;

	preempt_disable();
	atomic_inc(&standing_by);
	while (!READ_ONCE(rewritten) && time_before(jiffies, end))
		cpu_relax();
	preempt_enable();
}

static void rewrite_scheduler(void (*rewrite)(void))
{
	int cpu, others = 0;

	atomic_set(&standing_by, 0);
	rewritten = !under_tcg;
	migrate_disable();
	for_each_online_cpu(cpu) {
		struct work_struct *work = per_cpu_ptr(&bystanders, cpu);

		INIT_WORK(work, stand_by);
		if (under_tcg && cpu != smp_processor_id())
			others += queue_work_on(cpu, system_highpri_wq, work);
	}
	while (atomic_read(&standing_by) < others)
		usleep_range(50, 100);
	rewrite();
	WRITE_ONCE(rewritten, true);
	for_each_possible_cpu(cpu)
		if (per_cpu(bystanders, cpu).func)
			flush_work(per_cpu_ptr(&bystanders, cpu));
	migrate_enable();
}

static int __init lg_init(void)
{
	const char *reason = refusal();
	int err;

	if (reason) {
		pr_err("cannot run here: %s\n", reason);
		return -EOPNOTSUPP;
	}
	five_levels = pgdir_shift == 48;
	see_what_null_does();
	under_tcg = cpuid_base_hypervisor("TCGTCGTCGTCG", 0);
	rewrite_scheduler(preempt_notifier_inc);
	err = build_switcher();
	if (!err)
		err = lguest_device_init();
	if (err) {
		free_switcher();
		rewrite_scheduler(preempt_notifier_dec);
	}
	return err;
}

static void __exit lg_exit(void)
{
	lguest_device_remove();
	free_switcher();
	rewrite_scheduler(preempt_notifier_dec);
}

module_init(lg_init);
module_exit(lg_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("lguest: a hypervisor that is a book");
