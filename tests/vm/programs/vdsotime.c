// SPDX-License-Identifier: GPL-2.0
/* The vDSO's clocks: the same time as the kernel's, and never backwards. */
#include "check.h"
#include "vdso.h"
#include <sys/syscall.h>
#include <sys/time.h>

#define READS	200000
#define PAIRS	2000

static int (*vdso_clock_gettime)(clockid_t, struct timespec *);
static int (*vdso_gettimeofday)(struct timeval *, void *);
static time_t (*vdso_time)(time_t *);

static int64_t in_ns(struct timespec *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static int64_t by_vdso(clockid_t clock)
{
	struct timespec t;

	need(!vdso_clock_gettime(clock, &t));
	return in_ns(&t);
}

static int64_t by_syscall(clockid_t clock)
{
	struct timespec t;

	need(!syscall(SYS_clock_gettime, clock, &t));
	return in_ns(&t);
}

static void check_clock(clockid_t clock, const char *name)
{
	int backwards = 0, outside = 0, i;
	int64_t before = by_vdso(clock), end = before + 1000000000;
	int64_t there, after;
	char text[80];

	/* A second is enough where each read is a system call. */
	for (i = 0; i < READS && before < end; i++) {
		there = by_vdso(clock);
		backwards += there < before;
		before = there;
	}
	snprintf(text, sizeof(text), "%s never runs backwards", name);
	check(!backwards, text, "%d times of %d", backwards, i);
	for (i = 0; i < PAIRS; i++) {
		before = by_syscall(clock);
		there = by_vdso(clock);
		after = by_syscall(clock);
		outside += there < before || there > after;
	}
	snprintf(text, sizeof(text), "%s by vDSO lies between system calls'",
		 name);
	check(!outside, text, "%d of %d do not", outside, PAIRS);
}

/* A busy second by one clock is one by the others. */
static void check_rates(void)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_MONOTONIC_RAW,
		CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE,
	};
	int64_t start[ARRAY_SIZE(clocks)], took, worst = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++)
		start[i] = by_vdso(clocks[i]);
	while (by_vdso(CLOCK_MONOTONIC) < start[0] + 1000000000)
		;
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		took = by_vdso(clocks[i]) - start[i] - 1000000000;
		if (took < 0)
			took = -took;
		if (took > worst)
			worst = took;
	}
	check(worst < 30000000, "all clocks agree on a second",
	      "one differs by %lld us", (long long)worst / 1000);
}

int main(void)
{
	struct timeval day;
	int64_t difference;

	vdso_clock_gettime = vdso_symbol("__vdso_clock_gettime");
	vdso_gettimeofday = vdso_symbol("__vdso_gettimeofday");
	vdso_time = vdso_symbol("__vdso_time");
	check(vdso_clock_gettime && vdso_gettimeofday && vdso_time,
	      "there is a vDSO", "%p %p %p", (void *)vdso_clock_gettime,
	      (void *)vdso_gettimeofday, (void *)vdso_time);
	if (failures)
		return done();
	check_clock(CLOCK_MONOTONIC, "CLOCK_MONOTONIC");
	check_clock(CLOCK_REALTIME, "CLOCK_REALTIME");
	check_rates();
	need(!vdso_gettimeofday(&day, NULL));
	difference = by_syscall(CLOCK_REALTIME) / 1000 -
		     (day.tv_sec * 1000000LL + day.tv_usec);
	check(difference >= 0 && difference < 500000,
	      "gettimeofday is CLOCK_REALTIME", "%lld us off",
	      (long long)difference);
	difference = by_syscall(CLOCK_REALTIME) / 1000000000 - vdso_time(NULL);
	check(difference >= 0 && difference <= 1, "time is, too",
	      "%lld s off", (long long)difference);
	return done();
}
