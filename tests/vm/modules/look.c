// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at each CPU by an interrupt, as other parts of a kernel may at any
 * time: what is in the registers that a Guest's Host also has a use for? And
 * did its timer's interrupt come in spite of interrupts being off?
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/fpu/xcr.h>
#include <asm/irq_regs.h>
#include <asm/tlbflush.h>
#include "names.h"

static const u32 numbers[] = {
	MSR_LSTAR, MSR_CSTAR, MSR_STAR, MSR_SYSCALL_MASK,
	MSR_IA32_SYSENTER_CS, MSR_TSC_AUX, MSR_IA32_DEBUGCTLMSR,
};

struct sight {
	u64 msrs[ARRAY_SIZE(numbers)];
	u64 cr4, xcr0, cr4_differs;
	struct hrtimer timer;
	const char *flag;
};

static DEFINE_PER_CPU(struct sight, sights);

static enum hrtimer_restart ring(struct hrtimer *timer)
{
	container_of(timer, struct sight, timer)->flag =
		get_irq_regs()->flags & X86_EFLAGS_IF ? "on" : "off";
	return HRTIMER_NORESTART;
}

static void see(void *unused)
{
	struct sight *sight = this_cpu_ptr(&sights);
	unsigned long cr4 = native_read_cr4();
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		rdmsrq_safe(numbers[i], &sight->msrs[i]);
	/* PGE is off beside a Guest, and Linux's own copy of CR4 says so. */
	sight->cr4 = cr4 & ~X86_CR4_PGE;
	sight->cr4_differs = cr4 ^ cr4_read_shadow();
	if (cr4 & X86_CR4_OSXSAVE)
		sight->xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	sight->flag = "silent";
	hrtimer_setup(&sight->timer, ring, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&sight->timer, ms_to_ktime(1),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static int look(char *buffer, const struct kernel_param *kp)
{
	int cpu, i, n = 0, patience = 100;

	on_each_cpu(see, NULL, 1);
	for_each_online_cpu(cpu) {
		struct sight *sight = per_cpu_ptr(&sights, cpu);

		while (hrtimer_active(&sight->timer) && patience--)
			msleep(20);
		hrtimer_cancel(&sight->timer);
		n += sysfs_emit_at(buffer, n, "%d:", cpu);
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			n += sysfs_emit_at(buffer, n, " %llx", sight->msrs[i]);
		n += sysfs_emit_at(buffer, n, " cr4 %llx^%llx xcr0 %llx irqs %s\n",
				   sight->cr4, sight->cr4_differs, sight->xcr0,
				   sight->flag);
	}
	return n;
}

static const struct kernel_param_ops look_ops = { .get = look };
module_param_cb(registers, &look_ops, NULL, 0400);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What an interrupt handler finds in a CPU's registers");
