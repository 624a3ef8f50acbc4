// SPDX-License-Identifier: GPL-2.0
/*
 * Switches of the CPU that the kernel turns and a program feels: may it read
 * the time stamp counter, are there AVX registers, may it write its segment
 * bases, and on which CPU is it.
 */
#include <cpuid.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "check.h"
#include "vdso.h"

#define OSXSAVE		(1u << 27)
#define AVX		(1u << 28)
#define RDTSCP		(1u << 27)

static sigjmp_buf again;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	siglongjmp(again, sig);
}

/* The signal that an instruction raised, or 0. */
#define RAISES(...) ({							\
	int raised = sigsetjmp(again, 1);				\
	if (!raised)							\
		asm volatile(__VA_ARGS__);				\
	raised;								\
})

static int signal_of_rdtsc(void)
{
	return RAISES("rdtsc" : : : "eax", "edx");
}

static int has_rdtscp(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d & RDTSCP;
}

static int signal_of_rdtscp(void)
{
	return RAISES("rdtscp" : : : "eax", "ecx", "edx");
}

/* PR_SET_TSC is this process's, and its children's. */
static void hide_the_counter(void)
{
	int told = 0;
	pid_t child;

	check(!signal_of_rdtsc(), "rdtsc works", "no");
	need(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
	need(!prctl(PR_GET_TSC, &told, 0, 0, 0) && told == PR_TSC_SIGSEGV);
	check(signal_of_rdtsc() == SIGSEGV, "rdtsc as told", "no SIGSEGV");
	if (has_rdtscp())
		check(signal_of_rdtscp() == SIGSEGV, "rdtscp as told",
		      "no SIGSEGV");
	for (int i = 0; i < 1000; i++)
		need(syscall(SYS_getppid) > 0);
	check(signal_of_rdtsc() == SIGSEGV, "a thousand calls later", "no");
	child = fork();
	if (!child)
		_exit(signal_of_rdtsc());
	check(wait_for(child) == SIGSEGV, "in a child", "no SIGSEGV");
	need(!prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
	check(!signal_of_rdtsc(), "rdtsc works again", "no");
}

/* One process may not, the other may, and they take turns on the CPU. */
static void hide_it_from_one(void)
{
	int may = 0, may_not = 0;
	pid_t child = fork();

	if (!child) {
		need(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
		for (int i = 0; i < 200; i++, sched_yield())
			may_not += signal_of_rdtsc() == SIGSEGV;
		_exit(may_not != 200);
	}
	for (int i = 0; i < 200; i++, sched_yield())
		may += !signal_of_rdtsc();
	check(!wait_for(child), "hidden from a neighbour", "not always");
	check(may == 200, "and from it alone", "%d of 200", may);
}

static void tell_the_cpu(void)
{
	int (*getcpu)(unsigned int *, unsigned int *, void *) =
		vdso_symbol("__vdso_getcpu");
	unsigned int aux, cpu, node, wrong = 0, wrong_vdso = 0;

	for (int i = 0; i < 2000; i++) {
		need(!syscall(SYS_getcpu, &cpu, &node, NULL));
		asm volatile("rdtscp" : "=c" (aux) : : "eax", "edx");
		wrong += aux != (node << 12 | cpu);
		aux = ~0u;
		if (getcpu && !getcpu(&aux, NULL, NULL))
			wrong_vdso += aux != cpu;
		if (i % 100 == 99)
			sleep_ns(1000000);
	}
	/* Between two questions it may be moved. */
	check(wrong < 20, "rdtscp and getcpu() agree", "%u of 2000: %x", wrong,
	      aux);
	check(wrong_vdso < 20, "and the vDSO's", "%u of 2000", wrong_vdso);
}

/* By hand: the C library's would clear what is to be kept. */
static void yield(void)
{
	unsigned long answer;

#ifdef __x86_64__
	asm volatile("syscall" : "=a" (answer) : "a" (SYS_sched_yield)
		     : "rcx", "r11", "memory");
#else
	asm volatile("int $0x80" : "=a" (answer) : "a" (SYS_sched_yield)
		     : "memory");
#endif
}

__attribute__((target("sse2"))) static int keeps_ymm(uint32_t seed)
{
	uint32_t in[8], out[8];
	int i, j, kept = 0;

	for (i = 0; i < 300; i++) {
		for (j = 0; j < 8; j++)
			in[j] = scramble(seed++);
		asm volatile("vmovdqu %0, %%ymm5" : : "m" (in) : "xmm5");
		for (j = 0; j < 3; j++)
			yield();
		asm volatile("vmovdqu %%ymm5, %0" : "=m" (out));
		kept += !memcmp(in, out, sizeof(in));
	}
	return kept == 300;
}

static void promise_vectors(void)
{
	unsigned int a, b, c, d;
	pid_t children[4];
	int i, kept = 0;

	need(__get_cpuid(1, &a, &b, &c, &d));
	if (!(c & OSXSAVE)) {
		check(RAISES("xgetbv" : : "c" (0) : "eax", "edx") == SIGILL,
		      "no OSXSAVE, no xgetbv", "no SIGILL");
		check(RAISES("vzeroupper") == SIGILL, "and no AVX",
		      "no SIGILL");
		return;
	}
	asm volatile("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	check((a & 3) == 3, "xgetbv", "%x", a);
	if (!(c & AVX) || !(a & 4))
		return;
	for (i = 0; i < 4; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(!keeps_ymm(i << 20));
	}
	for (i = 0; i < 4; i++)
		kept += !wait_for(children[i]);
	check(kept == 4, "AVX registers are kept", "in %d of 4", kept);
}

int main(void)
{
	on_signal(SIGSEGV, 0, note);
	on_signal(SIGILL, 0, note);
	hide_the_counter();
	hide_it_from_one();
	if (has_rdtscp())
		tell_the_cpu();
	promise_vectors();
	return done();
}
