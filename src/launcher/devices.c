// SPDX-License-Identifier: GPL-2.0
/* The bus: the list of devices, and what they have in common. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "launcher.h"

/*L:210
 * Devices are added before the Guest starts, in the order of the options, and
 * the Guest finds them in that order: the first disk of the command line is
 * its first disk. Pages are zero, as all memory is that nobody has touched.
 */
struct device *device_add(struct machine *m, u16 type, u32 features, u32 pages)
{
	struct device *d = &m->device[m->devices];

	if (m->devices == LGUEST_MAX_DEVICES ||
	    pages * PAGE > m->bytes + SHELF - m->top)
		die("too many devices: a Guest has room for %d",
		    LGUEST_MAX_DEVICES - 1);
	d->m = m;
	d->desc = (struct lguest_device_desc *)(m->memory + m->bytes) +
		  m->devices;
	d->gpa = m->top;
	d->pages = m->memory + m->top;
	d->irq = LGUEST_DEVICE_IRQ + m->devices++ - 1;
	*d->desc = (struct lguest_device_desc) {
		.type = type,
		.irq = d->irq,
		.features = features,
		.pages = pages,
		.pfn = d->gpa / PAGE,
	};
	m->top += pages * PAGE;
	return d;
}
/*:*/
static void add_console(struct machine *m)
{
	struct device *d;

	m->console = place_in_guest(m, "lguest_console", sizeof(*m->console));
	d = device_add(m, LGUEST_DEVICE_CONSOLE, 0, 0);
	d->pages = (u8 *)m->console;
	d->gpa = d->pages - m->memory;
	d->irq = LGUEST_CONSOLE_IRQ;
	d->desc->irq = d->irq;
	d->desc->pages = 1;
	d->desc->pfn = d->gpa / PAGE;
	d->desc->status = LGUEST_STATUS_SEEN | LGUEST_STATUS_DRIVER |
			  LGUEST_STATUS_READY;
}

void add_devices(struct machine *m)
{
	const struct wish *wish;

	m->top = m->bytes + PAGE;
	add_console(m);
	for (wish = m->options->wishes; wish->add; wish++)
		wish->add(m, wish->what);
}
void start_devices(struct machine *m)
{
	struct device *d;

	for (d = m->device; d < m->device + m->devices; d++)
		if (d->start)
			d->start(d);
}
int device_bind(struct machine *m, u64 key, u64 ring)
{
	int bell = eventfd(0, EFD_CLOEXEC);
	u64 request[] = { LHREQ_BIND_DMA, key, ring, bell };

	if (bell < 0 ||
	    write(m->host, request, sizeof(request)) != sizeof(request))
		die("cannot listen to the Guest: %s", strerror(errno));
	return bell;
}

static void interrupt(const struct machine *m, u32 number)
{
	u64 irq[] = { LHREQ_IRQ, number };

	if (write(m->host, irq, sizeof(irq)) != sizeof(irq))
		die("cannot interrupt the Guest: %s", strerror(errno));
}

void device_interrupt(const struct device *d)
{
	interrupt(d->m, d->irq);
}

void device_remove(struct device *d)
{
	__atomic_store_n(&d->desc->removed, 1, __ATOMIC_RELEASE);
	interrupt(d->m, LGUEST_BUS_IRQ);
}
/*L:220
 * The address here of these bytes there, or NULL, unless all of them are in
 * the Guest. Any thread may ask.
 */
u8 *guest_memory(const struct machine *m, u64 gpa, u64 bytes)
{
	if (bytes > m->top || gpa > m->top - bytes)
		return NULL;
	return m->memory + gpa;
}
/*:*/
void start_thread(void *(*body)(void *), void *with)
{
	const struct sched_param no_priority = { };
	sigset_t all, usual;
	pthread_t thread;
	int error;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &usual);
	error = pthread_create(&thread, NULL, body, with);
	if (error)
		die("cannot start a thread: %s", strerror(error));
	/* In vain if it has come to its end already. */
	pthread_setschedparam(thread, SCHED_BATCH, &no_priority);
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &usual, NULL);
}
