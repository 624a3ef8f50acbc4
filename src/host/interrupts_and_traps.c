// SPDX-License-Identifier: GPL-2.0
/*P:800
 * Three kinds of things interrupt a Guest. Real devices do: they belong to the
 * Host, which serves them at once, and the Guest never hears of it. Devices
 * that only the Guest has do: a timer, a console. And the Guest does it to
 * itself: by a system call in one of its programs, an address that leads
 * nowhere, a division by zero.
 *
 * Some of the third kind are ours in secret, such as a page that is missing
 * only from the shadow. The rest go back to the Guest's own kernel, which is
 * called reflecting, and interrupts from its devices are delivered likewise.
 * A CPU would push a few words onto the kernel's stack, and go on where a
 * table says. So the Host writes those words, and looks into its copy of the
 * table. Seen from inside, nobody was here. :*/

#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/desc.h>
#include "lg.h"

#define DR7_GUEST	0xffff03ffull	/* armed, exact, kinds and lengths */
#define DR7_FIXED	0x400ull

/*H:410 Returns the kernel stack pointer. */
u64 enter_kernel_mode(struct lg_cpu *cpu)
{
	struct lguest_data *data = cpu->lg->data;

	cpu->context.user_mode = false;
	WRITE_ONCE(data->user_gs_base, cpu->context.gs_base);
	cpu->context.gs_base = cpu->context.kernel_gs_base;
	return READ_ONCE(data->sp0);
}

static void go_to_kernel(struct lg_cpu *cpu, u64 rip)
{
	struct lg_regs *regs = &cpu->context.regs;

	regs->rip = rip;
	regs->cs = __USER_CS;
	regs->ss = __USER_DS;
	regs->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF |
		       (regs->rflags & X86_EFLAGS_ID);
	WRITE_ONCE(cpu->lg->data->irq_enabled, 0);
}

static void enter_user_mode(struct lg_cpu *cpu)
{
	u64 base = READ_ONCE(cpu->lg->data->user_gs_base);

	hide_from_user_mode(cpu);
	if (cpu->borrowed)
		return_borrowed_descriptors(cpu);
	cpu->context.user_mode = true;
	cpu->context.kernel_gs_base = cpu->context.gs_base;
	cpu->context.gs_base = can_be_base(base) ? base : 0;
}
/*:*/
static bool leads_somewhere(const gate_desc *gate)
{
	return gate->bits.p && is_canonical(gate_offset(gate));
}

static void note_irq_gates(struct lg_cpu *cpu)
{
	int i;

	cpu->irqs_with_gate = 0;
	for (i = 0; i < LGUEST_NR_IRQS; i++)
		if (leads_somewhere(&cpu->gates[LGUEST_FIRST_VECTOR + i]))
			cpu->irqs_with_gate |= BIT(i);
}

/*H:400
 * inject_at() - go to @rip in the Guest's kernel, as the CPU would.
 *
 * The selectors in the frame are what a kernel in ring 0 would have had: that
 * is how Linux tells where a trap came from. Kills a Guest without a stack.
 */
void inject_at(struct lg_cpu *cpu, u64 rip, bool has_error, u64 error)
{
	struct lg_regs *regs = &cpu->context.regs;
	struct lguest_data *data = cpu->lg->data;
	u64 rsp = regs->rsp, rflags = regs->rflags & ~X86_EFLAGS_IF;
	u64 frame[6] = { error, regs->rip, __KERNEL_CS, 0, rsp, __KERNEL_DS };

	if (cpu->context.user_mode) {
		frame[2] = regs->cs;
		frame[5] = regs->ss;
		rsp = enter_kernel_mode(cpu);
	}
	frame[3] = rflags | (READ_ONCE(data->irq_enabled) & X86_EFLAGS_IF);
	rsp &= ~15ull;
	if (has_error ? !push_guest(cpu, rsp, frame, 6) :
			!push_guest(cpu, rsp, frame + 1, 5)) {
		kill_guest(cpu, "no stack at %llx for trap %llu at %llx",
			   rsp, regs->trap, regs->rip);
		return;
	}
	regs->rsp = rsp - (has_error ? 48 : 40);
	go_to_kernel(cpu, rip);
}
/*:*/
/*H:420 By vector: what the Guest has in its table, and who may call it. */
void inject(struct lg_cpu *cpu, unsigned int vector, u64 error)
{
	const gate_desc *gate = &cpu->gates[vector];
	bool called = vector == X86_TRAP_BP || vector == X86_TRAP_OF ||
		      vector == IA32_SYSCALL_VECTOR;

	if (called && cpu->context.user_mode && gate->bits.dpl != 3) {
		cpu->context.regs.rip -= vector == IA32_SYSCALL_VECTOR ? 2 : 1;
		inject(cpu, X86_TRAP_GP, vector * 8 + 2);
		return;
	}
	if (!leads_somewhere(gate)) {
		kill_guest(cpu, "trap %u at %llx before there is a gate",
			   vector, cpu->context.regs.rip);
		return;
	}
	inject_at(cpu, gate_offset(gate), HAS_ERROR_CODE(vector), error);
}
/*:*/
/*H:430 A copy: what it writes later, it must say. */
void load_guest_idt(struct lg_cpu *cpu, u64 gva, u64 bytes)
{
	size_t n = min_t(u64, bytes, sizeof(cpu->gates));

	memset(cpu->gates, 0, sizeof(cpu->gates));
	if (!read_guest(cpu, gva, cpu->gates, n))
		kill_guest(cpu, "no interrupt table at %llx", gva);
	note_irq_gates(cpu);
}

void set_guest_gate(struct lg_cpu *cpu, u64 vector, u64 low, u64 high)
{
	u64 words[2] = { low, high };

	if (vector >= ARRAY_SIZE(cpu->gates)) {
		kill_guest(cpu, "gate %llu: there are 256", vector);
		return;
	}
	vector = array_index_nospec(vector, ARRAY_SIZE(cpu->gates));
	memcpy(&cpu->gates[vector], words, sizeof(words));
	note_irq_gates(cpu);
}
/*:*/
/*H:440 As hardware: rcx and r11 keep what `syscall` put there. */
void enter_guest_syscall(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;

	WRITE_ONCE(cpu->lg->data->user_rsp, regs->rsp);
	regs->rsp = enter_kernel_mode(cpu);
	go_to_kernel(cpu, cpu->syscall_entry);
}
/*:*/
/*H:450 Each field of the frame is read once. */
void return_to_frame(struct lg_cpu *cpu)
{
	struct lguest_iret *iret = &cpu->lg->data->iret;
	struct lg_regs *regs = &cpu->context.regs;
	u64 rflags = READ_ONCE(iret->rflags), cs = READ_ONCE(iret->cs);

	regs->rax = READ_ONCE(iret->rax);
	regs->rcx = READ_ONCE(iret->rcx);
	regs->r11 = READ_ONCE(iret->r11);
	regs->rip = READ_ONCE(iret->rip);
	regs->rsp = READ_ONCE(iret->rsp);
	WRITE_ONCE(cpu->lg->data->irq_enabled, rflags & X86_EFLAGS_IF);
	regs->rflags = (rflags & USER_FLAGS) | X86_EFLAGS_IF |
		       X86_EFLAGS_FIXED;
	if (!(cs & 3)) {
		regs->rflags &= ~X86_EFLAGS_AC;
		return;
	}
	regs->cs = (cs | 3) & 0xffff;
	regs->ss = (READ_ONCE(iret->ss) | 3) & 0xffff;
	enter_user_mode(cpu);
	WRITE_ONCE(cpu->lg->data->irq_enabled, X86_EFLAGS_IF);
	expect_fault_again(cpu);
}
/*:*/
void answer_bad_return(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;
	unsigned int vector = regs->trap & 0xff;

	if (!cpu->context.user_mode)
		kill_guest(cpu, "jumped to %llx in kernel mode", regs->rip);
	else if (regs->ss & 4 && cpu->espfix)
		inject(cpu, X86_TRAP_GP, 0);	/* exc_double_fault()'s word */
	else
		inject(cpu, vector, regs->error);
}
/*H:460 Context: any. */
void raise_irq(struct lg_cpu *cpu, unsigned int irq)
{
	set_bit(irq, &cpu->irqs_pending);
	/* Pairs with set_current_state() in halt_guest(). */
	smp_mb__after_atomic();
	if (!rcuwait_wake_up(&cpu->halted))
		kick_process(cpu->task);
}

static unsigned long deliverable_irqs(struct lg_cpu *cpu)
{
	return READ_ONCE(cpu->irqs_pending) & cpu->irqs_with_gate &
	       ~READ_ONCE(cpu->lg->data->blocked_irqs);
}
/*:*/
/*H:470 Context: any, of the Guest's thread. */
bool interrupt_is_due(struct lg_cpu *cpu)
{
	return !cpu->steps && deliverable_irqs(cpu) &&
	       (READ_ONCE(cpu->lg->data->irq_enabled) & X86_EFLAGS_IF);
}

/* Context: IRQs off, just before an entry. */
void announce_interrupts(struct lg_cpu *cpu)
{
	WRITE_ONCE(cpu->lg->data->irq_pending, deliverable_irqs(cpu) != 0);
}

/* Context: the Guest's thread; may sleep. */
void inject_pending_interrupt(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;
	unsigned int irq;

	if (!interrupt_is_due(cpu))
		return;
	if (!cpu->context.user_mode && regs->rip >= cpu->iret_start &&
	    regs->rip < cpu->iret_end) {
		WRITE_ONCE(cpu->lg->data->irq_enabled, 0);
		regs->rip = cpu->iret_slow;
		return;
	}
	irq = __ffs(deliverable_irqs(cpu) | BIT(LGUEST_NR_IRQS));
	if (irq == LGUEST_NR_IRQS)
		return;		/* blocked while we looked */
	clear_bit(irq, &cpu->irqs_pending);
	inject(cpu, LGUEST_FIRST_VECTOR + irq, 0);
}
/*:*/
/*H:480 Context: the thread of the Guest; sleeps. */
void halt_guest(struct lg_cpu *cpu)
{
	WRITE_ONCE(cpu->lg->data->irq_enabled, X86_EFLAGS_IF);
	prepare_to_rcuwait(&cpu->halted);
	set_current_state(TASK_INTERRUPTIBLE);
	if (!deliverable_irqs(cpu) &&
	    !(read_thread_flags() & WORK_IN_USER_SPACE))
		schedule();
	finish_rcuwait(&cpu->halted);
}
/*:*/
/*H:490 Context of the handler: hard interrupt, any CPU. */
static enum hrtimer_restart clockevent_fires(struct hrtimer *timer)
{
	raise_irq(container_of(timer, struct lg_cpu, timer), 0);
	return HRTIMER_NORESTART;
}

void init_clockevent(struct lg_cpu *cpu)
{
	cpu->date = ktime_mono_to_real(0);
	hrtimer_setup(&cpu->timer, clockevent_fires, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
}

/*
 * @ns from now; 0: at once; ~0: never. A Guest can't make it fire more than it
 * runs. Context: the Guest's thread.
 */
void set_clockevent(struct lg_cpu *cpu, u64 ns)
{
	hrtimer_cancel(&cpu->timer);
	if (!ns)
		set_bit(0, &cpu->irqs_pending);
	if (!ns || ns == ~0ull)
		return;
	ns = min_t(u64, ns, KTIME_MAX / 2);
	hrtimer_start(&cpu->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}
/*:*/
/*H:500 All but DR6, which is in the shared page. */
void set_guest_debugreg(struct lg_cpu *cpu, u64 n, u64 value)
{
	if (n == 7)
		cpu->dr[7] = (value & DR7_GUEST) | DR7_FIXED;
	else if (n < 4)
		cpu->dr[array_index_nospec(n, 4)] = value;
	else if (n != 6)
		kill_guest(cpu, "there is no debug register %llu", n);
}
/*:*/
