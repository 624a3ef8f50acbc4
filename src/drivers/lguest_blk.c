// SPDX-License-Identifier: GPL-2.0
/* A disk whose sectors are in a file of the Launcher's. */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include "bus.h"

struct disk {
	struct lguest_device *dev;
	struct lguest_block *shared;
	struct gendisk *gendisk;
	struct blk_mq_tag_set tags;
	int letter;		/* 0: a */
	spinlock_t lock;	/* of these, interrupts off: */
	u32 submitted;
	bool gone;
	/* Set before it is submitted, cleared when the answer is taken. */
	struct request *request[LGUEST_BLOCK_SLOTS];
	/* For the interrupt alone. */
	u32 completed;
};

static DEFINE_IDA(letters);

/* Returns how many there are: at most LGUEST_BLOCK_SEGMENTS. */
static u32 list_pieces(struct request *request, struct lguest_segment *to)
{
	struct req_iterator at;
	struct bio_vec piece;
	u64 gpa, end = 0;
	u32 n = 0;

	rq_for_each_bvec(piece, request, at) {
		gpa = page_to_phys(piece.bv_page) + piece.bv_offset;
		if (n && gpa == end) {
			to[n - 1].bytes += piece.bv_len;
		} else {
			to[n].gpa = gpa;
			to[n].bytes = piece.bv_len;
			n++;
		}
		end = gpa + piece.bv_len;
	}
	return n;
}

/* False: this is nothing that our disks do. */
static bool describe(struct request *request, struct lguest_block_request *to)
{
	to->sector = blk_rq_pos(request);
	to->bytes = blk_rq_bytes(request);
	to->segments = 0;
	to->fua = !!(request->cmd_flags & REQ_FUA);
	switch (req_op(request)) {
	case REQ_OP_READ:
		to->kind = LGUEST_BLOCK_READ;
		break;
	case REQ_OP_WRITE:
		to->kind = LGUEST_BLOCK_WRITE;
		break;
	case REQ_OP_FLUSH:
		to->kind = LGUEST_BLOCK_FLUSH;
		to->sector = 0;
		return true;
	case REQ_OP_DISCARD:
		to->kind = LGUEST_BLOCK_TRIM;
		return true;
	default:
		return false;
	}
	to->segments = list_pieces(request, to->segment);
	return true;
}

/*D:110 Context: any, also interrupts off. */
static void ring(struct disk *disk)
{
	/*
	 * First `submitted`, then `asleep`. The Launcher: first `asleep`, then
	 * `submitted`. Who comes second sees what the first one wrote.
	 */
	virt_mb();
	if (READ_ONCE(disk->shared->asleep))
		lguest_send_dma(disk->dev->gpa, 0);
}

/* The block layer said that more would come, and then it did not. */
static void ring_after_all(struct blk_mq_hw_ctx *queue)
{
	ring(queue->queue->queuedata);
}
/*:*/

/*D:100
 * A request's tag is its slot. Context: any, and more than one caller at once.
 */
static blk_status_t submit(struct blk_mq_hw_ctx *queue,
			   const struct blk_mq_queue_data *next)
{
	struct disk *disk = queue->queue->queuedata;
	struct request *request = next->rq;
	struct lguest_block *shared = disk->shared;
	unsigned long flags;
	bool gone;

	if (!describe(request, &shared->request[request->tag]))
		return BLK_STS_NOTSUPP;
	blk_mq_start_request(request);
	spin_lock_irqsave(&disk->lock, flags);
	gone = disk->gone;
	if (!gone) {
		disk->request[request->tag] = request;
		shared->submit[disk->submitted % LGUEST_BLOCK_SLOTS] =
			request->tag;
		disk->submitted++;
		/* Pairs with the Launcher's acquire: the request is there. */
		virt_store_release(&shared->submitted, disk->submitted);
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	if (gone)
		return BLK_STS_IOERR;
	if (next->last)
		ring(disk);
	return BLK_STS_OK;
}
/*:*/

static blk_status_t meaning(u32 answer)
{
	switch (answer) {
	case LGUEST_BLOCK_OK:
		return BLK_STS_OK;
	case LGUEST_BLOCK_FULL:
		return BLK_STS_NOSPC;
	case LGUEST_BLOCK_UNKNOWN:
		return BLK_STS_NOTSUPP;
	default:
		return BLK_STS_IOERR;
	}
}

/*D:120 Somebody rang: what has been done? */
static irqreturn_t take_answers(int irq, void *own)
{
	struct disk *disk = own;
	struct lguest_block *shared = disk->shared;
	struct request *request;
	/* Pairs with the Launcher's release: answers and data are there. */
	u32 slot, completed = virt_load_acquire(&shared->completed);

	if (completed - disk->completed > LGUEST_BLOCK_SLOTS) {
		dev_err_ratelimited(&disk->dev->dev, "too many answers\n");
		return IRQ_HANDLED;
	}
	while (disk->completed != completed) {
		slot = disk->completed++ % LGUEST_BLOCK_SLOTS;
		slot = READ_ONCE(shared->complete[slot]);
		request = disk->request[slot % LGUEST_BLOCK_SLOTS];
		if (slot >= LGUEST_BLOCK_SLOTS || !request) {
			dev_err_ratelimited(&disk->dev->dev,
					    "an answer to no request\n");
			continue;
		}
		disk->request[slot] = NULL;
		blk_mq_end_request(request,
				   meaning(shared->request[slot].answer));
	}
	return IRQ_HANDLED;
}
/*:*/

static const struct blk_mq_ops operations = {
	.queue_rq = submit,
	.commit_rqs = ring_after_all,
};

static const struct block_device_operations no_more_operations = {
	.owner = THIS_MODULE,
};

static int read_limits(const struct disk *disk, struct queue_limits *limits)
{
	u32 logical = READ_ONCE(disk->shared->logical_block);
	u32 physical = READ_ONCE(disk->shared->physical_block);
	u32 discard = READ_ONCE(disk->shared->discard_granularity);

	if (!is_power_of_2(logical) || logical < SECTOR_SIZE ||
	    logical > PAGE_SIZE)
		return -EINVAL;
	if (!is_power_of_2(physical) || physical < logical)
		physical = logical;
	limits->logical_block_size = logical;
	limits->physical_block_size = physical;
	if (disk->dev->features & LGUEST_BLOCK_DISCARD) {
		limits->discard_granularity = max(discard, logical);
		limits->max_hw_discard_sectors =
			round_down(UINT_MAX / SECTOR_SIZE, PAGE_SECTORS);
	}
	return 0;
}

static int make_queue(struct disk *disk)
{
	struct queue_limits limits = {
		.max_segments = LGUEST_BLOCK_SEGMENTS,
		.max_segment_size = SZ_1M,
		.max_hw_sectors = SZ_1M / SECTOR_SIZE,
	};
	struct gendisk *gendisk;
	int err = read_limits(disk, &limits);

	if (err)
		return err;
	disk->tags.ops = &operations;
	disk->tags.nr_hw_queues = 1;
	disk->tags.queue_depth = LGUEST_BLOCK_SLOTS;
	disk->tags.numa_node = NUMA_NO_NODE;
	disk->tags.flags = BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	err = blk_mq_alloc_tag_set(&disk->tags);
	if (err)
		return err;
	gendisk = lg_alloc_disk(&disk->tags, &limits, disk->shared->rotational,
				disk);
	if (IS_ERR(gendisk)) {
		blk_mq_free_tag_set(&disk->tags);
		return PTR_ERR(gendisk);
	}
	gendisk->fops = &no_more_operations;
	gendisk->private_data = disk;
	snprintf(gendisk->disk_name, DISK_NAME_LEN, "lgb%c",
		 'a' + disk->letter);
	set_capacity(gendisk, disk->shared->sectors);
	if (disk->dev->features & LGUEST_BLOCK_READ_ONLY)
		set_disk_ro(gendisk, true);
	disk->gendisk = gendisk;
	return 0;
}

/*D:130 The bus found a disk. Errors: -ENOMEM, or of those whom we ask. */
static int probe(struct lguest_device *dev)
{
	struct disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	int err;

	if (!disk)
		return -ENOMEM;
	disk->dev = dev;
	disk->shared = dev->pages;
	disk->submitted = disk->shared->submitted;
	disk->completed = disk->shared->completed;
	spin_lock_init(&disk->lock);
	dev_set_drvdata(&dev->dev, disk);
	disk->letter = err = ida_alloc_max(&letters, 'z' - 'a', GFP_KERNEL);
	if (err < 0)
		goto out_free;
	err = make_queue(disk);
	if (err)
		goto out_letter;
	err = request_irq(dev->irq, take_answers, 0,
			  disk->gendisk->disk_name, disk);
	if (err)
		goto out_queue;
	err = device_add_disk(&dev->dev, disk->gendisk, NULL);
	if (err)
		goto out_irq;
	return 0;

out_irq:
	free_irq(dev->irq, disk);
out_queue:
	put_disk(disk->gendisk);
	blk_mq_free_tag_set(&disk->tags);
out_letter:
	ida_free(&letters, disk->letter);
out_free:
	kfree(disk);
	return err;
}
/*:*/

static void give_up(struct disk *disk)
{
	int i;

	spin_lock_irq(&disk->lock);
	disk->gone = true;
	spin_unlock_irq(&disk->lock);
	disable_irq(disk->dev->irq);
	for (i = 0; i < LGUEST_BLOCK_SLOTS; i++)
		if (disk->request[i])
			blk_mq_end_request(disk->request[i], BLK_STS_IOERR);
	blk_mark_disk_dead(disk->gendisk);
}

/*D:140 Nobody uses it any more, or nobody can. */
static void leave(struct lguest_device *dev)
{
	struct disk *disk = dev_get_drvdata(&dev->dev);

	if (READ_ONCE(dev->desc->removed))
		give_up(disk);
	del_gendisk(disk->gendisk);
	free_irq(dev->irq, disk);
	put_disk(disk->gendisk);
	blk_mq_free_tag_set(&disk->tags);
	ida_free(&letters, disk->letter);
	kfree(disk);
}
/*:*/

static struct lguest_driver disk_driver = {
	.driver.name = "lguest_blk",
	.driver.owner = THIS_MODULE,
	.type = LGUEST_DEVICE_BLOCK,
	.features = LGUEST_BLOCK_READ_ONLY | LGUEST_BLOCK_DISCARD,
	.bytes = sizeof(struct lguest_block),
	.probe = probe,
	.remove = leave,
};
module_lguest_driver(disk_driver);

MODULE_ALIAS("lguest:type2");
MODULE_DESCRIPTION("disks of lguest's Guests");
MODULE_LICENSE("GPL");
