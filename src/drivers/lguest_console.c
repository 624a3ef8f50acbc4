// SPDX-License-Identifier: GPL-2.0
/*P:060
 * A device and a driver need three things: memory that both see, a way to say
 * "look there", and a way to be told "look here". For a Guest's console these
 * are a page, a hypercall and an interrupt.
 *
 * The Guest fills its part of the page and makes the hypercall; the Launcher's
 * read() returns, and the text goes to the terminal. What somebody types the
 * Launcher puts into its own part, and writes the number of an interrupt to
 * /dev/lguest. No port is touched, no chip is imitated, and the Host has not
 * looked at a single character. :*/

#undef MODULE
#include <linux/console.h>
#include <linux/err.h>
#include <linux/sched/task_stack.h>
#include <linux/sysrq.h>
#include "../guest/guest.h"
#include "hvc.h"

#define CTRL_O	15

struct lguest_console lguest_console;

static struct hvc_struct *hvc;
static struct winsize size;

static u64 be_alone(void)
{
	u64 irqs = READ_ONCE(lguest_data.irq_enabled);

	lguest_irq_disable();
	return irqs;
}

static void be_as_before(u64 irqs)
{
	if (irqs)
		lguest_irq_enable();
}

/*D:010 The Guest's voice. What is gathered is ours while we are alone. */
static int gathered;

static void ring(void)
{
	u64 irqs = be_alone();

	if (gathered) {
		lguest_console.out_bytes = gathered;
		gathered = 0;
		hcall(LHCALL_NOTIFY, LGUEST_NOTIFY_CONSOLE, 0, 0);
	}
	be_as_before(irqs);
}

static int gather(const char *text, int bytes)
{
	u64 irqs = be_alone();
	int i;

	for (i = 0; i < bytes && gathered < LGUEST_CONSOLE_OUT; i++)
		lguest_console.out[gathered++] = text[i];
	if (gathered == LGUEST_CONSOLE_OUT)
		ring();
	be_as_before(irqs);
	return i;
}
/*:*/

/*D:020 Until there is a real console: line by line, as the log comes. */
static void early_write(struct console *console, const char *text,
			unsigned int bytes)
{
	for (; bytes; text++, bytes--) {
		if (*text == '\n')
			gather("\r", 1);
		gather(text, 1);
	}
	ring();
}

static struct console boot_console = {
	.name = "lguest",
	.write = early_write,
	.flags = CON_PRINTBUFFER | CON_BOOT,
	.index = -1,
};
/*:*/

/*D:030 From the terminal, or from the kernel's log, to the Launcher. */
static hvc_ssize_t put_chars(u32 terminal, const hvc_char_t *text,
			     hvc_size_t bytes)
{
	int taken = gather((const char *)text, bytes);

	if (!object_is_on_stack(text))
		ring();
	return taken;
}

static int flush(u32 terminal, bool wait)
{
	ring();
	return 0;
}
/*:*/

/* 0: it has to come again, before the next one. Caller: the terminal's lock. */
static int is_whole(hvc_char_t c)
{
	static bool again;

	if (c == CTRL_O && IS_ENABLED(CONFIG_MAGIC_SYSRQ))
		again = !again;
	return !again;
}

static void obey_sysrq(void)
{
	u32 key = xchg(&lguest_console.sysrq, 0);

	if (key)
		handle_sysrq(key);
}

/*D:040 From the keyboard to the terminal. */
static hvc_ssize_t get_chars(u32 terminal, hvc_char_t *text, hvc_size_t bytes)
{
	/* Pairs with the Launcher's release: the characters are there. */
	u32 head = smp_load_acquire(&lguest_console.in_head);
	u32 tail = lguest_console.in_tail;
	hvc_size_t i;

	if (lguest_console.rows != size.ws_row ||
	    lguest_console.columns != size.ws_col) {
		size.ws_row = lguest_console.rows;
		size.ws_col = lguest_console.columns;
		__hvc_resize(hvc, size);
	}
	obey_sysrq();
	for (i = 0; i < bytes && tail != head; i++) {
		text[i] = lguest_console.in[tail % LGUEST_CONSOLE_IN];
		tail += is_whole(text[i]);
	}
	/* Pairs with the Launcher's acquire: it may use the room. */
	smp_store_release(&lguest_console.in_tail, tail);
	return i;
}
/*:*/

static int open(struct hvc_struct *hp, int irq)
{
	size.ws_row = 0;
	size.ws_col = 0;
	return notifier_add_irq(hp, irq);
}

static const struct hv_ops hvc_ops = {
	.get_chars = get_chars,
	.put_chars = put_chars,
	.flush = flush,
	.notifier_add = open,
	.notifier_del = notifier_del_irq,
	.notifier_hangup = notifier_hangup_irq,
};

/*D:050 First a voice, then a terminal. */
void lguest_console_early_init(void)
{
	register_console(&boot_console);
	hvc_instantiate(0, 0, &hvc_ops);
}

int lguest_console_init(void)
{
	struct hvc_struct *hp = hvc_alloc(0, LGUEST_CONSOLE_IRQ, &hvc_ops,
					  LGUEST_CONSOLE_OUT);

	if (IS_ERR(hp))
		return PTR_ERR(hp);
	hvc = hp;
	return 0;
}
/*:*/
