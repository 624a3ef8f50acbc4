// SPDX-License-Identifier: GPL-2.0
/* memory [MEGABYTES]: what mmap and its family promise, contents included. */
#include "check.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>

#define PAGE		4096UL
#define MB		(1UL << 20)
#define COW_BYTES	(24 * MB)

static sigjmp_buf after_fault;

static void leave_fault(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	siglongjmp(after_fault, sig);
}

/* The signal that touching the byte raises, or 0. */
static int touch(volatile char *byte, int write)
{
	int sig = sigsetjmp(after_fault, 1);

	if (!sig) {
		if (write)
			*byte = *byte;
		else
			(void)*byte;
	}
	return sig;
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

static void fill(uint32_t *words, size_t bytes, uint32_t seed)
{
	for (size_t i = 0; i < bytes / 4; i++)
		words[i] = (i + seed) * 0x9e3779b1;
}

static size_t wrong_words(uint32_t *words, size_t bytes, uint32_t seed)
{
	size_t wrong = 0;

	for (size_t i = 0; i < bytes / 4; i++)
		wrong += words[i] != (uint32_t)((i + seed) * 0x9e3779b1);
	return wrong;
}

static size_t nonzero_words(uint32_t *words, size_t bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes / 4; i++)
		count += words[i] != 0;
	return count;
}

static void check_big(size_t bytes)
{
	char *p = map(bytes), *page, *half = p + bytes / 2;
	size_t wrong, quiet = 0;

	wrong = nonzero_words((void *)half, bytes / 16);
	check(!wrong, "fresh memory reads as zero", "%zu words do not", wrong);
	fill((void *)p, bytes, 1);
	wrong = wrong_words((void *)p, bytes, 1);
	check(!wrong, "a big mapping keeps its contents", "%zu words wrong",
	      wrong);

	need(!mprotect(p, bytes / 2, PROT_READ));
	for (page = p; page < half; page += 64 * PAGE)
		quiet += touch(page, 1) != SIGSEGV;
	check(!quiet, "read-only pages refuse writes", "%zu took them", quiet);
	need(!mprotect(p, bytes / 2, PROT_NONE));
	for (page = p, quiet = 0; page < half; page += 64 * PAGE)
		quiet += touch(page, 0) != SIGSEGV;
	check(!quiet, "PROT_NONE pages refuse reads", "%zu gave them", quiet);
	need(!mprotect(p, bytes / 2, PROT_READ | PROT_WRITE));
	wrong = wrong_words((void *)p, bytes, 1);
	check(!wrong, "and nothing was lost by that", "%zu words wrong", wrong);

	/* Holes: every other page of one part. */
	for (page = half; page < half + 512 * PAGE; page += 2 * PAGE)
		need(!munmap(page, PAGE));
	for (page = half, quiet = 0, wrong = 0; page < half + 512 * PAGE;
	     page += 2 * PAGE) {
		quiet += touch(page, 0) != SIGSEGV;
		wrong += wrong_words((void *)(page + PAGE), PAGE,
				     1 + (page + PAGE - p) / 4);
	}
	check(!quiet && !wrong, "munmap takes these pages and no others",
	      "%zu unmapped pages readable, %zu words wrong", quiet, wrong);
	need(!munmap(p, bytes));
	check(touch(p, 0) == SIGSEGV && touch(p + bytes - 1, 0) == SIGSEGV,
	      "after munmap of it all nothing is there", "it can be read");
}

static void check_small_and_often(void)
{
	size_t wrong = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t *p = map(4 * PAGE);

		wrong += nonzero_words(p, 4 * PAGE);
		p[0] = p[1024] = p[4095] = i;
		need(!mprotect(p, PAGE, PROT_READ));
		wrong += p[0] != i || p[1024] != i || p[4095] != i;
		need(!munmap(p, 4 * PAGE));
	}
	check(!wrong, "2000 small mappings, one after the other",
	      "%zu words wrong", wrong);
}

static void check_copy_on_write(void)
{
	uint32_t *p = map(COW_BYTES);
	int go[2], status;
	size_t wrong;
	char byte;
	pid_t pid;

	fill(p, COW_BYTES, 5);
	need(!pipe(go));
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		/* Go on when the parent has overwritten its half. */
		need(read(go[0], &byte, 1) == 1);
		if (wrong_words(p, COW_BYTES, 5))
			_exit(1);
		fill(p, COW_BYTES, 6);
		_exit(wrong_words(p, COW_BYTES, 6) ? 2 : 0);
	}
	fill(p, COW_BYTES / 2, 7);
	need(write(go[1], "x", 1) == 1);
	status = wait_for(pid);
	wrong = wrong_words(p, COW_BYTES / 2, 7) +
		wrong_words(p + COW_BYTES / 8, COW_BYTES / 2,
			    5 + COW_BYTES / 8);
	check(!wrong && !status, "fork copies on write, for both",
	      "%zu words wrong here, the child's status is %d", wrong, status);
	close(go[0]);
	close(go[1]);
	munmap(p, COW_BYTES);
}

static void check_remap(void)
{
	size_t bytes = 8 * MB, wrong;
	char *there = map(4 * bytes), *p = map(bytes), *q;

	fill((void *)p, bytes, 9);
	q = mremap(p, bytes, 2 * bytes, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	need(q == there);
	wrong = wrong_words((void *)q, bytes, 9) +
		nonzero_words((void *)(q + bytes), bytes);
	check(!wrong && touch(p, 0) == SIGSEGV,
	      "mremap moves and grows, and leaves nothing behind",
	      "%zu words wrong, signal at the old place %d", wrong,
	      touch(p, 0));
	q = mremap(q, 2 * bytes, bytes, 0);
	check(q == there && touch(q + bytes, 0) == SIGSEGV &&
	      !wrong_words((void *)q, bytes, 9), "and shrinks", "%p", q);
	munmap(there, 4 * bytes);
}

static void check_advice(void)
{
	size_t bytes = 16 * MB, wrong;
	char *p = map(bytes);

	fill((void *)p, bytes, 11);
	need(!madvise(p + 4 * MB, 8 * MB, MADV_DONTNEED));
	wrong = nonzero_words((void *)(p + 4 * MB), 8 * MB);
	check(!wrong, "MADV_DONTNEED makes zeroes", "%zu words are not",
	      wrong);
	wrong = wrong_words((void *)p, 4 * MB, 11) +
		wrong_words((void *)(p + 12 * MB), 4 * MB, 11 + 3 * MB);
	check(!wrong, "and spares the neighbours", "%zu words wrong", wrong);
	munmap(p, bytes);
}

/* Whether the page was written since "4" went to clear_refs. */
static int soft_dirty(char *page)
{
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	need(fd >= 0);
	need(pread(fd, &entry, 8, (uintptr_t)page / PAGE * 8) == 8);
	close(fd);
	return entry >> 55 & 1;
}

/* The kernel takes write permission away behind our back, and sees. */
static void check_soft_dirty(void)
{
	size_t pages = 256, wrong = 0, i;
	char *p = map(pages * PAGE);
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	need(fd >= 0);
	/* A kernel for real time knows of none. */
	need(!madvise(p, pages * PAGE, MADV_NOHUGEPAGE) || errno == EINVAL);
	for (i = 0; i < pages; i++)
		p[i * PAGE] = i;
	need(write(fd, "4", 1) == 1);
	for (i = 0; i < pages; i += 3)
		p[i * PAGE]++;
	for (i = 0; i < pages; i++)
		wrong += soft_dirty(p + i * PAGE) != (i % 3 == 0) ||
			 p[i * PAGE] != (char)(i + (i % 3 == 0));
	check(!wrong, "the kernel sees which pages were written",
	      "%zu of %zu wrong", wrong, pages);
	close(fd);
	munmap(p, pages * PAGE);
}

static void check_code(void)
{
	/* mov $N, %eax; ret */
	static const unsigned char code[] = { 0xb8, 0, 0, 0, 0, 0xc3 };
	unsigned char *p = map(PAGE);
	int wrong = 0, sig;
	union {
		void *data;
		int (*call)(void);
	} f = { .data = p };

	memcpy(p, code, sizeof(code));
	sig = sigsetjmp(after_fault, 1);
	if (!sig)
		f.call();
	check(sig == SIGSEGV, "data is not executable", "signal %d", sig);
	for (int i = 0; i < 200; i++) {
		need(!mprotect(p, PAGE, PROT_READ | PROT_WRITE));
		p[1] = i;
		need(!mprotect(p, PAGE, PROT_READ | PROT_EXEC));
		wrong += f.call() != i;
	}
	check(!wrong, "code that was just written runs as it was written",
	      "%d of 200 wrong", wrong);
	munmap(p, PAGE);
}

int main(int argc, char **argv)
{
	size_t megabytes = argc > 1 ? atoi(argv[1]) : 200;

	on_signal(SIGSEGV, 0, leave_fault);
	check_big(megabytes * MB);
	check_small_and_often();
	check_copy_on_write();
	check_remap();
	check_advice();
	check_soft_dirty();
	check_code();
	return done();
}
