// SPDX-License-Identifier: GPL-2.0
/*
 * Lines for whoever watches the console with a clock of his own:
 *
 * clocks drift SECONDS [busy]: "CLOCK start NS", then, that long later by
 * this machine's clock, slept or spun through, "CLOCK end NS".
 *
 * clocks sleeps: "SLEEP start", then "SLEEP n NS" after each of ten sleeps
 * of a second, with how long it was here, and "SLEEPS median NS".
 */
#include "check.h"

#define SLEEPS	10

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int drift(int seconds, int busy)
{
	int64_t start = now_ns(), end = start + seconds * 1000000000LL;

	printf("CLOCK start %lld\n", (long long)start);
	while (now_ns() < end)
		if (!busy)
			sleep_ns(end - now_ns());
	printf("CLOCK end %lld\n", (long long)now_ns());
	return 0;
}

static int sleeps(void)
{
	int64_t took[SLEEPS], start;

	printf("SLEEP start\n");
	for (int i = 0; i < SLEEPS; i++) {
		start = now_ns();
		sleep(1);
		took[i] = now_ns() - start;
		printf("SLEEP %d %lld\n", i + 1, (long long)took[i]);
	}
	qsort(took, SLEEPS, sizeof(took[0]), compare);
	printf("SLEEPS median %lld\n", (long long)took[SLEEPS / 2]);
	check(took[0] >= 1000000000 && took[SLEEPS / 2] < 1100000000,
	      "ten sleeps of a second", "shortest %lld ns, median %lld ns",
	      (long long)took[0], (long long)took[SLEEPS / 2]);
	return done();
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 3 && !strcmp(argv[1], "drift"))
		return drift(atoi(argv[2]), argc > 3);
	if (argc == 2 && !strcmp(argv[1], "sleeps"))
		return sleeps();
	fprintf(stderr, "clocks drift SECONDS [busy] | clocks sleeps\n");
	return 2;
}
