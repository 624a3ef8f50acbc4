// SPDX-License-Identifier: GPL-2.0
/*
 * bells SECONDS: rings at doors while they are being shut. Whoever still has a
 * pointer into a house that was pulled down shows it on a Host that was booted
 * with init_on_free=1 oops=panic. TAP.
 */
#define _GNU_SOURCE
#include "calls.h"

#define DOORS	2
#define KEY(i)	(SHARED + 8 + 8 * (i))

static int seconds;
static volatile long *closed;	/* how often, for each door; for all to see */

/* Rings without end, at all doors. */
static struct guest start_ringer(void)
{
	struct guest g = new_guest(1);
	int i;

	for (i = 0; i < DOORS; i++)
		SEND(&g, KEY(i), 0);
	call(&g, AGAIN, STEPS, 0, 0);
	start(&g);
	return g;
}

/* A hostile Launcher: binds an eventfd, and both are gone at once. */
static void open_and_shut(int door)
{
	struct guest g = new_guest(1);

	for (;; closed[door]++) {
		int fd = initialise(&g), bell = eventfd(0, EFD_NONBLOCK);

		if (fd < 0 || request(fd, LHREQ_BIND_DMA, KEY(door), 0, bell) < 0)
			_exit(2);
		close(bell);
		close(fd);
	}
}

/* An honest Launcher: its Guest binds a ring with an irq, and powers off. */
static void come_and_go(int door)
{
	struct lguest_event event;

	for (;; closed[door]++) {
		struct guest g = new_guest(1);
		int fd = initialise(&g);

		BIND(&g, KEY(door), RING, 5);
		while (read(fd, &event, sizeof(event)) != sizeof(event))
			if (errno != EINTR)
				_exit(2);
		close(fd);
		discard(&g);
	}
}

static void attack(const char *what, void (*tenant)(int door))
{
	struct guest ringer = start_ringer();
	pid_t pids[DOORS];
	int i, status, alive = 0;

	for (i = 0; i < DOORS; i++) {
		closed[i] = 0;
		pids[i] = fork();
		if (!pids[i])
			tenant(i);
	}
	sleep(seconds);
	for (i = 0; i < DOORS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		alive += WIFSIGNALED(status) && closed[i] > 10;
	}
	stop(&ringer);
	discard(&ringer);
	printf("# doors shut: %ld and %ld times\n", closed[0], closed[1]);
	is(what, alive, DOORS);
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	seconds = argc > 1 ? atoi(argv[1]) : 10;
	lifetime = 0;
	share_a_page();
	closed = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (closed == MAP_FAILED)
		return 2;
	attack("bells of Launchers that close them", open_and_shut);
	attack("irqs of Guests that power off", come_and_go);
	return 0;
}
