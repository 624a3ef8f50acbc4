/* SPDX-License-Identifier: GPL-2.0 */
/* What the Launcher writes to and reads from /dev/lguest. */
#ifndef _LGUEST_LAUNCHER_H
#define _LGUEST_LAUNCHER_H

#include <linux/types.h>

/*
 * write(): an array of __u64, the first of which is one of these. The file
 * position is never used. Errors: EINVAL for nonsense, EBUSY for a second
 * LHREQ_INITIALIZE or a second Guest in one process, EPERM from a process
 * other than the initialising one (also after an exec(): the Guest ends with
 * the memory that it lies in) or, where the request says so, another thread;
 * ENOMEM, and EOPNOTSUPP on a machine that lg refuses (dmesg says why).
 */
enum lguest_request {
	LHREQ_INITIALIZE,	/* struct lguest_initialize */
	LHREQ_IRQ,		/* number: raise that virtual interrupt */
	LHREQ_BIND_DMA,		/* key, gpa of a ring or 0, eventfd to ring */
	LHREQ_GET_DMA,		/* key; answers the gpa of a free slot */
};

struct lguest_initialize {
	__u64 request;		/* LHREQ_INITIALIZE */
	__u64 abi;		/* LGUEST_ABI */
	__u64 memory;		/* address here of gpa 0, page-aligned */
	__u64 bytes;		/* of Guest memory, whole pages */
	__u64 cr3;		/* gpa of the first page table */
	__u64 entry;		/* gva of the first instruction */
};

/*
 * LHREQ_BIND_DMA: what comes for this key goes into the ring, and then the
 * eventfd is signalled; without a ring the key is a bell. From the thread that
 * initialised, and for good. Errors also: EBADF; EBUSY: somebody is bound to
 * this key; ENOSPC: too many.
 *
 * LHREQ_GET_DMA: write() answers the gpa of the next free slot of a ring in
 * this Guest that is bound to the key, or 0. From now on LGUEST_DMA_TAKEN is in
 * its `used`, and nobody fills it but the caller, who must: slots come in
 * order. It stores `used` last, then looks at the ring's `quiet`, after a full
 * barrier, and if that is 0 raises the interrupt.
 */

/*
 * read(): runs the Guest. EINTR when a signal is pending, or when Linux has
 * other work for this thread in user space; otherwise fills in one of these
 * and returns its size.
 */
enum lguest_event_kind {
	LGUEST_EVENT_NOTIFY,	/* value: LGUEST_NOTIFY_*; read() again */
	LGUEST_EVENT_SHUTDOWN,	/* value: LGUEST_SHUTDOWN_*, text: why */
	LGUEST_EVENT_DEAD,	/* text: what it did; each read() says so */
};

struct lguest_event {
	__u64 kind;
	__u64 value;
	char text[240];		/* always ends with a NUL */
};

#endif /* _LGUEST_LAUNCHER_H */
