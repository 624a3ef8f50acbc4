// SPDX-License-Identifier: GPL-2.0
/*
 * Does with two registers what kvm.ko of 6.1 does: notes what Linux has there
 * when the first virtual machine is made, has its own there while one runs, and
 * puts back what it noted when the next program runs on that CPU. Read noted;
 * write "run", "wait" (inside, for two seconds) or "last" (the last one goes).
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/user-return-notifier.h>
#include "names.h"

#define NOWHERE	0xffffffff80dead00ull	/* a virtual machine's own LSTAR */

static const u32 numbers[] = { MSR_LSTAR, MSR_TSC_AUX };

struct lent {
	struct user_return_notifier notifier;
	bool waits;
	u64 host[ARRAY_SIZE(numbers)];
};

static DEFINE_PER_CPU(struct lent, lents);

static void note(void *unused)
{
	struct lent *lent = this_cpu_ptr(&lents);
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		rdmsrq(numbers[i], lent->host[i]);
}

static void give_back(struct user_return_notifier *notifier)
{
	struct lent *lent = container_of(notifier, struct lent, notifier);
	unsigned long flags;
	int i;

	local_irq_save(flags);
	if (lent->waits) {
		lent->waits = false;
		user_return_notifier_unregister(notifier);
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			wrmsrq(numbers[i], lent->host[i]);
	}
	local_irq_restore(flags);
}

static void give_back_here(void *unused)
{
	give_back(&this_cpu_ptr(&lents)->notifier);
}

static void run(void)
{
	struct lent *lent;

	preempt_disable();
	lent = this_cpu_ptr(&lents);
	wrmsrq(MSR_LSTAR, NOWHERE);
	wrmsrq(MSR_TSC_AUX, 77);
	if (!lent->waits) {
		lent->waits = true;
		lent->notifier.on_user_return = give_back;
		user_return_notifier_register(&lent->notifier);
	}
	preempt_enable();
}

static int set_noted(const char *word, const struct kernel_param *kp)
{
	if (sysfs_streq(word, "last")) {
		on_each_cpu(give_back_here, NULL, 1);
		return 0;
	}
	run();
	if (sysfs_streq(word, "wait"))
		msleep(2000);
	return 0;
}

static int get_noted(char *buffer, const struct kernel_param *kp)
{
	int cpu, n = 0;

	for_each_online_cpu(cpu)
		n += sysfs_emit_at(buffer, n, "%llx %llx\n",
				   per_cpu(lents.host[0], cpu),
				   per_cpu(lents.host[1], cpu));
	return n;
}

static const struct kernel_param_ops noted_ops = {
	.get = get_noted, .set = set_noted,
};
module_param_cb(noted, &noted_ops, NULL, 0600);

static int __init first_one(void)
{
	on_each_cpu(note, NULL, 1);
	return 0;
}

static void __exit last_one(void)
{
	on_each_cpu(give_back_here, NULL, 1);
}

module_init(first_one);
module_exit(last_one);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KVM's way with the registers that a system call uses");
