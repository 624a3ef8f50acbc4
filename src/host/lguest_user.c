// SPDX-License-Identifier: GPL-2.0
/*P:200
 * /dev/lguest is the only door between the Launcher and the Host. Its first
 * write() makes a Guest: here is its memory, this much of it, here is the
 * first page table and there the first instruction. After that, to read() is
 * to run: on the thread that made the Guest, and no other, until a signal
 * comes, or until the Guest has something for the Launcher. Later writes raise
 * the Guest's interrupts, or ask where it wants what has come for it, and any
 * thread may do that.
 *
 * close() ends it. So does exit(), and so does SIGKILL, as a kernel closes the
 * files of the dead. Nobody has to be asked to tidy up. :*/

#define pr_fmt(fmt) "lg: " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/ratelimit.h>
#include <linux/uaccess.h>
#include <asm/mmu_context.h>
#include "lg.h"

static DEFINE_MUTEX(lg_lock);

static unsigned int guests;	/* under lg_lock */
module_param(guests, uint, 0444);
MODULE_PARM_DESC(guests, "Guests that exist now");

static int get_pinned(char *to, const struct kernel_param *param)
{
	return sysfs_emit(to, "%ld\n", atomic_long_read(&pinned_pages));
}

static const struct kernel_param_ops pinned_ops = { .get = get_pinned };

module_param_cb(pinned, &pinned_ops, NULL, 0444);
MODULE_PARM_DESC(pinned, "pages that Guests have pinned now");

static bool exits;
module_param(exits, bool, 0644);
MODULE_PARM_DESC(exits, "log each Guest's exits by cause at its end");

static void say_exits(struct lguest *lg)
{
	static DEFINE_RATELIMIT_STATE(ends, 5 * HZ, 20);
	struct lg_cpu *cpu = &lg->cpu;
	int i;

	if (!exits || !lg->hung_in || !__ratelimit(&ends))
		return;
	pr_info("%s mode, rip %llx, rsp %llx\n",
		cpu->context.user_mode ? "user" : "kernel",
		cpu->context.regs.rip, cpu->context.regs.rsp);
	for (i = 0; i < ARRAY_SIZE(cpu->exits); i++)
		if (cpu->exits[i])
			pr_info("exits by trap %d: %lu\n", i, cpu->exits[i]);
	for (i = 0; i < ARRAY_SIZE(cpu->hypercalls); i++)
		if (cpu->hypercalls[i])
			pr_info("hypercall %d: %lu\n", i, cpu->hypercalls[i]);
	pr_info("without the Host: %llu\n", cpu->context.direct);
}
/* Context: may sleep; of any process, or of none. */
static void end_guest(struct lguest *lg)
{
	bool ended;

	mutex_lock(&lg_lock);
	ended = lg->ended;
	lg->ended = true;
	if (lg->hung_in && !ended) {
		take_out_switcher(lg->mm);
		guests--;
	}
	mutex_unlock(&lg_lock);
	if (ended)
		return;
	close_ports(lg);
	say_exits(lg);
	free_cpu(&lg->cpu);
	free_shadow(lg);
	free_memory(lg);
}

/* The Launcher's memory goes: by its last exit(), or its exec(). */
static void lose_memory(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	end_guest(container_of(notifier, struct lguest, notifier));
}

static const struct mmu_notifier_ops lg_notifier_ops = {
	.release = lose_memory,
};

/* Errors: -ENOMEM, and -ERESTARTNOINTR: mm_take_all_locks() in mm/. */
static int attach_to_memory(struct lguest *lg)
{
	int err;

	lg->notifier.ops = &lg_notifier_ops;
	err = mmu_notifier_register(&lg->notifier, current->mm);
	if (!err)
		lg->mm = current->mm;
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

/* Also for one that start_guest() left half done. */
static void free_guest(struct lguest *lg)
{
	if (lg->mm)
		mmu_notifier_unregister(&lg->notifier, lg->mm);
	end_guest(lg);		/* for one that had no memory yet */
	kvfree(lg);
}

static int lguest_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		free_guest(file->private_data);
	return 0;
}
/*H:110
 * Everything in @args came from user space. No lock is held: to get memory can
 * take long. Errors: see include/lguest_launcher.h.
 */
static int start_guest(struct lguest *lg, const struct lguest_initialize *args)
{
	int err;

	if (current->flags & LG_WORKER || args->abi != LGUEST_ABI ||
	    !PAGE_ALIGNED(args->memory) ||
	    !PAGE_ALIGNED(args->bytes) || !args->bytes ||
	    args->bytes > LG_MAX_BYTES || args->cr3 >= args->bytes ||
	    !access_ok((void __user *)args->memory, args->bytes) ||
	    !is_canonical(args->entry))
		return -EINVAL;
	if (current->mm->context.ldt || launcher_has_shadow_stack()) {
		pr_err_ratelimited("%s has an LDT or a shadow stack: refused\n",
				   current->comm);
		return -EOPNOTSUPP;
	}
	err = attach_to_memory(lg);
	if (!err)
		err = init_memory(lg, args->memory, args->bytes);
	if (!err)
		err = init_shadow(lg, args->cr3);
	if (!err)
		err = init_cpu(&lg->cpu, lg, args->entry);
	return err;
}
/*:*/
static ssize_t initialise(struct file *file, const char __user *in, size_t n)
{
	struct lguest_initialize args;
	struct lguest *lg;
	int err;

	if (n != sizeof(args))
		return -EINVAL;
	if (copy_from_user(&args, in, sizeof(args)))
		return -EFAULT;
	lg = kvzalloc(sizeof(*lg), GFP_KERNEL_ACCOUNT);
	if (!lg)
		return -ENOMEM;
	err = start_guest(lg, &args);
	mutex_lock(&lg_lock);
	if (!err)
		err = file->private_data ? -EBUSY :
					   hang_in_switcher(current->mm);
	if (!err) {
		lg->hung_in = true;
		/* Pairs with the acquires in read and write. */
		smp_store_release(&file->private_data, lg);
		guests++;
	}
	mutex_unlock(&lg_lock);
	if (!err)
		return n;
	free_guest(lg);
	return err;
}
static ssize_t lguest_write(struct file *file, const char __user *in,
			    size_t n, loff_t *pos)
{
	u64 args[4] = { };
	struct lguest *lg;
	int err = 0;

	/* Pairs with the release in initialise(). */
	lg = smp_load_acquire(&file->private_data);
	if (n < 2 * sizeof(*args))
		return -EINVAL;
	if (copy_from_user(args, in, min(n, sizeof(args))))
		return -EFAULT;
	if (args[0] == LHREQ_INITIALIZE)
		return initialise(file, in, n);
	if (!lg || current->mm != lg->mm)
		return lg ? -EPERM : -EINVAL;
	switch (args[0]) {
	case LHREQ_IRQ:
		if (args[1] >= LGUEST_NR_IRQS)
			return -EINVAL;
		raise_irq(&lg->cpu,
			  array_index_nospec(args[1], LGUEST_NR_IRQS));
		break;
	case LHREQ_BIND_DMA:
		if (n < sizeof(args) || args[3] > INT_MAX)
			return n < sizeof(args) ? -EINVAL : -EBADF;
		if (lg->cpu.task != current)
			return -EPERM;
		err = bind_for_launcher(lg, args[1], args[2], args[3]);
		break;
	case LHREQ_GET_DMA:
		return get_dma(lg, args[1]);
	default:
		return -EINVAL;
	}
	return err ?: n;
}
static ssize_t lguest_read(struct file *file, char __user *out, size_t n,
			   loff_t *pos)
{
	struct lguest_event event;
	struct lguest *lg;
	int err;

	/* Pairs with the release in initialise(). */
	lg = smp_load_acquire(&file->private_data);
	if (!lg || n < sizeof(event))
		return -EINVAL;
	if (current->mm != lg->mm || lg->cpu.task != current)
		return -EPERM;
	if (current->mm->context.ldt || launcher_has_shadow_stack())
		return -EOPNOTSUPP;
	err = run_guest(&lg->cpu, &event);
	if (err)
		return err;
	if (copy_to_user(out, &event, sizeof(event)))
		return -EFAULT;
	return sizeof(event);
}
/* Misc devices find themselves in private_data; we want our Guest there. */
static int lguest_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static const struct file_operations lguest_fops = {
	.owner = THIS_MODULE,
	.open = lguest_open,
	.read = lguest_read,
	.write = lguest_write,
	.release = lguest_release,
	.llseek = noop_llseek,
};

static struct miscdevice lguest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lguest",
	.fops = &lguest_fops,
};

int lguest_device_init(void)
{
	init_ports();
	return misc_register(&lguest_device);
}

void lguest_device_remove(void)
{
	misc_deregister(&lguest_device);
}
