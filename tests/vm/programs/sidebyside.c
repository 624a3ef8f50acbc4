// SPDX-License-Identifier: GPL-2.0
/* Those who compute and those who sleep share one CPU, and all get theirs. */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>

#define NAPS	60
#define NAP	20000000
#define HOGS	2
#define SECONDS	2

static pid_t start_hog(void)
{
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		/* Should the parent be killed, this does not go on forever. */
		alarm(20);
		for (volatile long i = 0; ; i++)
			;
	}
	return pid;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The nap's median lateness in us. */
static int lateness(void)
{
	int64_t late[NAPS], start;

	for (int i = 0; i < NAPS; i++) {
		start = now_ns();
		sleep_ns(NAP);
		late[i] = now_ns() - start - NAP;
	}
	qsort(late, NAPS, sizeof(late[0]), compare);
	return late[NAPS / 2] / 1000;
}

/* The CPU time that a hog got until it was killed, in us. */
static long kill_hog(pid_t pid)
{
	struct rusage usage;
	int status;

	kill(pid, SIGKILL);
	need(wait4(pid, &status, 0, &usage) == pid);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int main(void)
{
	long used[HOGS], least, most;
	int sleepers[3], late, worst = -1, i, fds[2];
	pid_t hogs[HOGS];
	int64_t start, wall;
	cpu_set_t cpu0;

	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	need(!sched_setaffinity(0, sizeof(cpu0), &cpu0));

	late = lateness();
	check(late >= 0 && late < 20000, "alone, a sleeper wakes in time",
	      "the median nap is %d us late", late);

	hogs[0] = start_hog();
	need(!pipe(fds));
	for (i = 0; i < 3; i++) {
		sleepers[i] = fork();
		need(sleepers[i] >= 0);
		if (!sleepers[i]) {
			late = lateness();
			_exit(write(fds[1], &late, sizeof(late)) < 0);
		}
	}
	for (i = 0; i < 3; i++) {
		wait_for(sleepers[i]);
		need(read(fds[0], &late, sizeof(late)) == sizeof(late));
		if (late > worst)
			worst = late;
	}
	used[0] = kill_hog(hogs[0]);
	check(worst >= 0 && worst < 20000, "beside a hog, sleepers wake in time",
	      "the worst median is %d us", worst);
	check(used[0] > 3L * NAPS / 4 * NAP / 1000,
	      "and the hog gets what they leave", "it got %ld us", used[0]);

	start = now_ns();
	for (i = 0; i < HOGS; i++)
		hogs[i] = start_hog();
	sleep_ns(SECONDS * 1000000000LL);
	for (i = 0; i < HOGS; i++)
		used[i] = kill_hog(hogs[i]);
	wall = (now_ns() - start) / 1000;
	least = used[0] < used[1] ? used[0] : used[1];
	most = used[0] + used[1] - least;
	check(most < 2 * least, "two hogs get like shares", "%ld us and %ld us",
	      least, most);
	check(least + most > wall * 3 / 4 && least + most < wall * 5 / 4,
	      "which make up the whole CPU", "%ld us of %lld us", least + most,
	      (long long)wall);
	return done();
}
