/* SPDX-License-Identifier: GPL-2.0 */
/* What a Guest's drivers agree on with the Host and the Launcher. */
#ifndef _LGUEST_BUS_H
#define _LGUEST_BUS_H

#include <linux/types.h>

#define LGUEST_MAX_DEVICES	14
#define LGUEST_BUS_IRQ		2	/* the Launcher changed the list */
#define LGUEST_DEVICE_IRQ	3	/* of the second device; then 4, ... */

#define LGUEST_DEVICE_CONSOLE	1	/* a struct lguest_console */
#define LGUEST_DEVICE_BLOCK	2	/* a struct lguest_block */
#define LGUEST_DEVICE_NET	3	/* a struct lguest_net, and a wire */

/* How far the Guest has come with a device: all bits so far. */
#define LGUEST_STATUS_SEEN	1	/* the Guest knows of it */
#define LGUEST_STATUS_DRIVER	2	/* there is a driver for it */
#define LGUEST_STATUS_READY	4	/* the driver has made it work */
#define LGUEST_STATUS_FAILED	8	/* or could not */

/*
 * One page of these lies just above the top of normal memory. The Launcher
 * writes each once, the type last; then the Guest its two, the Launcher one.
 */
struct lguest_device_desc {
	__u16 type;		/* LGUEST_DEVICE_*; 0: no device */
	__u16 irq;		/* that it raises */
	__u32 features;		/* that the Launcher offers */
	__u32 accepted;		/* Guest: those that the driver uses */
	__u32 status;		/* Guest: LGUEST_STATUS_* */
	__u32 removed;		/* Launcher: 1 when it is gone */
	__u32 pages;		/* how many belong to it */
	__u64 pfn;		/* the first of those */
};
#define LGUEST_DMA_SEGMENTS	31
#define LGUEST_DMA_BYTES	(17 * 4096)	/* in all: 64 KB and heads */
#define LGUEST_RING_SLOTS	256		/* at most */
#define LGUEST_DMA_TAKEN	(1U << 31)	/* see LHREQ_GET_DMA */

/* A part of a buffer. It may cross pages. */
struct lguest_segment {
	__u64 gpa;
	__u32 bytes;
	__u32 reserved;
};

/* Something to send, or room to receive. Aligned to its 512 bytes. */
struct lguest_dma {
	__u32 used;		/* in a ring: bytes that came; none yet */
				/* if it is 0, or has LGUEST_DMA_TAKEN */
	__u32 segments;		/* how many of them there are */
	__u64 reserved;
	struct lguest_segment segment[LGUEST_DMA_SEGMENTS];
};
/*
 * Page-aligned, in gpas that follow each other. Slots are filled in order,
 * around and around; the receiver sets `used` to 0 when it has emptied one.
 * It has written to each page of a buffer before: the Host does not go looking
 * for memory in other people's Guests.
 */
struct lguest_ring {
	__u32 slots;		/* read once, when it is bound */
	__u32 quiet;		/* 1: no interrupts, the receiver looks */
	__u32 reserved[126];
	struct lguest_dma slot[];
};
#define LGUEST_BLOCK_READ_ONLY	1	/* features */
#define LGUEST_BLOCK_DISCARD	2

#define LGUEST_BLOCK_SLOTS	64
#define LGUEST_BLOCK_SEGMENTS	30

#define LGUEST_BLOCK_READ	0	/* kinds */
#define LGUEST_BLOCK_WRITE	1
#define LGUEST_BLOCK_FLUSH	2	/* what is done before is safe after */
#define LGUEST_BLOCK_TRIM	3	/* discard: the contents may be lost */

#define LGUEST_BLOCK_OK		0	/* answers */
#define LGUEST_BLOCK_FAILED	1
#define LGUEST_BLOCK_FULL	2	/* no space left on the Host */
#define LGUEST_BLOCK_UNKNOWN	3	/* not a thing that this disk does */
struct lguest_block_request {
	__u32 kind;
	__u32 answer;		/* set by the Launcher */
	__u64 sector;		/* of 512 bytes */
	__u64 bytes;		/* in all, a multiple of 512 */
	__u32 segments;
	__u32 fua;		/* 1: a write that is safe when answered */
	struct lguest_segment segment[LGUEST_BLOCK_SEGMENTS];
};

/* The pages of a disk. The counters only grow; x counts at x % SLOTS. */
struct lguest_block {
	__u64 sectors;
	__u32 submitted;	/* Guest: requests */
	__u32 asleep;		/* Launcher: 1: ring, the key is this page */
	__u8 submit[LGUEST_BLOCK_SLOTS];	/* Guest: which slot */
	__u32 completed;	/* Launcher */
	__u8 complete[LGUEST_BLOCK_SLOTS];	/* Launcher: which slot */
	/* What the Host knows of it, in bytes, powers of two. */
	__u32 logical_block, physical_block;
	__u32 discard_granularity;
	__u32 rotational;	/* 1: it turns */
	__u8 reserved[4096 - 36 - 2 * LGUEST_BLOCK_SLOTS];
	struct lguest_block_request request[LGUEST_BLOCK_SLOTS];
};
#define LGUEST_NET_STATIONS	64

#define LGUEST_STATION_NONE	0
#define LGUEST_STATION_ONE	1	/* takes its own frames, and all's */
#define LGUEST_STATION_ALL	2	/* takes every frame: leads elsewhere */

/* The first page of a network device: for this Guest alone. */
struct lguest_net {
	__u32 self;		/* number of our station */
	__u8 mac[6];
	__u16 mtu;		/* to start with */
	__u32 reserved;
	__u64 ring;		/* Guest: gpa of the one at self's key, or 0 */
};

/* The second. A frame has a struct virtio_net_hdr, 10 bytes, before it. */
struct lguest_wire {
	struct {
		__u8 kind;	/* LGUEST_STATION_* */
		__u8 reserved[9];
		__u8 mac[6];
	} station[LGUEST_NET_STATIONS];
};
#endif /* _LGUEST_BUS_H */
