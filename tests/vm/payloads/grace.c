// SPDX-License-Identifier: GPL-2.0
/*
 * grace N: how long one of RCU's grace periods takes, the median of N, in
 * microseconds. grace 0 never ends: a program that spins.
 */
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int longer(const void *a, const void *b)
{
	const long *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

int main(int argc, char *argv[])
{
	int i, n = argc == 2 ? atoi(argv[1]) : 20;
	long *took = calloc(n + 1, sizeof(*took));

	while (!n)
		;
	for (i = 0; took && i < n; i++) {
		took[i] = -now();
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			return 1;
		took[i] += now();
		usleep(3000);
	}
	qsort(took, n, sizeof(*took), longer);
	printf("%ld\n", took[n / 2]);
	return 0;
}
