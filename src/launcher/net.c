// SPDX-License-Identifier: GPL-2.0
/* Networks: to the Host's, and among Guests. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/magic.h>
#include <linux/sockios.h>

#include "launcher.h"

#define US		0	/* our station on a wire to a tap, */
#define GUEST		1	/* and the Guest's */
#define SLOTS		64
#define RING_PAGES	9	/* of 65 times 512 bytes */
#define TUN_PAGES	(2 + RING_PAGES + SLOTS * LGUEST_DMA_BYTES / PAGE)
#define SHORT_PAUSE	250	/* microseconds */
#define LONG_PAUSE	16000

struct net {
	struct device *device;
	struct lguest_net *own;		/* its first page, */
	struct lguest_wire *wire;	/* its second, */
	struct lguest_ring *ring;	/* and what follows: ours */
	int tap;
	int bell;
};

/*L:300
 * The tap is ours as long as the file is open. When this program ends, however
 * it ends, the card is gone.
 */
static int open_tap(struct ifreq *tap)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno != EACCES && errno != EPERM)
		die("--tunnet: no /dev/net/tun (%s): modprobe tun",
		    strerror(errno));
	strcpy(tap->ifr_name, "lg%d");
	tap->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (fd < 0 || ioctl(fd, TUNSETIFF, tap))
		die("--tunnet: cannot make a network card: %s%s",
		    strerror(errno), errno == EPERM || errno == EACCES ?
		    ": run this as root" : "");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
		  TUN_F_TSO_ECN))
		die("--tunnet: this Host's taps have no offloads");
	note("network: %s", tap->ifr_name);
	return fd;
}
/*:*/
/* "10.0.0.1" or "10.0.0.1/24": the Host's, and the Guest's is the next. */
static void read_address(struct machine *m, const char *what,
			 struct in_addr *host, struct in_addr *mask)
{
	char text[INET_ADDRSTRLEN] = "", *end = "";
	const char *slash = strchrnul(what, '/');
	u64 length = 24;
	u32 local;

	if (slash - what < INET_ADDRSTRLEN)
		memcpy(text, what, slash - what);
	if (*slash)
		length = isdigit(slash[1]) ? strtoul(slash + 1, &end, 10) : 0;
	if (inet_pton(AF_INET, text, host) != 1 || *end ||
	    length < 8 || length > 30)
		die("--tunnet=%s: not IP, IP/8 to IP/30, or bridge:NAME", what);
	mask->s_addr = htonl(~0U << (32 - length));
	local = ntohl(host->s_addr & ~mask->s_addr);
	if (!local || local + 1 >= ntohl(~mask->s_addr))
		die("--tunnet=%s: no room in this network for it and the next",
		    what);
	if (!*m->ip) {
		struct in_addr guest = { htonl(ntohl(host->s_addr) + 1) };
		char names[3][INET_ADDRSTRLEN];

		inet_ntop(AF_INET, &guest, names[0], sizeof(names[0]));
		inet_ntop(AF_INET, host, names[1], sizeof(names[1]));
		inet_ntop(AF_INET, mask, names[2], sizeof(names[2]));
		snprintf(m->ip, sizeof(m->ip), "ip=%s::%s:%s:::off", names[0],
			 names[1], names[2]);
	}
}
static void change_card(int about, unsigned long what, struct ifreq *how)
{
	if (ioctl(about, what, how))
		die("--tunnet: cannot set up %s: %s", how->ifr_name,
		    strerror(errno));
}

static void give_address(int about, struct ifreq *tap, struct in_addr host,
			 struct in_addr mask)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr = host;
	memcpy(&tap->ifr_addr, &address, sizeof(address));
	change_card(about, SIOCSIFADDR, tap);
	address.sin_addr = mask;
	memcpy(&tap->ifr_netmask, &address, sizeof(address));
	change_card(about, SIOCSIFNETMASK, tap);
}
static void join_bridge(int about, struct ifreq *tap, const char *name)
{
	struct ifreq bridge = { };

	if (strlen(name) >= IFNAMSIZ || !if_nametoindex(name))
		die("--tunnet: there is no bridge %s", name);
	strcpy(bridge.ifr_name, name);
	change_card(about, SIOCGIFMTU, &bridge);
	tap->ifr_mtu = bridge.ifr_mtu;
	if (ioctl(about, SIOCSIFMTU, tap))
		note("network: %s: no MTU of %d", tap->ifr_name,
		     bridge.ifr_mtu);
	bridge.ifr_ifindex = if_nametoindex(tap->ifr_name);
	if (ioctl(about, SIOCBRADDIF, &bridge))
		die("--tunnet: %s is no bridge, or takes no more (%s)", name,
		    strerror(errno));
}

static bool read_mac(const char *text, u8 *mac)
{
	u8 zero[6] = { };
	int end = -1;

	return text && sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
			      mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5,
			      &end) == 6 &&
	       !text[end] && !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero));
}

/* NULL, or the text behind ",mac=", which is taken off. */
static const char *take_mac(const char **what)
{
	char *copy = strdup(*what), *at = copy ? strstr(copy, ",mac=") : NULL;
	u8 mac[6];

	if (!at)
		return NULL;
	*at = '\0';
	*what = copy;
	at += strlen(",mac=");
	if (!read_mac(at, mac))
		die("mac=%s: no address for one card, as 02:00:00:00:00:07",
		    at);
	return at;
}

static void choose_mac(u8 *mac, const char *wanted, u32 irq)
{
	char name[20], text[20];

	sprintf(name, "LGUEST_MAC_%u", irq);
	if (!read_mac(wanted, mac) && !read_mac(getenv(name), mac)) {
		if (getrandom(mac, 6, 0) != 6)
			die("no random address for a network card");
		/* Not a group's, and not one that a factory gave away. */
		mac[0] = (mac[0] & ~1) | 2;
	}
	sprintf(text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	setenv(name, text, true);
}

static struct device *add_card(struct machine *m, u32 pages, u32 self,
			       const char *mac)
{
	struct device *d = device_add(m, LGUEST_DEVICE_NET, 0, pages);
	struct lguest_net *own = (struct lguest_net *)d->pages;

	own->self = self;
	own->mtu = 1500;
	choose_mac(own->mac, mac, d->irq);
	return d;
}
static u64 key_of(const struct net *net, u32 station)
{
	return net->device->gpa + PAGE +
	       offsetof(struct lguest_wire, station[station]);
}
static void sleep_until_rung(struct net *net, const u32 *used)
{
	u64 rings;

	/* First `quiet`, then `used`. The Host: the other way. */
	__atomic_store_n(&net->ring->quiet, 0, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(used, __ATOMIC_SEQ_CST) &&
	    read(net->bell, &rings, sizeof(rings)) != sizeof(rings))
		die("cannot listen to the Guest: %s", strerror(errno));
	__atomic_store_n(&net->ring->quiet, 1, __ATOMIC_RELAXED);
}
/*L:320
 * The ring lies in memory that the Guest can write. So we believe nothing in it
 * but `used`, and that only if it makes sense: our buffers are where they are.
 * A frame that the tap refuses was a bad one, and is lost.
 */
static void *carry_out(void *with)
{
	struct net *net = with;
	struct lguest_ring *ring = net->ring;
	u8 *buffers = net->device->pages + (2 + RING_PAGES) * PAGE;
	u32 next = 0, bytes;

	for (;;) {
		bytes = __atomic_load_n(&ring->slot[next].used,
					__ATOMIC_ACQUIRE);
		if (!bytes) {
			sleep_until_rung(net, &ring->slot[next].used);
			continue;
		}
		if (bytes <= LGUEST_DMA_BYTES &&
		    write(net->tap, buffers + next * LGUEST_DMA_BYTES,
			  bytes) < 0 && errno == EBADFD)
			return NULL;
		__atomic_store_n(&ring->slot[next].used, 0, __ATOMIC_RELEASE);
		next = (next + 1) % SLOTS;
	}
}
/*:*/
static struct lguest_ring *ring_of(const struct net *net)
{
	u64 gpa = __atomic_load_n(&net->own->ring, __ATOMIC_RELAXED);

	if (!gpa)
		return NULL;
	return (struct lguest_ring *)guest_memory(net->device->m, gpa,
						  sizeof(struct lguest_ring));
}
/*L:330
 * A slot that was taken must come back, or the Guest would wait for it forever:
 * the ring goes in order. If there is nothing to bring, it comes back with a
 * length that no frame has.
 */
static void fill_slot(struct net *net, struct lguest_dma *slot)
{
	struct iovec pieces[LGUEST_DMA_SEGMENTS];
	struct lguest_dma dma;
	ssize_t bytes = -1;
	u32 i;

	memcpy(&dma, slot, sizeof(dma));
	/* From here on there is only the copy. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < dma.segments && i < LGUEST_DMA_SEGMENTS; i++) {
		pieces[i].iov_len = dma.segment[i].bytes;
		pieces[i].iov_base = guest_memory(net->device->m,
						  dma.segment[i].gpa,
						  dma.segment[i].bytes);
		if (!pieces[i].iov_base)
			break;
	}
	if (i == dma.segments)
		bytes = readv(net->tap, pieces, i);
	__atomic_store_n(&slot->used, bytes > 0 ? bytes : 1, __ATOMIC_SEQ_CST);
}
/*:*/
/* Returns false when there is no room for it. */
static bool bring_frame(struct net *net)
{
	u64 request[] = { LHREQ_GET_DMA, key_of(net, GUEST) };
	const struct machine *m = net->device->m;
	struct lguest_ring *ring;
	struct lguest_dma *slot = NULL;
	ssize_t gpa;

	gpa = write(m->host, request, sizeof(request));
	if (gpa > 0)
		slot = (struct lguest_dma *)guest_memory(m, gpa, sizeof(*slot));
	if (!slot)
		return false;
	fill_slot(net, slot);
	ring = ring_of(net);
	/* First `used`, then `quiet`. The Guest: the other way. */
	if (!ring || !__atomic_load_n(&ring->quiet, __ATOMIC_SEQ_CST))
		device_interrupt(net->device);
	return true;
}
/*L:340 In the end, the tap may be taken away: then the Guest's card is, too. */
static void *carry_in(void *with)
{
	static u8 waste[LGUEST_DMA_BYTES];
	struct net *net = with;
	struct pollfd ready = { .fd = net->tap, .events = POLLIN };
	u32 pause = SHORT_PAUSE;

	for (;;) {
		poll(&ready, 1, -1);
		if (ready.revents & ~POLLIN)
			break;
		if (!ring_of(net)) {
			if (read(net->tap, waste, sizeof(waste)) < 0 &&
			    errno == EBADFD)
				break;
		} else if (bring_frame(net)) {
			pause = SHORT_PAUSE;
		} else {
			usleep(pause);
			pause = pause < LONG_PAUSE ? 2 * pause : pause;
		}
	}
	device_remove(net->device);
	return NULL;
}
/*:*/
static void start_tun(struct device *d)
{
	struct net *net = d->own;
	u64 buffers = d->gpa + (2 + RING_PAGES) * PAGE;
	u32 i;

	for (i = 0; i < SLOTS; i++)
		net->ring->slot[i] = (struct lguest_dma) {
			.segments = 1,
			.segment = { {
				.gpa = buffers + i * LGUEST_DMA_BYTES,
				.bytes = LGUEST_DMA_BYTES,
			} },
		};
	net->ring->slots = SLOTS;
	net->bell = device_bind(d->m, key_of(net, US), d->gpa + 2 * PAGE);
	net->wire->station[US].kind = LGUEST_STATION_ALL;
	start_thread(carry_out, net);
	start_thread(carry_in, net);
}
/*L:310 --tunnet=IP[/N] or --tunnet=bridge:NAME */
void net_tun(struct machine *m, const char *what)
{
	int about = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool bridged = !strncmp(what, "bridge:", 7);
	struct net *net = calloc(1, sizeof(*net));
	const char *mac = take_mac(&what);
	struct in_addr host, mask;
	struct ifreq tap = { };

	if (about < 0 || !net)
		die("--tunnet: %s", strerror(errno));
	if (!bridged)
		read_address(m, what, &host, &mask);
	net->tap = open_tap(&tap);
	if (bridged)
		join_bridge(about, &tap, what + 7);
	else
		give_address(about, &tap, host, mask);
	change_card(about, SIOCGIFFLAGS, &tap);
	tap.ifr_flags |= IFF_UP;
	change_card(about, SIOCSIFFLAGS, &tap);
	change_card(about, SIOCGIFMTU, &tap);
	close(about);
	net->device = add_card(m, TUN_PAGES, GUEST, mac);
	net->own = (struct lguest_net *)net->device->pages;
	net->own->mtu = tap.ifr_mtu;
	net->wire = (struct lguest_wire *)(net->device->pages + PAGE);
	net->ring = (struct lguest_ring *)(net->device->pages + 2 * PAGE);
	net->device->own = net;
	net->device->start = start_tun;
}
/*:*/
/* NULL, or why it can be none. The error's number may say more. */
static const char *make_wire(int fd)
{
	struct statfs system;
	struct stat info;

	if (fstat(fd, &info) || fstatfs(fd, &system))
		return "does not tell what it is";
	errno = 0;
	if (!S_ISREG(info.st_mode))
		return "is not a regular file";
	if (system.f_type != TMPFS_MAGIC)
		return "is not on a tmpfs, as in /dev/shm";
	if (info.st_size != 0 && info.st_size != PAGE)
		return "is no wire: its size is not that of a page";
	errno = posix_fallocate(fd, 0, PAGE);
	return errno ? "has no room for a page" : NULL;
}

static struct {
	const char *path;
	int fd;
} made[LGUEST_MAX_DEVICES];

static u32 wires_made;

/* Not removed, and not another file's name by now. */
static bool has_name(int fd, const char *path)
{
	struct stat file, name;

	return !fstat(fd, &file) && !stat(path, &name) &&
	       file.st_dev == name.st_dev && file.st_ino == name.st_ino;
}

static void take_down_wires(void)
{
	struct flock all = {
		.l_type = F_WRLCK,
		.l_len = LGUEST_NET_STATIONS + 1,
	};
	u32 i;

	for (i = 0; i < wires_made; i++)
		if (has_name(made[i].fd, made[i].path) &&
		    !fcntl(made[i].fd, F_OFD_SETLK, &all))
			unlink(made[i].path);
}

static void keep_wires(struct device *unused)
{
	(void)unused;
	wires_made = 0;
}
/*L:350 A new file is a wire with nobody on it: a page of zeroes. */
static int open_wire(const char *path)
{
	int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	const char *fault;

	if (fd >= 0 && wires_made < LGUEST_MAX_DEVICES) {
		made[wires_made].path = path;
		made[wires_made++].fd = fd;
	} else if (fd < 0 && errno == EEXIST) {
		fd = open(path, flags | O_CREAT, 0600);
	}
	if (fd < 0)
		die("--sharenet: cannot open %s: %s", path, strerror(errno));
	fault = make_wire(fd);
	if (fault)
		die("--sharenet: %s %s%s%s", path, fault, errno ? ": " : "",
		    errno ? strerror(errno) : "");
	return fd;
}
/*:*/
static bool lock_byte(int fd, u32 byte, int how, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};

	return !fcntl(fd, how, &lock);
}
/*L:360 Returns our station: `wanted`, or the first free one if that is -1. */
static u32 take_station(int fd, struct lguest_wire *wire, int wanted)
{
	u32 n, ours = LGUEST_NET_STATIONS;

	while (!lock_byte(fd, LGUEST_NET_STATIONS, F_OFD_SETLKW, F_WRLCK))
		if (errno != EINTR)
			die("--sharenet: cannot lock: %s", strerror(errno));
	for (n = 0; n < LGUEST_NET_STATIONS; n++) {
		if (!lock_byte(fd, n, F_OFD_SETLK, F_WRLCK))
			continue;
		memset(&wire->station[n], 0, sizeof(wire->station[n]));
		if (ours == LGUEST_NET_STATIONS &&
		    (wanted < 0 || n == (u32)wanted))
			ours = n;
		else
			lock_byte(fd, n, F_OFD_SETLK, F_UNLCK);
	}
	lock_byte(fd, LGUEST_NET_STATIONS, F_OFD_SETLK, F_UNLCK);
	return ours;
}
/*:*/
static struct lguest_wire *map_wire(u8 *page, int fd, const char *path)
{
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 fd, 0) == MAP_FAILED || madvise(page, PAGE, MADV_DONTFORK))
		die("--sharenet: cannot map %s: %s", path, strerror(errno));
	return (struct lguest_wire *)page;
}
/* --sharenet=FILE[#N]. The file stays open, for the lock's sake. */
void net_share(struct machine *m, const char *what)
{
	const char *mac = take_mac(&what);
	struct device *d = add_card(m, 2, 0, mac);
	char *path = strdup(what), *number = strrchr(path, '#'), *end = "";
	unsigned long wanted = 0;
	u32 self;
	int fd;

	if (number) {
		*number++ = '\0';
		wanted = isdigit(*number) ? strtoul(number, &end, 10) : -1UL;
	}
	if (*end || wanted >= LGUEST_NET_STATIONS)
		die("--sharenet=%s: stations are numbers from 0 to %d", what,
		    LGUEST_NET_STATIONS - 1);
	atexit(take_down_wires);
	for (;;) {
		fd = open_wire(path);
		self = take_station(fd, map_wire(d->pages + PAGE, fd, path),
				    number ? (int)wanted : -1);
		if (has_name(fd, path))
			break;
		close(fd);
	}
	if (self == LGUEST_NET_STATIONS)
		die("--sharenet=%s: %s", what, number ?
		    "somebody else is this station" : "no station is free");
	((struct lguest_net *)d->pages)->self = self;
	d->start = keep_wires;
	note("network: %s, station %u", path, self);
}
