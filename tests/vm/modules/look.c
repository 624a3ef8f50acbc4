// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at each CPU by an interrupt, as other parts of a kernel may at any
 * time: what is in the registers that a Guest's Host also has a use for?
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

static const u32 numbers[] = {
	MSR_LSTAR, MSR_CSTAR, MSR_STAR, MSR_SYSCALL_MASK,
	MSR_IA32_SYSENTER_CS, MSR_TSC_AUX, MSR_IA32_DEBUGCTLMSR,
};

struct sight {
	u64 msrs[ARRAY_SIZE(numbers)];
	u64 cr4, xcr0, cr4_differs;
};

static DEFINE_PER_CPU(struct sight, sights);

static void see(void *unused)
{
	struct sight *sight = this_cpu_ptr(&sights);
	unsigned long cr4 = native_read_cr4();
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		rdmsrl_safe(numbers[i], &sight->msrs[i]);
	/* PGE is off beside a Guest, and Linux's own copy of CR4 says so. */
	sight->cr4 = cr4 & ~X86_CR4_PGE;
	sight->cr4_differs = cr4 ^ cr4_read_shadow();
	if (cr4 & X86_CR4_OSXSAVE)
		sight->xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
}

static int look(char *buffer, const struct kernel_param *kp)
{
	int cpu, i, n = 0;

	on_each_cpu(see, NULL, 1);
	for_each_online_cpu(cpu) {
		struct sight *sight = per_cpu_ptr(&sights, cpu);

		n += sysfs_emit_at(buffer, n, "%d:", cpu);
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			n += sysfs_emit_at(buffer, n, " %llx", sight->msrs[i]);
		n += sysfs_emit_at(buffer, n, " cr4 %llx^%llx xcr0 %llx\n",
				   sight->cr4, sight->cr4_differs, sight->xcr0);
	}
	return n;
}

static const struct kernel_param_ops look_ops = { .get = look };
module_param_cb(registers, &look_ops, NULL, 0400);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What an interrupt handler finds in a CPU's registers");
