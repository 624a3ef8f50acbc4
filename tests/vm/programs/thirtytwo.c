// SPDX-License-Identifier: GPL-2.0
/* What 32-bit programs need; built static and dynamically linked. */
#include "check.h"
#include "vdso.h"
#include <asm/ldt.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <ucontext.h>

#define PAGE		4096
#define PROCESSES	4

static __thread long tls[8];
static sigjmp_buf after_fault;
static volatile sig_atomic_t arrived;
static siginfo_t last_info;
static greg_t last_trap;

static long int80(long nr, long a, long b, long c)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory");
	return result;
}

static void count(int sig)
{
	(void)sig;
	arrived++;
}

static void leave_fault(int sig, siginfo_t *info, void *context)
{
	last_info = *info;
	last_trap = ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO];
	siglongjmp(after_fault, sig);
}

static void check_system_calls(void)
{
	long ebx, ecx, edx, esi, edi, n, old_ebp, new_ebp;
	struct utsname name;
	char *p;

	n = int80(SYS_getpid, 0, 0, 0);
	check(n == getpid(), "int 0x80", "%ld, not %d", n, getpid());
	n = int80(SYS_close, 9999, 0, 0);
	check(n == -EBADF, "its errors are negative", "%ld", n);

	asm volatile("mov %%ebp, %[old]\n\t"
		     "int $0x80\n\t"
		     "mov %%ebp, %[new]"
		     : "=a"(n), "=b"(ebx), "=c"(ecx), "=d"(edx), "=S"(esi),
		       "=D"(edi), [old] "=m"(old_ebp), [new] "=m"(new_ebp)
		     : "0"(SYS_getppid), "b"(0xb1), "c"(0xc2), "d"(0xd3),
		       "S"(0x51), "D"(0xd1)
		     : "memory");
	check(ebx == 0xb1 && ecx == 0xc2 && edx == 0xd3 && esi == 0x51 &&
	      edi == 0xd1 && old_ebp == new_ebp && n == getppid(),
	      "int 0x80 keeps the registers", "%lx %lx %lx %lx %lx", ebx, ecx,
	      edx, esi, edi);

	/* Six arguments: the last one is in ebp. */
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED && !p[PAGE], "six arguments (mmap2)", "%p", p);
	need(!munmap(p, 2 * PAGE));
	need(!uname(&name));
	check(getauxval(AT_SYSINFO) != 0, "the vDSO has a way in",
	      "no AT_SYSINFO");
}

static void check_vdso(void)
{
	int (*clock_gettime32)(clockid_t, struct timespec *);
	struct timespec before, there, after;
	int wrong = 0;

	clock_gettime32 = vdso_symbol("__vdso_clock_gettime");
	check(clock_gettime32 != NULL, "the vDSO has clock_gettime",
	      "it has none");
	if (!clock_gettime32)
		return;
	for (int i = 0; i < 2000; i++) {
		int80(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&before, 0);
		wrong += clock_gettime32(CLOCK_MONOTONIC, &there) != 0;
		int80(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&after, 0);
		wrong += there.tv_sec < before.tv_sec ||
			 (there.tv_sec == before.tv_sec &&
			  there.tv_nsec < before.tv_nsec);
		wrong += there.tv_sec > after.tv_sec ||
			 (there.tv_sec == after.tv_sec &&
			  there.tv_nsec > after.tv_nsec);
	}
	check(!wrong, "vDSO time lies between two system calls' times",
	      "%d of 2000 do not", wrong);
}

static void *keep_tls(void *arg)
{
	long me = (long)arg, wrong = 0, i, j;

	for (i = 0; i < 500; i++) {
		for (j = 0; j < 8; j++)
			tls[j] = me * 1000 + i + j;
		sched_yield();
		for (j = 0; j < 8; j++)
			wrong += tls[j] != me * 1000 + i + j;
	}
	return (void *)wrong;
}

static void check_tls(void)
{
	pthread_t threads[6];
	long wrong = 0;
	void *result;

	for (long i = 0; i < 6; i++)
		need(!pthread_create(&threads[i], NULL, keep_tls, (void *)i));
	for (int i = 0; i < 6; i++) {
		need(!pthread_join(threads[i], &result));
		wrong += (long)result;
	}
	check(!wrong && !tls[0], "threads keep their TLS (through gs)",
	      "%ld words wrong", wrong);
}

static int load_fs(int selector)
{
	asm volatile("mov %0, %%fs" : : "r"(selector));
	return 0;
}

static uint32_t read_fs(uint32_t address)
{
	uint32_t value;

	asm volatile("movl %%fs:(%1), %0" : "=r"(value) : "r"(address));
	return value;
}

static int fs(void)
{
	int selector;

	asm volatile("mov %%fs, %0" : "=r"(selector));
	return selector & 0xffff;
}

static struct user_desc data_segment(int entry, void *base, int limit)
{
	return (struct user_desc) {
		.entry_number = entry,
		.base_addr = (uintptr_t)base,
		.limit = limit,
		.seg_32bit = 1,
		.useable = 1,
	};
}

/* Load fs, then see that it stays what it is while others do the same. */
static int wrong_fs_reads(int selector, uint32_t *words, uint32_t seed)
{
	int wrong = 0;

	words[0] = seed;
	words[3] = ~seed;
	load_fs(selector);
	for (int i = 0; i < 200; i++) {
		sched_yield();
		wrong += fs() != selector || read_fs(0) != seed ||
			 read_fs(12) != ~seed;
	}
	load_fs(0);
	return wrong;
}

/* Several processes: the same selector, each with another base. */
static int wrong_in_processes(int use_ldt)
{
	int wrong = 0, selector = 0;
	pid_t pids[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		need(pids[i] >= 0);
		if (pids[i])
			continue;
		uint32_t *words = malloc(PAGE * (i + 1));
		struct user_desc d = data_segment(use_ldt ? 5 : -1, words, 15);

		if (use_ldt) {
			need(!syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
			selector = 5 << 3 | 7;
		} else {
			need(!syscall(SYS_set_thread_area, &d));
			selector = d.entry_number << 3 | 3;
		}
		_exit(wrong_fs_reads(selector, words, 1000 + i) != 0);
	}
	for (int i = 0; i < PROCESSES; i++)
		wrong += wait_for(pids[i]) != 0;
	return wrong;
}

static void check_segments(void)
{
	static uint32_t words[4] = { 1, 2, 3, 4 };
	struct user_desc d = data_segment(3, words, 15);
	int n, sig;

	n = wrong_in_processes(0);
	check(!n, "set_thread_area: each process has its own segments",
	      "%d processes read wrong values", n);
	n = wrong_in_processes(1);
	check(!n, "modify_ldt: each process has its own LDT",
	      "%d processes read wrong values", n);

	need(!syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
	load_fs(3 << 3 | 7);
	check(read_fs(8) == 3, "an LDT segment has a base", "%u", read_fs(8));
	asm volatile("lsl %1, %0" : "=r"(n) : "r"(3 << 3 | 7));
	check(n == 15, "and a limit", "%d", n);
	load_fs(0);
	sig = sigsetjmp(after_fault, 1);
	if (!sig)
		load_fs(100 << 3 | 7);
	check(sig == SIGSEGV && last_trap == 13,
	      "a selector beyond the LDT's end faults", "signal %d, trap %ld",
	      sig, (long)last_trap);
}

struct far_pointer {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed));

/*
 * A far jump into a code segment of our own, whose base is that page, and
 * back. Not a call: QEMU 7.2 pushes a far call's return address with the
 * kernel's rights, which oopses.
 */
static void check_code_segment(void)
{
	/* mov %cs, %eax; ljmp *0(%edx) */
	static const unsigned char code[] = { 0x8c, 0xc8, 0xff, 0x2a };
	struct user_desc d = data_segment(7, NULL, PAGE - 1);
	struct far_pointer there = { 0x10, 7 << 3 | 7 }, back;
	unsigned char *page;
	long cs;

	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(page != MAP_FAILED);
	memcpy(page + 0x10, code, sizeof(code));
	d.base_addr = (uintptr_t)page;
	d.contents = MODIFY_LDT_CONTENTS_CODE;
	need(!syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
	asm volatile("mov %%cs, 4(%[back])\n\t"
		     "call 1f\n"
		     "1:\tpop %%eax\n\t"
		     "add $2f - 1b, %%eax\n\t"
		     "mov %%eax, (%[back])\n\t"
		     "ljmp *(%[there])\n"
		     "2:"
		     : "=&a"(cs)
		     : [there] "r"(&there), [back] "d"(&back)
		     : "memory");
	check((cs & 0xffff) == (7 << 3 | 7), "a far jump into the LDT",
	      "cs was %#lx there", cs);
	munmap(page, PAGE);
}

static void check_signals(void)
{
	struct itimerval timer = { { 0, 5000 }, { 0, 5000 } };
	struct sigaction old_style = { .sa_handler = count };
	int sig;
	char *page;

	/* Without SA_SIGINFO the way back is sigreturn, else rt_sigreturn. */
	need(!sigaction(SIGALRM, &old_style, NULL));
	need(!setitimer(ITIMER_REAL, &timer, NULL));
	while (arrived < 20)
		;
	timer.it_value.tv_usec = 0;
	need(!setitimer(ITIMER_REAL, &timer, NULL));
	check(1, "a spinning program takes its alarms", "it does not");

	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(page != MAP_FAILED);
	sig = sigsetjmp(after_fault, 1);
	if (!sig)
		*(volatile int *)(page + 0x123) = 1;
	check(sig == SIGSEGV && last_info.si_addr == page + 0x123 &&
	      last_info.si_code == SEGV_ACCERR,
	      "a SIGSEGV says where and why", "signal %d, address %p, code %d",
	      sig, last_info.si_addr, last_info.si_code);
}

/* A base in the upper half is as good as a negative one: sums end at 4 GB. */
static void check_negative_base(void)
{
	struct user_desc d = data_segment(6, (void *)0x80000000, 0xfffff);
	static volatile uint32_t word;
	uintptr_t offset = (uintptr_t)&word - 0x80000000;

	d.limit_in_pages = 1;
	need(!syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
	need(!ioperm(0x2e0, 4, 1));	/* nobody is there */
	on_signal(SIGALRM, 0, leave_fault);
	if (!sigsetjmp(after_fault, 1)) {
		alarm(10);
		asm volatile("push %%es\n\t"
			     "mov %w1, %%es\n\t"
			     "insl\n\t"
			     "pop %%es"
			     : "+D"(offset)
			     : "r"(6 << 3 | 7), "d"(0x2e0)
			     : "memory");
	}
	alarm(0);
	check(word == ~0u, "ins at a negative base", "%x", word);
}

int main(void)
{
	on_signal(SIGSEGV, 0, leave_fault);
	check_system_calls();
	check_vdso();
	check_tls();
	check_segments();
	check_code_segment();
	check_negative_base();
	check_signals();
	return done();
}
