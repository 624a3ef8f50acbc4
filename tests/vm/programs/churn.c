// SPDX-License-Identifier: GPL-2.0
/*
 * churn [SECONDS] [PROCESSES]: what allocators do with a heap of huge pages.
 * Each fills a block of 2 MB, looks, and gives it back; it must come back
 * empty. The processes are of different users: what one of them gives back
 * becomes another's, and nobody may see what was in it, or write to it.
 */
#include "check.h"
#include <sched.h>
#include <sys/mman.h>

#define PAGE	4096UL
#define HUGE	(512 * PAGE)
#define BLOCKS	8

static uint64_t word(uint64_t id, uint64_t round, uint64_t i)
{
	return id << 56 | (round & 0xffffff) << 32 | i;
}

/* Returns how many words were not as they should be. */
static uint64_t use(volatile uint64_t *p, uint64_t id, uint64_t round)
{
	uint64_t wrong = 0, i;

	p[1] = 0;	/* a header first */
	for (i = 0; i < HUGE / 8; i += PAGE / 8) {
		wrong += p[i] != 0;
		p[i] = word(id, round, i);
	}
	for (i = 0; i < HUGE / 8; i += PAGE / 8)
		wrong += p[i] != word(id, round, i);
	return wrong;
}

static int churn(uint32_t id, int64_t end)
{
	uint64_t rounds = 0, wrong = 0;
	char *arena;

	arena = mmap(NULL, (BLOCKS + 1) * HUGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(arena != MAP_FAILED);
	need(!setuid(1000 + id));
	arena = (char *)(((uintptr_t)arena + HUGE - 1) & ~(HUGE - 1));
	for (; now_ns() < end; rounds++) {
		char *p = arena + scramble(id << 20 ^ rounds) % BLOCKS * HUGE;

		wrong += use((void *)p, id, rounds);
		need(!madvise(p, HUGE, MADV_DONTNEED));
		sched_yield();	/* to whoever wants it */
	}
	check(rounds > 20 && !wrong, "what was given back comes back empty",
	      "user %u: %llu words wrong in %llu rounds", 1000 + id,
	      (unsigned long long)wrong, (unsigned long long)rounds);
	return done();
}

int main(int argc, char **argv)
{
	int64_t end = now_ns() + (argc > 1 ? atoi(argv[1]) : 10) * 1000000000LL;
	int processes = argc > 2 ? atoi(argv[2]) : 3, i, bad = 0;

	for (i = 1; i <= processes; i++)
		if (!fork())
			return churn(i, end);
	while (i-- > 1)
		bad += wait_for(-1) != 0;
	check(!bad, "all users are content", "%d of %d are not", bad,
	      processes);
	return done();
}
