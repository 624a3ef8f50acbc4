/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that we are built for. */
#ifndef _LGUEST_KERNELS_H
#define _LGUEST_KERNELS_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/types.h>
#include <linux/version.h>

/* 6.6 gave the pools of pages a folder of their own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

/* 6.8 taught terminals that characters are unsigned and sizes are sizes. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
typedef u8 hvc_char_t;
typedef size_t hvc_size_t;
typedef ssize_t hvc_ssize_t;
typedef bool hvc_raise_t;
#else
typedef char hvc_char_t;
typedef int hvc_size_t;
typedef int hvc_ssize_t;
typedef int hvc_raise_t;
#endif

/* 6.9 named the search for a table of processors after the table. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define LG_FIND_MPTABLE	find_mptable
#else
#define LG_FIND_MPTABLE	find_smp_config
#endif

/* 6.3 promised that an event changes no device, */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define LG_EVENT_CONST	const
#else
#define LG_EVENT_CONST
#endif

/* and 6.11 that a match changes no driver. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define LG_MATCH_CONST	const
#else
#define LG_MATCH_CONST
#endif

/* 6.14: requests are always merged. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define BLK_MQ_F_SHOULD_MERGE	0
#endif

/* 6.11 takes a disk's limits all at once, and whether it can flush. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static inline struct gendisk *lg_alloc_disk(struct blk_mq_tag_set *tags,
					    struct queue_limits *limits,
					    bool rotational, void *own)
{
	limits->features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA |
			   (rotational ? BLK_FEAT_ROTATIONAL : 0);
	return blk_mq_alloc_disk(tags, limits, own);
}
#else
static inline struct gendisk *lg_alloc_disk(struct blk_mq_tag_set *tags,
					    const struct queue_limits *limits,
					    bool rotational, void *own)
{
	struct gendisk *disk = blk_mq_alloc_disk(tags, own);
	struct request_queue *q;

	if (IS_ERR(disk))
		return disk;
	q = disk->queue;
	blk_queue_logical_block_size(q, limits->logical_block_size);
	blk_queue_physical_block_size(q, limits->physical_block_size);
	blk_queue_max_segments(q, limits->max_segments);
	blk_queue_max_segment_size(q, limits->max_segment_size);
	blk_queue_max_hw_sectors(q, limits->max_hw_sectors);
	blk_queue_max_discard_sectors(q, limits->max_hw_discard_sectors);
	q->limits.discard_granularity = limits->discard_granularity;
	if (!rotational)
		blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	blk_queue_write_cache(q, true, true);
	return disk;
}
#endif

#endif /* _LGUEST_KERNELS_H */
