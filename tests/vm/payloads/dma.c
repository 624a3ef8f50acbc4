// SPDX-License-Identifier: GPL-2.0
/*
 * Tiny Guests that send to each other, and some that try to harm each other by
 * it. TAP.
 */
#define _GNU_SOURCE
#include "calls.h"

/* The Guest makes its calls, and dies of the last of them, which says why. */
static void dies(struct guest *g, const char *why)
{
	run(g);
	if (g->event->kind == LGUEST_EVENT_DEAD &&
	    !strncmp(g->event->text, why, strlen(why)))
		printf("ok - dies: %s\n", g->event->text);
	else
		printf("not ok - dies: '%s', wanted '%s'\n", g->event->text,
		       why);
	discard(g);
}

/* To itself: odd pieces on both sides, none of them ending with a page. */
static void moves_data(void)
{
	struct guest g = new_guest(2);
	struct step *bound, *sent, *more, *full;
	const char *at = g.memory + BUFFERS;

	segment(dma_of(&g), FROM + 4095, 2);
	segment(dma_of(&g), FROM + 1, 6000);
	segment(dma_of(&g), FROM + 10000, 9001);
	bound = BIND(&g, RING + 12, RING, 5);
	sent = SEND(&g, RING + 12, DMA);
	more = SEND(&g, RING + 12, DMA);
	full = SEND(&g, RING + 12, DMA);
	run(&g);
	is("bind", bound->answer, 0);
	is("send", sent->answer, 15003);
	is("send to the second slot", more->answer, 15003);
	is("a full ring", full->answer, -EAGAIN);
	is("the receiver hears how much", ring_of(&g)->slot[0].used, 15003);
	ok(!memcmp(at, g.memory + FROM + 4095, 2) &&
	   !memcmp(at + 2, g.memory + FROM + 1, 6000) &&
	   !memcmp(at + 6002, g.memory + FROM + 10000, 9001) &&
	   !at[15003], "all bytes are there, and not one more");
	ok(!memcmp(at, at + 32768, 15003), "in the second slot as well");
	discard(&g);
}

static void refuses_politely(void)
{
	struct guest g = new_guest(1);
	struct step *nobody, *twice, *other, *gone, *back, *large, *far, *last;
	int i;

	segment(dma_of(&g), FROM, 32768);
	segment(dma_of(&g), FROM, 1);
	nobody = SEND(&g, RING, DMA);
	BIND(&g, RING, RING, 5);
	twice = BIND(&g, RING, RING, 5);
	other = BIND(&g, RING + 1, RING, 5);
	BIND(&g, RING, 0, 0);
	gone = SEND(&g, RING, DMA);
	back = BIND(&g, RING, RING, 5);
	large = SEND(&g, RING, DMA);
	for (i = 2; i < 64; i++)
		last = BIND(&g, RING + i, RING, 5);
	far = BIND(&g, RING + 64, RING, 5);
	run(&g);
	is("send to nobody", nobody->answer, -ENOTCONN);
	is("bind a key twice", twice->answer, -EBUSY);
	is("the key beside it", other->answer, 0);
	is("send to a key that was unbound", gone->answer, -ENOTCONN);
	is("bind it again", back->answer, 0);
	is("more than fits", large->answer, -EMSGSIZE);
	is("64 ports", last->answer, 0);
	is("a port too many", far->answer, -ENOSPC);
	discard(&g);
}

/* What it offers may have become nonsense since it was bound. */
static void offers_nonsense(void)
{
	struct guest g = new_guest(1);
	struct guest to = new_guest(3);
	struct lguest_dma *slot = ring_of(&to)->slot;
	struct step *sent[3];
	int i;

	segment(dma_of(&g), FROM, 16);
	start_receiver(&to, SHARED + 8);
	slot[0].segments = 1;
	slot[0].segment[0] = (struct lguest_segment){ UNTOUCHED, 4096, 0 };
	for (i = 0; i < 3; i++)
		sent[i] = SEND(&g, SHARED + 8, DMA);
	run(&g);
	is("a page that nobody has touched", sent[0]->answer, -EMSGSIZE);
	slot[0].segment[0] = (struct lguest_segment){ MEMORY - 8, 4096, 0 };
	run(&g);
	is("a page that there is not", sent[1]->answer, -EMSGSIZE);
	slot[0].segment[0] = (struct lguest_segment){ ~0ULL - 7, 4096, 0 };
	run(&g);
	is("around the end of all numbers", sent[1]->answer, -EMSGSIZE);
	slot[0].segments = LGUEST_DMA_SEGMENTS + 1;
	run(&g);
	is("too many segments", sent[1]->answer, -EMSGSIZE);
	slot[0].segments = 0;
	segment(slot, BUFFERS, 4096);
	run(&g);
	is("its next offer is good", sent[0]->answer, 16);
	ok(!memcmp(to.memory + BUFFERS, g.memory + FROM, 16),
	   "from one Guest to another, through a page that both map");
	stop(&to);
	run(&g);
	is("when it is dead", sent[0]->answer, -ENOTCONN);
	discard(&g);
	discard(&to);
}

#define BIND_DIES(key, ring, irq) do { \
	struct guest g = new_guest(1); \
	BIND(&g, key, ring, irq); \
	dies(&g, "LHCALL_BIND_DMA: "); \
} while (0)

#define RING_DIES(field, value) do { \
	struct guest g = new_guest(1); \
	ring_of(&g)->field = value; \
	BIND(&g, RING, RING, 5); \
	dies(&g, "LHCALL_BIND_DMA: "); \
} while (0)

#define SEND_DIES(key, gpa, segments_, at, bytes_) do { \
	struct guest g = new_guest(1); \
	segment(dma_of(&g), at, bytes_); \
	dma_of(&g)->segments = segments_; \
	BIND(&g, RING, RING, 5); \
	SEND(&g, key, gpa); \
	dies(&g, "LHCALL_SEND_DMA: "); \
} while (0)

static void dies_of_nonsense(void)
{
	BIND_DIES(MEMORY, RING, 5);
	BIND_DIES(~0ULL, RING, 5);
	BIND_DIES(RING, RING + 8, 5);
	BIND_DIES(RING, MEMORY, 5);
	BIND_DIES(RING, ~0xfffULL, 5);
	BIND_DIES(RING, RING, LGUEST_NR_IRQS);
	RING_DIES(slots, 0);
	RING_DIES(slots, LGUEST_RING_SLOTS + 1);
	RING_DIES(slots, ~0U);
	RING_DIES(slot[0].segments, LGUEST_DMA_SEGMENTS + 1);
	RING_DIES(slot[0].segment[0].gpa, MEMORY);
	RING_DIES(slot[0].segment[2].gpa, ~0ULL);
	RING_DIES(slot[0].segment[2].bytes, ~0U);
	SEND_DIES(RING, MEMORY, 1, FROM, 1);
	SEND_DIES(RING, DMA + 8, 1, FROM, 1);
	SEND_DIES(RING, ~0x1ffULL, 1, FROM, 1);
	SEND_DIES(MEMORY, DMA, 1, FROM, 1);
	SEND_DIES(RING, DMA, LGUEST_DMA_SEGMENTS + 1, FROM, 1);
	SEND_DIES(RING, DMA, ~0U, FROM, 1);
	SEND_DIES(RING, DMA, 1, MEMORY - 1, 2);
	SEND_DIES(RING, DMA, 1, ~0ULL, 2);
	SEND_DIES(RING, DMA, 1, 0, LGUEST_DMA_BYTES + 1);
	SEND_DIES(RING, DMA, 1, 0, ~0U);
}

static int host, bell;

static void *from_another_thread(void *answer)
{
	*(long *)answer = request(host, LHREQ_BIND_DMA, RING, RING, bell);
	return NULL;
}

/* All that a Launcher can ask, before its Guest runs. */
static int ask(struct guest *g, int fd)
{
	pthread_t thread;
	long answer;

	host = fd;
	bell = eventfd(0, EFD_NONBLOCK);
	pthread_create(&thread, NULL, from_another_thread, &answer);
	pthread_join(thread, NULL);
	is("a bind from another thread", answer, -EPERM);
	is("a bind without an eventfd",
	   request(fd, LHREQ_BIND_DMA, RING, RING, -1), -EBADF);
	is("a bind with a file that is none",
	   request(fd, LHREQ_BIND_DMA, RING, RING, fd), -EINVAL);
	is("a bind outside of memory",
	   request(fd, LHREQ_BIND_DMA, MEMORY, RING, bell), -EINVAL);
	is("a ring outside of memory",
	   request(fd, LHREQ_BIND_DMA, RING, MEMORY, bell), -EINVAL);
	is("a slot, before the bind", request(fd, LHREQ_GET_DMA, RING, 0, 0),
	   0);
	is("a slot at no memory", request(fd, LHREQ_GET_DMA, ~0ULL, 0, 0), 0);
	is("a bind", request(fd, LHREQ_BIND_DMA, RING, RING, bell), 32);
	is("a bell", request(fd, LHREQ_BIND_DMA, RING + 1, 0, bell), 32);
	is("a bind, twice", request(fd, LHREQ_BIND_DMA, RING, RING, bell),
	   -EBUSY);
	is("a slot", request(fd, LHREQ_GET_DMA, RING, 0, 0), RING + 512);
	is("another slot", request(fd, LHREQ_GET_DMA, RING, 0, 0),
	   RING + 1024);
	is("both are marked", ring_of(g)->slot[0].used &
	   ring_of(g)->slot[1].used, LGUEST_DMA_TAKEN);
	fflush(stdout);
	return 0;
}

/* What the Guest sends, its own Launcher finds. */
static int listen_to_guest(struct guest *g, int fd)
{
	struct lguest_event event;
	eventfd_t rings;

	ask(g, fd);
	while (read(fd, &event, sizeof(event)) != sizeof(event))
		if (errno != EINTR)
			return 1;
	is("two bells and one for data",
	   eventfd_read(bell, &rings) ? -1 : (int)rings, 3);
	is("what came", ring_of(g)->slot[2].used, 700);
	ring_of(g)->slot[2].used = 0;
	is("once around: a taken slot is not given again",
	   request(fd, LHREQ_GET_DMA, RING, 0, 0), 0);
	ok(!memcmp(g->memory + BUFFERS + 2 * 32768, g->memory + FROM, 700),
	   "and its contents");
	fflush(stdout);
	_exit(0);
}

static void reaches_its_launcher(void)
{
	struct guest g = new_guest(3);
	struct step *rung, *sent, *unbound, *full;

	g.launcher = listen_to_guest;
	segment(dma_of(&g), FROM, 700);
	rung = SEND(&g, RING + 1, 0);
	SEND(&g, RING + 1, 0);
	sent = SEND(&g, RING, DMA);
	BIND(&g, RING, 0, 0);
	unbound = SEND(&g, RING + 1, DMA);
	full = SEND(&g, RING, DMA);
	start(&g);
	is("its Launcher's exit status", join(&g), 0);
	is("ring a bell", rung->answer, 0);
	is("send to the Launcher", sent->answer, 700);
	is("send data to a bell", unbound->answer, -EMSGSIZE);
	is("send to a slot that is taken", full->answer, -EAGAIN);
	discard(&g);
}

/* In the midst of good pages there is one that can't be had. */
static void lives_beside_a_hole(void)
{
	struct guest g = new_guest(1);
	struct step *sent;

	munmap(g.memory + UNTOUCHED, 4096);
	segment(dma_of(&g), UNTOUCHED + 4096, 10);
	BIND(&g, RING, RING, 5);
	sent = SEND(&g, RING, DMA);
	run(&g);
	is("send a page beside a hole", sent->answer, 10);
	dma_of(&g)->segments = 0;
	segment(dma_of(&g), UNTOUCHED, 10);
	run(&g);
	is("send the hole, and die", g.event->kind, LGUEST_EVENT_DEAD);
	discard(&g);
}

/* Flips the numbers in a description while the Host reads it. */
static struct lguest_dma *target;
static volatile bool stop_flipping;

static void *flip(void *unused)
{
	static const struct lguest_segment other[] = {
		{ BUFFERS, 4096, 0 }, { MEMORY - 1, 4096, 0 },
		{ ~0ULL - 9, ~0U, 0 }, { UNTOUCHED, 65536, 0 },
		{ BUFFERS + 4000, ~0U, 0 }, { BUFFERS, 0, 0 },
	};
	unsigned int i;

	(void)unused;
	for (i = 0; !stop_flipping; i++) {
		target->segment[i % 3] = other[i % 6];
		target->segments = i % 34;
		target->used = 0;
		asm volatile("" : : : "memory");
	}
	return NULL;
}

/* Both sides at once; and memory between them that nobody was given. */
static void survives_flipping(void)
{
	struct guest to = new_guest(1), from = new_guest(1);
	unsigned int i, deaths = 0;
	pthread_t thread;

	memset(to.memory + 0x3f0000, 0x5a, 0xf000);
	start_receiver(&to, SHARED + 16);
	target = ring_of(&to)->slot;
	pthread_create(&thread, NULL, flip, NULL);
	segment(dma_of(&from), FROM, 3000);
	for (i = 0; i < 4000; i++)
		SEND(&from, SHARED + 16, DMA);
	run(&from);
	is("the receiver flips, the sender ends well", from.event->kind,
	   LGUEST_EVENT_SHUTDOWN);
	stop_flipping = true;
	pthread_join(thread, NULL);
	stop_flipping = false;
	target = dma_of(&from);
	pthread_create(&thread, NULL, flip, NULL);
	for (i = 0; i < 30; i++) {
		run(&from);
		deaths += from.event->kind == LGUEST_EVENT_DEAD;
	}
	stop_flipping = true;
	pthread_join(thread, NULL);
	printf("# of 30 senders that flipped, %u died\n", deaths);
	ok(deaths > 0, "a sender that flips dies of it");
	for (i = 0; i < 0xf000 && to.memory[0x3f0000 + i] == 0x5a; i++)
		;
	ok(i == 0xf000, "what the receiver did not offer is as it was");
	stop(&to);
	discard(&to);
	discard(&from);
}

/* Killed in the midst of it, whichever side. */
static void survives_deaths(void)
{
	struct guest to, from;
	unsigned int i, sent = 0;

	for (i = 0; i < 40; i++) {
		to = new_guest(64);
		from = new_guest(1);
		segment(dma_of(&from), FROM, 32768);
		SEND(&from, SHARED + 32, DMA);
		call(&from, AGAIN, STEPS, 0, 0);
		start_receiver(&to, SHARED + 32);
		start(&from);
		while (!*(volatile __u32 *)&ring_of(&to)->slot[0].used)
			usleep(100);
		usleep(i * 97 % 1000);
		sent += ring_of(&to)->slot[0].used == 32768;
		stop(i % 2 ? &to : &from);
		ring_of(&to)->slot[0].used = 0;
		stop(i % 2 ? &from : &to);
		discard(&to);
		discard(&from);
	}
	is("of 40 pairs, one of each killed, so many sent", sent, 40);
}

int main(void)
{
	share_a_page();
	moves_data();
	refuses_politely();
	offers_nonsense();
	dies_of_nonsense();
	reaches_its_launcher();
	lives_beside_a_hole();
	survives_flipping();
	survives_deaths();
	return 0;
}
