/* SPDX-License-Identifier: GPL-2.0 */
/* What drivers/tty/hvc/hvc_console.h says in the kernel's own tree. */
#ifndef _LGUEST_HVC_H
#define _LGUEST_HVC_H

#include <linux/termios.h>
#include <kernels.h>

struct hvc_struct;

struct hv_ops {
	hvc_ssize_t (*get_chars)(u32 terminal, hvc_char_t *text,
				 hvc_size_t bytes);
	hvc_ssize_t (*put_chars)(u32 terminal, const hvc_char_t *text,
				 hvc_size_t bytes);
	int (*flush)(u32 terminal, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int irq);
	void (*notifier_del)(struct hvc_struct *hp, int irq);
	void (*notifier_hangup)(struct hvc_struct *hp, int irq);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set,
			unsigned int clear);
	void (*dtr_rts)(struct hvc_struct *hp, hvc_raise_t raise);
};

int hvc_instantiate(u32 terminal, int index, const struct hv_ops *ops);
struct hvc_struct *hvc_alloc(u32 terminal, int irq, const struct hv_ops *ops,
			     int outbuf_size);
void __hvc_resize(struct hvc_struct *hp, struct winsize size);
int notifier_add_irq(struct hvc_struct *hp, int irq);
void notifier_del_irq(struct hvc_struct *hp, int irq);
void notifier_hangup_irq(struct hvc_struct *hp, int irq);

#endif /* _LGUEST_HVC_H */
