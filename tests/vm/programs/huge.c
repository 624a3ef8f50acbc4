// SPDX-License-Identifier: GPL-2.0
/*
 * huge: what was taken away of a page of 2 MB is gone, all 512 pieces of it.
 * Linux says it to the CPU by a single INVLPG. As root, in 800 MB or more
 * (with less, Debian's kernels make no huge pages by themselves).
 */
#include "check.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>

#define PAGE		4096UL
#define PIECES		512
#define HUGE		(PIECES * PAGE)
#define MARK		0x5eed000000000000

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static sigjmp_buf after_fault;
static char *kind;
static int hugetlb;

static void leave_fault(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	siglongjmp(after_fault, sig);
}

/* Kilobytes of huge pages that this process has, of both kinds. */
static long huge_kb(void)
{
	FILE *in = fopen("/proc/self/smaps_rollup", "r");
	long kb = 0, found;
	char line[256];

	need(in);
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, "AnonHugePages: %ld", &found) == 1 ||
		    sscanf(line, "Private_Hugetlb: %ld", &found) == 1)
			kb += found;
	fclose(in);
	return kb;
}

static void fill(char *p, uint64_t mark)
{
	for (size_t i = 0; i < PIECES; i++)
		*(volatile uint64_t *)(p + i * PAGE) = mark + i;
}

/* So many pages of it, aligned, touched in each piece. */
static char *get(size_t pages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (hugetlb ? MAP_HUGETLB : 0);
	size_t bytes = pages * HUGE;
	long before = huge_kb();
	char *p;

	p = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	need(p != MAP_FAILED);
	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	if (!hugetlb)
		need(!madvise(p, bytes, MADV_HUGEPAGE));
	for (size_t i = 0; i < pages; i++)
		fill(p + i * HUGE, MARK);
	need(huge_kb() - before >= (long)(bytes / 1024));
	return p;
}

enum access { READ, WRITE };

/* In how many pieces can this still be done? */
static int possible(char *p, enum access access)
{
	volatile int quiet = 0;
	volatile size_t i;

	for (i = 0; i < PIECES; i++) {
		if (sigsetjmp(after_fault, 1))
			continue;
		if (access == WRITE)
			p[i * PAGE] = 1;
		else
			(void)*(volatile char *)(p + i * PAGE);
		quiet++;
	}
	return quiet;
}

/* How many pieces are not as they should be? @mark 0: all zero. */
static int wrong(char *p, uint64_t mark)
{
	int n = 0;

	for (size_t i = 0; i < PIECES; i++)
		n += *(volatile uint64_t *)(p + i * PAGE) !=
		     (mark ? mark + i : 0);
	return n;
}

static void none(int n, const char *what)
{
	char name[128];

	snprintf(name, sizeof(name), "%s: %s", kind, what);
	check(!n, name, "%d of %d pieces", n, PIECES);
}

static void check_taken_away(void)
{
	char *p = get(4), *q;

	need(!madvise(p, HUGE, MADV_DONTNEED));
	none(wrong(p, 0), "after MADV_DONTNEED it is zero");
	need(!munmap(p + HUGE, HUGE));
	none(possible(p + HUGE, READ), "after munmap it can't be read");
	q = mmap(p + HUGE, HUGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	need(q == p + HUGE);
	none(wrong(q, 0), "what is mapped in its place is new");
	need(!mprotect(p + 2 * HUGE, HUGE, PROT_READ));
	none(possible(p + 2 * HUGE, WRITE), "PROT_READ refuses writes");
	none(wrong(p + 2 * HUGE, MARK), "and nothing was written");
	need(!mprotect(p + 3 * HUGE, HUGE, PROT_NONE));
	none(possible(p + 3 * HUGE, READ), "PROT_NONE refuses reads");
	need(!mprotect(p + 3 * HUGE, HUGE, PROT_READ | PROT_WRITE));
	none(wrong(p + 3 * HUGE, MARK), "and lost nothing");
	need(!munmap(p, 4 * HUGE));
	none(possible(p + 3 * HUGE, WRITE), "after munmap it can't be written");
}

static void check_moved(void)
{
	char *p = get(1), *there = get(1), *q;

	q = mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	if (hugetlb && q == MAP_FAILED) {
		none(wrong(p, MARK), "it does not move");
	} else {
		need(q == there);
		none(possible(p, READ), "after mremap it left its old place");
		none(wrong(q, MARK), "and is in the new one");
	}
	munmap(p, HUGE);
	munmap(there, HUGE);
}

/* Both write, each to its own from then on, in one order and the other. */
static void check_fork(int parent_first)
{
	char *p = get(1), name[64];
	int go[2], status;
	char byte;
	pid_t pid;

	need(!pipe(go));
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		if (parent_first)
			need(read(go[0], &byte, 1) == 1);
		if (wrong(p, MARK))
			_exit(1);
		fill(p, MARK + 0x10000);
		_exit(wrong(p, MARK + 0x10000) ? 2 : 0);
	}
	if (parent_first) {
		fill(p, MARK + 0x20000);
		need(write(go[1], "x", 1) == 1);
	}
	status = wait_for(pid);
	snprintf(name, sizeof(name), "%s: fork copies, the %s writes first",
		 kind, parent_first ? "parent" : "child");
	check(!status && !wrong(p, parent_first ? MARK + 0x20000 : MARK),
	      name, "child's status %d, %d pieces wrong here", status,
	      wrong(p, parent_first ? MARK + 0x20000 : MARK));
	close(go[0]);
	close(go[1]);
	munmap(p, HUGE);
}

/* One is made of many, many of one, and something is taken away of each. */
static void check_split_and_collapsed(void)
{
	char *p = get(2);

	need(!munmap(p + 7 * PAGE, PAGE));
	check(possible(p, READ) == PIECES - 1, "split: one piece is gone, "
	      "the others stay", "%d can be read", possible(p, READ));
	need(!madvise(p, HUGE, MADV_DONTNEED) || errno == ENOMEM);
	check(possible(p, READ) == PIECES - 1, "split: all are empty",
	      "%d can be read", possible(p, READ));
	fill(p + HUGE, MARK);
	need(!mprotect(p + HUGE + 9 * PAGE, PAGE, PROT_READ));
	check(possible(p + HUGE, WRITE) == PIECES - 1,
	      "split: one piece refuses writes", "%d can be written",
	      possible(p + HUGE, WRITE));
	munmap(p, 2 * HUGE);

	p = get(1);
	need(!madvise(p, HUGE, MADV_NOHUGEPAGE));
	need(!madvise(p, HUGE, MADV_DONTNEED));
	fill(p, MARK + 0x30000);
	need(!madvise(p, HUGE, MADV_HUGEPAGE));
	need(!madvise(p, HUGE, MADV_COLLAPSE));
	none(wrong(p, MARK + 0x30000), "collapsed, it has what it had");
	need(!mprotect(p, HUGE, PROT_READ));
	none(possible(p, WRITE), "collapsed, PROT_READ refuses writes");
	need(!munmap(p, HUGE));
	none(possible(p, READ), "collapsed, munmap takes it away");
}

static void reserve(int pages)
{
	FILE *out = fopen("/proc/sys/vm/nr_hugepages", "w");

	need(out);
	need(fprintf(out, "%d\n", pages) > 0);
	need(!fclose(out));
}

int main(void)
{
	on_signal(SIGSEGV, SA_NODEFER, leave_fault);
	on_signal(SIGBUS, SA_NODEFER, leave_fault);
	for (hugetlb = 0; hugetlb < 2; hugetlb++) {
		kind = hugetlb ? "hugetlb" : "transparent";
		if (hugetlb)
			reserve(16);
		check_taken_away();
		check_moved();
		check_fork(0);
		check_fork(1);
		if (!hugetlb)
			check_split_and_collapsed();
	}
	reserve(0);
	return done();
}
