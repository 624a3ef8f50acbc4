// SPDX-License-Identifier: GPL-2.0
/* A network card that is a ring, and a page which others have too. */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/virtio_net.h>
#include "bus.h"

#define SLOTS		64
#define BIG_ORDER	3	/* eight pages */
#define BIG		(PAGE_SIZE << BIG_ORDER)
#define SLOT_BUFFERS	3	/* a page, and two big ones */
#define BUFFERS		(SLOTS * SLOT_BUFFERS)
#define RING_BYTES	((SLOTS + 3) * sizeof(struct lguest_dma))
#define HEADER		sizeof(struct virtio_net_hdr)
#define SMALL		256	/* bytes that are copied, not given away */
#define PATIENCE	(HZ / 10)	/* ticks that a frame waits at most */

/*D:200
 * A ring to receive, one DMA to send, and the wire. The wire is everybody's:
 * what is read there is only compared. A liar can get frames that were not for
 * him, keep some from us that were, sit down at our hook while we are away, and
 * make us wait a little; most of which he could do on any cable, too.
 */
struct nic {
	struct net_device *netdev;
	struct lguest_device *device;
	struct lguest_net *own;		/* page 0 */
	struct lguest_wire *wire;	/* page 1 */
	u32 self;			/* our station */
	struct napi_struct napi;
	struct lguest_ring *ring;
	struct page_pool *pool[2];	/* where its buffers come from: */
	struct page *page[SLOTS][SLOT_BUFFERS];
	struct lguest_dma *out;		/* what we send, which begins with */
	struct virtio_net_hdr *header;	/* this */
	u32 next;		/* slot to be filled */
	struct timer_list retry;
	u32 tries;		/* of the frame that waits */
	u64 stuck;		/* stations for whom we waited in vain, */
	unsigned long forgiven;	/* since then, in jiffies */
};
/*:*/

static u64 station_key(const struct nic *nic, u32 n)
{
	return nic->device->gpa + PAGE_SIZE +
	       offsetof(struct lguest_wire, station[n]);
}

static u32 bytes_of(u32 i)
{
	return i ? BIG : PAGE_SIZE;
}

/* Returns false when there is no memory; the place is as it was then. */
static bool lay_out(struct nic *nic, u32 slot, u32 i, gfp_t gfp)
{
	struct lguest_segment *segment = &nic->ring->slot[slot].segment[i];
	struct page *page = page_pool_alloc_pages(nic->pool[!!i],
						  gfp | __GFP_NOWARN);
	u32 at;

	if (!page)
		return false;
	/* The Host does not go looking for memory: touch it. */
	for (at = 0; at < bytes_of(i); at += PAGE_SIZE)
		WRITE_ONCE(*(u8 *)(page_address(page) + at), 0);
	nic->page[slot][i] = page;
	segment->gpa = page_to_phys(page);
	segment->bytes = bytes_of(i);
	return true;
}

static void free_ring(struct nic *nic)
{
	u32 i;

	for (i = 0; i < BUFFERS; i++) {
		u32 slot = i / SLOT_BUFFERS, n = i % SLOT_BUFFERS;

		if (nic->page[slot][n])
			page_pool_put_full_page(nic->pool[!!n],
						nic->page[slot][n], false);
	}
	memset(nic->page, 0, sizeof(nic->page));
	for (i = 0; i < 2; i++)
		if (!IS_ERR(nic->pool[i]))
			page_pool_destroy(nic->pool[i]);
	free_pages_exact(nic->ring, RING_BYTES);
}

static bool make_ring(struct nic *nic)
{
	struct page_pool_params all = {
		.pool_size = BUFFERS,
		.nid = NUMA_NO_NODE,
	};
	u32 i;

	nic->ring = alloc_pages_exact(RING_BYTES, GFP_KERNEL | __GFP_ZERO);
	if (!nic->ring)
		return false;
	nic->ring->slots = SLOTS;
	nic->out = &nic->ring->slot[SLOTS];
	nic->header = (struct virtio_net_hdr *)(nic->out + 1);
	nic->next = 0;
	nic->pool[0] = page_pool_create(&all);
	all.order = BIG_ORDER;
	nic->pool[1] = page_pool_create(&all);
	for (i = 0; i < BUFFERS; i++) {
		u32 slot = i / SLOT_BUFFERS, n = i % SLOT_BUFFERS;

		nic->ring->slot[slot].segments = SLOT_BUFFERS;
		if (IS_ERR(nic->pool[0]) || IS_ERR(nic->pool[1]) ||
		    !lay_out(nic, slot, n, GFP_KERNEL)) {
			free_ring(nic);
			return false;
		}
	}
	return true;
}

static bool give_pages(struct nic *nic, struct sk_buff *skb, u32 from, u32 end)
{
	struct page *page;
	u32 i, n, at;

	for (; from < end; from += n) {
		i = from < PAGE_SIZE ? 0 : 1 + (from - PAGE_SIZE) / BIG;
		at = i ? (from - PAGE_SIZE) % BIG : from;
		n = min_t(u32, end - from, bytes_of(i) - at);
		page = nic->page[nic->next][i];
		if (!lay_out(nic, nic->next, i, GFP_ATOMIC))
			return false;
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, at, n,
				bytes_of(i));
	}
	return true;
}

/*D:210
 * Whoever sent this is not a friend. The Host has made sure that the bytes fit
 * into the slot, and of nothing else. The stack looks at what is in them.
 */
static struct sk_buff *take_frame(struct nic *nic, u32 bytes)
{
	const u8 *start = page_address(nic->page[nic->next][0]);
	u32 from = HEADER + ETH_HLEN;
	struct sk_buff *skb;

	if (bytes < from || bytes > LGUEST_DMA_BYTES) {
		nic->netdev->stats.rx_length_errors++;
		return NULL;
	}
	if (bytes - HEADER <= SMALL)
		from = bytes;
	skb = napi_alloc_skb(&nic->napi, SMALL);
	if (skb) {
		skb_mark_for_recycle(skb);
		skb_put_data(skb, start + HEADER, from - HEADER);
		if (give_pages(nic, skb, from, bytes))
			return skb;
		kfree_skb(skb);
	}
	nic->netdev->stats.rx_dropped++;
	return NULL;
}
/*:*/

static void hand_up(struct nic *nic, struct sk_buff *skb,
		    const struct virtio_net_hdr *header)
{
	struct net_device_stats *stats = &nic->netdev->stats;

	stats->rx_packets++;
	stats->rx_bytes += skb->len;
	if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (virtio_net_hdr_to_skb(skb, header, true)) {
		stats->rx_frame_errors++;
		kfree_skb(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, nic->netdev);
	napi_gro_receive(&nic->napi, skb);
}

/* The bytes in the next slot; 0 if there is none, or not all of it yet. */
static u32 next_frame(const struct nic *nic)
{
	/* Pairs with the sender's release: the frame is there. */
	u32 used = virt_load_acquire(&nic->ring->slot[nic->next].used);

	return used & LGUEST_DMA_TAKEN ? 0 : used;
}

static bool receive_frame(struct nic *nic)
{
	struct lguest_dma *slot = &nic->ring->slot[nic->next];
	struct virtio_net_hdr header;
	u32 bytes = next_frame(nic);
	struct sk_buff *skb;

	if (!bytes)
		return false;
	memcpy(&header, page_address(nic->page[nic->next][0]), HEADER);
	skb = take_frame(nic, bytes);
	/* Pairs with the sender's acquire: the buffers are free. */
	virt_store_release(&slot->used, 0);
	nic->next = (nic->next + 1) % SLOTS;
	if (skb)
		hand_up(nic, skb, &header);
	return true;
}

static irqreturn_t frames_came(int irq, void *cookie)
{
	struct nic *nic = cookie;

	if (napi_schedule_prep(&nic->napi)) {
		WRITE_ONCE(nic->ring->quiet, 1);
		__napi_schedule(&nic->napi);
	}
	return IRQ_HANDLED;
}

/*D:220 NAPI's half of the bargain. Context: a softirq, one at a time. */
static int receive(struct napi_struct *napi, int budget)
{
	struct nic *nic = container_of(napi, struct nic, napi);
	int done = 0;

	while (done < budget && receive_frame(nic))
		done++;
	if (done < budget && napi_complete_done(napi, done)) {
		WRITE_ONCE(nic->ring->quiet, 0);
		/* First `quiet`, then `used`. The sender: the other way. */
		virt_mb();
		if (next_frame(nic))
			frames_came(0, nic);
	}
	return done;
}
/*:*/

static void add_segment(struct lguest_dma *dma, u64 gpa, u32 bytes)
{
	struct lguest_segment *segment = &dma->segment[dma->segments++];

	segment->gpa = gpa;
	segment->bytes = bytes;
}

/* Returns false for what no station can take. */
static bool describe_frame(struct nic *nic, const struct sk_buff *skb)
{
	u32 i;

	BUILD_BUG_ON(MAX_SKB_FRAGS + 2 > LGUEST_DMA_SEGMENTS);
	BUILD_BUG_ON(PAGE_SIZE + 2 * BIG != LGUEST_DMA_BYTES);
	if (skb->len > LGUEST_DMA_BYTES - HEADER ||
	    virtio_net_hdr_from_skb(skb, nic->header, true, false, 0))
		return false;
	nic->out->segments = 0;
	add_segment(nic->out, virt_to_phys(nic->header), HEADER);
	add_segment(nic->out, virt_to_phys(skb->data), skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		add_segment(nic->out, page_to_phys(skb_frag_page(frag)) +
			    skb_frag_off(frag), skb_frag_size(frag));
	}
	return true;
}

static int send_to(struct nic *nic, u32 n)
{
	int sent = lguest_send_dma(station_key(nic, n), virt_to_phys(nic->out));

	if (sent > 0)
		return 0;
	if (time_after(jiffies, nic->forgiven + HZ)) {
		nic->stuck = 0;
		nic->forgiven = jiffies;
	}
	if (sent == -EAGAIN && nic->tries == PATIENCE)
		nic->stuck |= BIT_ULL(n);
	if (sent == -EAGAIN && nic->stuck & BIT_ULL(n))
		return -ENOBUFS;
	return sent;
}

/*
 * The station of that address, or LGUEST_NET_STATIONS; and in @others those
 * that want it as well, a bit for each.
 */
static u32 find_stations(const struct nic *nic, const u8 *address, u64 *others)
{
	u32 n, kind, first = LGUEST_NET_STATIONS;
	bool for_all = is_multicast_ether_addr(address);

	*others = 0;
	for (n = 0; n < LGUEST_NET_STATIONS; n++) {
		kind = READ_ONCE(nic->wire->station[n].kind);
		if (kind == LGUEST_STATION_NONE || n == nic->self)
			continue;
		if (first == LGUEST_NET_STATIONS &&
		    ether_addr_equal(nic->wire->station[n].mac, address))
			first = n;
		else if (for_all || kind == LGUEST_STATION_ALL)
			*others |= BIT_ULL(n);
	}
	return first;
}

/*D:230
 * Returns 0 if somebody has got it. If not, an error; -EAGAIN says that it is
 * worth another try. Context: transmission, which is one at a time.
 */
static int send_frame(struct nic *nic, const u8 *address)
{
	int err = -ENOTCONN, other;
	u64 others;
	u32 first = find_stations(nic, address, &others);

	if (first < LGUEST_NET_STATIONS)
		err = send_to(nic, first);
	if (err == -EAGAIN)
		return err;
	for (; others; others &= others - 1) {
		other = send_to(nic, __ffs64(others));
		if (!other || (err && err != -EAGAIN))
			err = other;
	}
	return err;
}
/*:*/

/*D:240 What Linux calls for each frame. Context: a softirq or a thread's. */
static netdev_tx_t transmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);
	int err = -EINVAL;

	if (describe_frame(nic, skb))
		err = send_frame(nic, skb->data);
	if (err == -EAGAIN) {
		nic->tries++;
		netif_stop_queue(netdev);
		mod_timer(&nic->retry, jiffies + 1);
		return NETDEV_TX_BUSY;
	}
	nic->tries = 0;
	if (err) {
		netdev->stats.tx_dropped++;
		dev_kfree_skb_any(skb);
	} else {
		netdev->stats.tx_packets++;
		netdev->stats.tx_bytes += skb->len;
		skb_tx_timestamp(skb);
		dev_consume_skb_any(skb);
	}
	return NETDEV_TX_OK;
}
/*:*/

static void try_again(struct timer_list *timer)
{
	struct nic *nic = container_of(timer, struct nic, retry);

	netif_wake_queue(nic->netdev);
}

static void write_station(struct nic *nic, u8 kind)
{
	u8 *mac = nic->wire->station[nic->self].mac;

	WRITE_ONCE(nic->wire->station[nic->self].kind, LGUEST_STATION_NONE);
	/* Nobody should see half an address: before, */
	virt_wmb();
	ether_addr_copy(mac, nic->netdev->dev_addr);
	/* and after. */
	virt_wmb();
	WRITE_ONCE(nic->wire->station[nic->self].kind, kind);
}

/* Context: a spinlock is held, while the device is up. */
static void choose_frames(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);

	WRITE_ONCE(nic->wire->station[nic->self].kind,
		   netdev->flags & IFF_PROMISC ? LGUEST_STATION_ALL :
						 LGUEST_STATION_ONE);
}

static int change_address(struct net_device *netdev, void *address)
{
	int err = eth_mac_addr(netdev, address);

	if (!err && netif_running(netdev)) {
		write_station(netdev_priv(netdev), LGUEST_STATION_ONE);
		choose_frames(netdev);
	}
	return err;
}

/*D:250
 * Errors: -ENOMEM; -EBUSY when someone else sits at our station.
 * Context: the lock of all network configuration is held.
 */
static int switch_on(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);
	int irq = nic->device->irq, err;

	if (!make_ring(nic))
		return -ENOMEM;
	err = request_irq(irq, frames_came, 0, netdev->name, nic);
	if (err)
		goto out_ring;
	napi_enable(&nic->napi);
	err = lguest_bind_dma(station_key(nic, nic->self),
			      virt_to_phys(nic->ring), irq);
	if (err)
		goto out_irq;
	WRITE_ONCE(nic->own->ring, virt_to_phys(nic->ring));
	write_station(nic, LGUEST_STATION_ONE);
	netif_carrier_on(netdev);
	netif_start_queue(netdev);
	return 0;

out_irq:
	napi_disable(&nic->napi);
	free_irq(irq, nic);
out_ring:
	free_ring(nic);
	return err;
}
/*:*/

static int switch_off(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);
	u32 i;

	netif_tx_disable(netdev);
	timer_delete_sync(&nic->retry);
	netif_tx_disable(netdev);	/* the timer may have woken it */
	nic->tries = 0;
	netif_carrier_off(netdev);
	write_station(nic, LGUEST_STATION_NONE);
	lguest_bind_dma(station_key(nic, nic->self), 0, 0);
	WRITE_ONCE(nic->own->ring, 0);
	for (i = 0; i < SLOTS; i++)
		while (READ_ONCE(nic->ring->slot[i].used) & LGUEST_DMA_TAKEN)
			usleep_range(50, 500);
	napi_disable(&nic->napi);
	free_irq(nic->device->irq, nic);
	free_ring(nic);
	return 0;
}

static const struct net_device_ops operations = {
	.ndo_open = switch_on,
	.ndo_stop = switch_off,
	.ndo_start_xmit = transmit,
	.ndo_set_rx_mode = choose_frames,
	.ndo_set_mac_address = change_address,
	.ndo_validate_addr = eth_validate_addr,
};

static void tell_driver(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "lguest_net", sizeof(info->driver));
	strscpy(info->bus_info, dev_name(netdev->dev.parent),
		sizeof(info->bus_info));
}

static int tell_link(struct net_device *netdev,
		     struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	return 0;
}

static const struct ethtool_ops ethtool = {
	.get_drvinfo = tell_driver,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = tell_link,
	.get_ts_info = ethtool_op_get_ts_info,
};

static void describe_device(struct net_device *netdev)
{
	netdev->netdev_ops = &operations;
	netdev->ethtool_ops = &ethtool;
	netdev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO |
			      NETIF_F_TSO_ECN | NETIF_F_TSO6;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->vlan_features = netdev->features;
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = ETH_MAX_MTU;
}
/*D:260 The bus has found a network device. */
static int probe(struct lguest_device *device)
{
	struct lguest_net *own = device->pages;
	struct net_device *netdev;
	struct nic *nic;
	int err;

	u32 self = READ_ONCE(own->self);

	if (self >= LGUEST_NET_STATIONS)
		return -EINVAL;
	netdev = alloc_etherdev(sizeof(*nic));
	if (!netdev)
		return -ENOMEM;
	nic = netdev_priv(netdev);
	nic->netdev = netdev;
	nic->device = device;
	nic->own = own;
	nic->wire = device->pages + PAGE_SIZE;
	nic->self = self;
	describe_device(netdev);
	netdev->mtu = own->mtu;
	if (is_valid_ether_addr(own->mac))
		eth_hw_addr_set(netdev, own->mac);
	else
		eth_hw_addr_random(netdev);
	netif_napi_add(netdev, &nic->napi, receive);
	timer_setup(&nic->retry, try_again, 0);
	SET_NETDEV_DEV(netdev, &device->dev);
	dev_set_drvdata(&device->dev, netdev);
	netif_carrier_off(netdev);
	err = register_netdev(netdev);
	if (err)
		free_netdev(netdev);
	return err;
}
/*:*/

static void remove(struct lguest_device *device)
{
	struct net_device *netdev = dev_get_drvdata(&device->dev);

	unregister_netdev(netdev);
	free_netdev(netdev);
}

static struct lguest_driver net_driver = {
	.driver.name = "lguest_net",
	.driver.owner = THIS_MODULE,
	.type = LGUEST_DEVICE_NET,
	.bytes = 2 * PAGE_SIZE,
	.probe = probe,
	.remove = remove,
};
module_lguest_driver(net_driver);

MODULE_DESCRIPTION("Network between lguest's Guests, and with their Host");
MODULE_LICENSE("GPL");
MODULE_ALIAS("lguest:type3");
