// SPDX-License-Identifier: GPL-2.0
/*
 * nowhere: /dev/mem where there is no memory, as dmidecode and X look at it. In
 * a Guest, reads are ones and writes go nowhere. As root.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const off_t places[] = { 0xfe000000, 0xfed40000, 0xfee00000,
				0x4000000000 };

static volatile long traps, alarms;

static void count(int sig)
{
	if (sig == SIGTRAP)
		traps++;
	else
		alarms++;
}

/* The Host steps over each write. Nobody else shall notice its trap flag. */
static void check_steps(int fd)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	time_t end = time(NULL) + 3;
	volatile uint32_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, places[0]);

	need(p != MAP_FAILED);
	signal(SIGTRAP, count);
	signal(SIGALRM, count);
	need(!setitimer(ITIMER_REAL, &often, NULL));
	while (time(NULL) < end)
		for (int i = 0; i < 100; i++)
			p[1] = i;
	need(!setitimer(ITIMER_REAL, &never, NULL));
	check(!traps && alarms > 10, "no step of the Host's is ours",
	      "%ld traps, %ld alarms", traps, alarms);
}

int main(void)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	volatile uint32_t *p;
	uint32_t before, after;
	char name[64];

	need(fd >= 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 places[i]);
		need(p != MAP_FAILED);
		before = p[1];
		p[1] = 0x5eed;
		after = p[1];
		memset((void *)p, 0x55, 64);
		*(volatile uint64_t *)((char *)p + 4093) = 7;
		snprintf(name, sizeof(name), "ones at %llx",
			 (unsigned long long)places[i]);
		check(before == ~0u && after == ~0u && p[15] == ~0u &&
		      p[1023] == ~0u && p[1024] == ~0u, name,
		      "%x, after a write %x", before, after);
		munmap((void *)p, 8192);
	}
	check_steps(fd);
	return done();
}
