// SPDX-License-Identifier: GPL-2.0
/*P:300
 * Devices want two things moved: a word, "look here", and data. For the word
 * there are interrupts in one direction and a hypercall in the other. For the
 * data there is DMA, as the hardware people call it when a device takes a
 * buffer's contents without troubling the CPU.
 *
 * Who wants to receive lays out empty buffers and binds them to a key. Who
 * wants to send says which key, and where the data is. The Host finds the
 * receiver by the key, copies from the one's memory to the other's, and rings
 * there. What is a key? An address in memory. Linux has a thing of that kind
 * for programs that wait for each other, the futex: there, too, an address is
 * the place to meet, and if two processes map the same file, they meet in it,
 * wherever each of them has it mapped.
 *
 * So two Guests whose Launchers map one file can talk, with no Launcher in
 * between, and the Host needs no word for "network". A Guest and its own
 * Launcher have all of the Guest's memory in common: the bell is enough. :*/

#include <linux/eventfd.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "lg.h"
#include "lguest_bus.h"

#define MAX_PORTS	64	/* of one Guest */

/*
 * Somebody listens: a Guest, who is interrupted, or a Launcher, who is woken by
 * an eventfd. Those who bind and unbind hold binders. Those who send find it in
 * the list under RCU, and hold its lock while they touch what it leads to.
 */
struct port {
	struct hlist_node node;	/* in the bucket of its key, */
	struct hlist_node mine;	/* and among its Guest's */
	struct rcu_head rcu;
	struct lguest *lg;	/* whose memory the ring is in */
	struct page *page;	/* with the offset: the key */
	unsigned int offset;
	u64 ring;		/* gpa, or 0: only a bell */
	u32 slots;
	struct eventfd_ctx *bell;	/* or NULL: */
	unsigned int irq;
	spinlock_t lock;	/* of the next two: */
	u32 next;		/* slot to be filled */
	bool closed;		/* nothing but this may be looked at */
};

static DEFINE_HASHTABLE(ports, 12);
static siphash_key_t ports_key;	/* drawn once */
static DEFINE_MUTEX(binders);

/* Context: module load, before there is a Guest. */
void init_ports(void)
{
	get_random_bytes(&ports_key, sizeof(ports_key));
}

static u64 hash_of(struct page *page, unsigned int offset)
{
	return siphash_2u64((unsigned long)page, offset, &ports_key);
}

/* Context: binders held, or in an RCU read section. */
static struct port *find_port(struct page *page, unsigned int offset)
{
	struct port *port;

	hash_for_each_possible_rcu(ports, port, node, hash_of(page, offset),
				   lockdep_is_held(&binders))
		if (port->page == page && port->offset == offset)
			return port;
	return NULL;
}

/*
 * Copies the struct lguest_dma at @gpa, whose page is pinned, and checks the
 * copy. Returns its bytes in all, or -EINVAL.
 */
static int read_dma(struct lguest *lg, u64 gpa, struct lguest_dma *dma)
{
	u64 end = lg->nr_pages << PAGE_SHIFT, bytes = 0;
	struct page *page = pinned_page(lg, gpa);
	u32 i;

	if (!page || !IS_ALIGNED(gpa, sizeof(*dma)))
		return -EINVAL;
	memcpy(dma, page_address(page) + offset_in_page(gpa), sizeof(*dma));
	barrier();	/* Not one look at the original after this. */
	if (dma->segments > LGUEST_DMA_SEGMENTS)
		return -EINVAL;
	for (i = 0; i < dma->segments; i++) {
		u64 from = dma->segment[i].gpa, n = dma->segment[i].bytes;

		bytes += n;
		if (from > end || n > end - from || bytes > LGUEST_DMA_BYTES)
			return -EINVAL;
	}
	return bytes;
}
static bool is_pinned(struct lguest *lg, const struct lguest_dma *dma)
{
	u64 gpa, end;
	u32 i;

	for (i = 0; i < dma->segments; i++) {
		gpa = dma->segment[i].gpa;
		end = gpa + dma->segment[i].bytes;
		for (; gpa < end; gpa = (gpa | ~PAGE_MASK) + 1)
			if (!pinned_page(lg, gpa))
				return false;
	}
	return true;
}

/* Context: the initialising thread; may sleep. False: no such memory. */
static bool pin_range(struct lguest *lg, u64 gpa, u64 bytes)
{
	u64 gfn = gpa >> PAGE_SHIFT, end = (gpa + bytes - 1) >> PAGE_SHIFT;

	for (; bytes && gfn <= end; gfn++)
		if (!guest_page(lg, gfn))
			return false;
	return true;
}

static bool pin_dma(struct lguest *lg, const struct lguest_dma *dma)
{
	u32 i;

	for (i = 0; i < dma->segments; i++)
		if (!pin_range(lg, dma->segment[i].gpa, dma->segment[i].bytes))
			return false;
	return true;
}
static bool pin_ring(struct lguest *lg, u64 ring, u32 slots)
{
	struct lguest_dma dma;
	u32 i;

	if (!pin_range(lg, ring, (slots + 1) * sizeof(dma)))
		return false;
	for (i = 1; i <= slots; i++) {
		cond_resched();
		if (read_dma(lg, ring + i * sizeof(dma), &dma) < 0 ||
		    !pin_dma(lg, &dma))
			return false;
	}
	return true;
}

/* Returns how many slots the ring has, or 0 if it is no ring. */
static u32 open_ring(struct lguest *lg, u64 ring)
{
	const struct lguest_ring *head;
	u32 slots;

	head = PAGE_ALIGNED(ring) ? guest_page(lg, ring >> PAGE_SHIFT) : NULL;
	slots = head ? READ_ONCE(head->slots) : 0;
	if (slots > LGUEST_RING_SLOTS || !pin_ring(lg, ring, slots))
		return 0;
	return slots;
}

/*H:700
 * bind_port() - from now on, what is sent to @key goes into @ring.
 *
 * @bell is for a Launcher, NULL for a Guest, which gets @irq. It is ours then,
 * in case of success. Context: the initialising thread; may sleep. Errors:
 * -EBUSY: somebody listens there. -ENOSPC: too many ports. -EINVAL: no such
 * memory, or nonsense in it.
 */
static int bind_port(struct lguest *lg, u64 key, u64 ring, unsigned int irq,
		     struct eventfd_ctx *bell)
{
	struct port *port;
	int err = 0;

	if (!guest_page(lg, key >> PAGE_SHIFT))
		return -EINVAL;
	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return -ENOMEM;
	port->lg = lg;
	port->page = pinned_page(lg, key);
	port->offset = offset_in_page(key);
	port->ring = ring;
	port->slots = ring ? open_ring(lg, ring) : 0;
	port->bell = bell;
	port->irq = irq;
	spin_lock_init(&port->lock);
	if (ring && !port->slots) {
		kfree(port);
		return -EINVAL;
	}
	mutex_lock(&binders);
	if (find_port(port->page, port->offset))
		err = -EBUSY;
	else if (lg->nr_ports == MAX_PORTS)
		err = -ENOSPC;
	if (!err) {
		hash_add_rcu(ports, &port->node,
			     hash_of(port->page, port->offset));
		hlist_add_head(&port->mine, &lg->ports);
		lg->nr_ports++;
	}
	mutex_unlock(&binders);
	if (err)
		kfree(port);
	return err;
}
/*:*/

/* Context: binders held. */
static void close_port(struct port *port)
{
	hash_del_rcu(&port->node);
	spin_lock(&port->lock);
	port->closed = true;
	spin_unlock(&port->lock);
	hlist_del(&port->mine);
	port->lg->nr_ports--;
	if (port->bell)
		eventfd_ctx_put(port->bell);
	kfree_rcu(port, rcu);
}

/* Context: may sleep. After this nobody writes to the Guest's memory. */
void close_ports(struct lguest *lg)
{
	struct hlist_node *next;
	struct port *port;

	mutex_lock(&binders);
	hlist_for_each_entry_safe(port, next, &lg->ports, mine)
		close_port(port);
	mutex_unlock(&binders);
}

/*H:710
 * bind_dma() - LHCALL_BIND_DMA. Returns 0, or an error for the Guest.
 *
 * Context: the Guest's thread; may sleep.
 */
long bind_dma(struct lg_cpu *cpu, u64 key, u64 ring, u64 irq)
{
	struct lguest *lg = cpu->lg;
	struct port *port;
	int err = 0;

	if (ring && irq < LGUEST_NR_IRQS) {
		err = bind_port(lg, key, ring, irq, NULL);
	} else if (!ring && pinned_page(lg, key)) {
		mutex_lock(&binders);
		port = find_port(pinned_page(lg, key), offset_in_page(key));
		if (port && port->lg == lg && !port->bell)
			close_port(port);
		mutex_unlock(&binders);
	} else {
		err = -EINVAL;
	}
	if (err == -EINVAL)
		kill_guest(cpu, "LHCALL_BIND_DMA: key %llx, ring %llx, "
			   "irq %llu", key, ring, irq);
	return err;
}
/*:*/

/*
 * bind_for_launcher() - LHREQ_BIND_DMA: @fd is an eventfd.
 *
 * Context: the initialising thread. Errors: as bind_port(), or of the fd.
 */
int bind_for_launcher(struct lguest *lg, u64 key, u64 ring, int fd)
{
	struct eventfd_ctx *bell = eventfd_ctx_fdget(fd);
	int err;

	if (IS_ERR(bell))
		return PTR_ERR(bell);
	err = bind_port(lg, key, ring, 0, bell);
	if (err)
		eventfd_ctx_put(bell);
	return err;
}

/* A place in a list that was checked and whose pages are pinned. */
struct finger {
	struct lguest *lg;
	const struct lguest_segment *segment;
	u32 done;		/* bytes of this segment */
	void *at;		/* what is under it, ours: */
	u32 bytes;		/* so many, 0 if it has to move */
};

static void *address_of(struct lguest *lg, u64 gpa)
{
	return page_address(pinned_page(lg, gpa)) + offset_in_page(gpa);
}

static void move_on(struct finger *finger)
{
	u64 gpa;
	u32 left;

	while (finger->done == finger->segment->bytes) {
		finger->segment++;
		finger->done = 0;
	}
	gpa = finger->segment->gpa + finger->done;
	left = finger->segment->bytes - finger->done;
	finger->at = address_of(finger->lg, gpa);
	finger->bytes = min_t(u32, left, PAGE_SIZE - offset_in_page(gpa));
	while (finger->bytes < left && finger->at + finger->bytes ==
	       address_of(finger->lg, gpa + finger->bytes))
		finger->bytes += min_t(u32, left - finger->bytes, PAGE_SIZE);
	finger->done += finger->bytes;
}
static void copy_upwards(void *to, const void *from, u32 bytes)
{
	u64 words = bytes / 8;

	asm volatile("rep movsq\n\t"
		     "movl %3, %%ecx\n\t"
		     "rep movsb"
		     : "+D" (to), "+S" (from), "+c" (words)
		     : "r" (bytes % 8) : "memory");
}

/* Both lists have @bytes or more. */
static void copy_dma(struct finger *from, struct finger *to, u32 bytes)
{
	u32 n;

	for (; bytes; bytes -= n) {
		if (!from->bytes)
			move_on(from);
		if (!to->bytes)
			move_on(to);
		n = min3(from->bytes, to->bytes, bytes);
		copy_upwards(to->at, from->at, n);
		from->at += n;
		to->at += n;
		from->bytes -= n;
		to->bytes -= n;
	}
}

/*
 * Context: port->lock held. @from: checked and pinned. Returns @bytes, or
 * -EAGAIN when the ring is full, or -EMSGSIZE.
 */
static long deliver(struct port *port, struct finger *from, u32 bytes)
{
	u64 gpa = port->ring + (port->next + 1) * sizeof(struct lguest_dma);
	struct lguest_dma *slot, dma;
	struct finger to = { .lg = port->lg, .segment = dma.segment };

	slot = page_address(pinned_page(port->lg, gpa)) + offset_in_page(gpa);
	/* Pairs with the receiver's release: the buffers are free. */
	if (smp_load_acquire(&slot->used))
		return -EAGAIN;
	if (read_dma(port->lg, gpa, &dma) < (int)bytes ||
	    !is_pinned(port->lg, &dma))
		return -EMSGSIZE;
	copy_dma(from, &to, bytes);
	/* Pairs with the receiver's acquire: the data is there. */
	smp_store_release(&slot->used, bytes);
	port->next = (port->next + 1) % port->slots;
	return bytes;
}
static bool wants_bell(const struct port *port)
{
	const struct lguest_ring *head;

	head = page_address(pinned_page(port->lg, port->ring));
	/* First `used`, then this. The receiver: first this, then `used`. */
	smp_mb();
	return !READ_ONCE(head->quiet);
}

static void ring_bell(const struct port *port)
{
	if (port->bell)
		LG_EVENTFD_SIGNAL(port->bell);
	else
		raise_irq(&port->lg->cpu, port->irq);
}

/* Context: port->lock held, the port is open. */
static long put_in_and_ring(struct port *port, struct finger *from, u32 bytes)
{
	long sent = bytes ? -EMSGSIZE : 0;

	if (bytes && port->ring)
		sent = deliver(port, from, bytes);
	if (!bytes || (sent > 0 && wants_bell(port)))
		ring_bell(port);
	return sent;
}

/* Context: an RCU read section. */
static long send_to(struct port *port, struct finger *from, u32 bytes)
{
	long sent = -ENOTCONN;

	spin_lock(&port->lock);
	if (!port->closed)
		sent = put_in_and_ring(port, from, bytes);
	spin_unlock(&port->lock);
	return sent;
}

/*H:720
 * send_dma() - LHCALL_SEND_DMA. @gpa: of a struct lguest_dma. With 0, or one
 * that has no bytes, it is a bell. Returns the bytes that arrived, or an error.
 *
 * Context: the Guest's thread; may sleep.
 */
long send_dma(struct lg_cpu *cpu, u64 key, u64 gpa)
{
	struct lguest_dma dma;
	struct finger from = { .lg = cpu->lg, .segment = dma.segment };
	struct port *port;
	long sent = -ENOTCONN;
	int bytes = 0;

	if (gpa && guest_page(cpu->lg, gpa >> PAGE_SHIFT))
		bytes = read_dma(cpu->lg, gpa, &dma);
	else if (gpa)
		bytes = -EINVAL;
	if (bytes < 0 || !guest_page(cpu->lg, key >> PAGE_SHIFT) ||
	    (bytes && !pin_dma(cpu->lg, &dma))) {
		kill_guest(cpu, "LHCALL_SEND_DMA: key %llx, buffers %llx",
			   key, gpa);
		return -EINVAL;
	}
	rcu_read_lock();
	port = find_port(pinned_page(cpu->lg, key), offset_in_page(key));
	if (port)
		sent = send_to(port, &from, bytes);
	rcu_read_unlock();
	return sent;
}
/*:*/

/*H:730
 * get_dma() - LHREQ_GET_DMA: the gpa of the next free slot of a ring in this
 * Guest that is bound to @key, or 0. The caller fills it.
 *
 * Context: any thread of the Launcher.
 */
u64 get_dma(struct lguest *lg, u64 key)
{
	struct page *page = pinned_page(lg, key);
	struct lguest_dma *slot;
	struct port *port;
	u64 gpa = 0;

	rcu_read_lock();
	port = find_port(page, offset_in_page(key));
	if (port && port->lg == lg && port->ring) {
		spin_lock(&port->lock);
		gpa = port->ring + (port->next + 1) * sizeof(*slot);
		slot = page_address(pinned_page(lg, gpa)) + offset_in_page(gpa);
		/* Pairs with the receiver's release: the buffers are free. */
		if (port->closed || smp_load_acquire(&slot->used)) {
			gpa = 0;
		} else {
			WRITE_ONCE(slot->used, LGUEST_DMA_TAKEN);
			port->next = (port->next + 1) % port->slots;
		}
		spin_unlock(&port->lock);
	}
	rcu_read_unlock();
	return gpa;
}
/*:*/
