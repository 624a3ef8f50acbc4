// SPDX-License-Identifier: GPL-2.0
/*
 * fpu [SECONDS]: several processes at once, each with its own x87, SSE, AVX
 * (and AVX-512) registers, which must survive whatever comes between.
 * Compiled so that the compiler itself never uses these registers.
 */
#include "check.h"
#include <cpuid.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#define PROCESSES	6
#define AREA		4096
#define X87		1
#define SSE		2
#define AVX		4
#define AVX512		0xe0
#define HEADER		512	/* of the xsave area; first what is in use */
#define NUM_XMM		(BITS == 64 ? 16 : 8)

struct area {
	unsigned char bytes[AREA];
} __attribute__((aligned(64)));

static uint32_t states;		/* bits of XCR0 */
static uint32_t offset[8], size[8];
static volatile int handler_ran, handler_found_dirt;

/* What through() works on; the assembly knows the offsets. */
struct passage {
	long nr, arg1, arg2, result;	/* the system call */
	long spins;			/* loop that often before it */
	struct area *in, *out;
	long states;
};

/* Load the registers, let time pass, make a system call, store them. */
static __attribute__((noinline)) void through(struct passage *passage)
{
	static const uint32_t mxcsr = 0x1f80;

#ifdef __x86_64__
	asm volatile("mov 56(%%rbx), %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "mov 40(%%rbx), %%rcx\n\t"
		     "xrstor (%%rcx)\n"
		     "1:\tdecq 32(%%rbx)\n\t"
		     "jg 1b\n\t"
		     "mov (%%rbx), %%rax\n\t"
		     "mov 8(%%rbx), %%rdi\n\t"
		     "mov 16(%%rbx), %%rsi\n\t"
		     "syscall\n\t"
		     "mov %%rax, 24(%%rbx)\n\t"
		     "mov 56(%%rbx), %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "mov 48(%%rbx), %%rcx\n\t"
		     "xsave (%%rcx)\n\t"
		     "fninit\n\t"
		     "ldmxcsr %[mxcsr]"
		     :
		     : "b"(passage), [mxcsr] "m"(mxcsr)
		     : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory");
#else
	asm volatile("mov 28(%%esi), %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "mov 20(%%esi), %%ecx\n\t"
		     "xrstor (%%ecx)\n"
		     "1:\tdecl 16(%%esi)\n\t"
		     "jg 1b\n\t"
		     "mov (%%esi), %%eax\n\t"
		     "mov 4(%%esi), %%ebx\n\t"
		     "mov 8(%%esi), %%ecx\n\t"
		     "int $0x80\n\t"
		     "mov %%eax, 12(%%esi)\n\t"
		     "mov 28(%%esi), %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "mov 24(%%esi), %%ecx\n\t"
		     "xsave (%%ecx)\n\t"
		     "fninit\n\t"
		     "ldmxcsr %[mxcsr]"
		     :
		     : "S"(passage), [mxcsr] "m"(mxcsr)
		     : "eax", "ebx", "ecx", "edx", "memory");
#endif
}

static void find_states(void)
{
	uint32_t a, b, c, d;

	need(__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE);
	asm volatile("xgetbv" : "=a"(states) : "c"(0) : "edx");
	states &= X87 | SSE | AVX | AVX512;
	for (int i = 2; i < 8; i++) {
		if (!(states & 1 << i))
			continue;
		need(__get_cpuid_count(0xd, i, &size[i], &offset[i], &c, &d));
		need(offset[i] + size[i] <= AREA);
	}
}

/* Numbers of its own for each seed, in every register. */
static void fill(struct area *area, uint32_t seed)
{
	uint32_t in_use = states;
	uint16_t control = 0x37f ^ (seed & 3) << 10;	/* rounding */
	uint32_t mxcsr = 0x1f80 ^ (seed & 3) << 13;

	for (int i = 0; i < AREA; i++)
		area->bytes[i] = scramble(seed * AREA + i);
	memset(area->bytes, 0, 32);
	memset(area->bytes + HEADER, 0, 64);
	memcpy(area->bytes, &control, 2);
	area->bytes[4] = 0xff;		/* no x87 register is empty */
	memcpy(area->bytes + 24, &mxcsr, 4);
	memcpy(area->bytes + HEADER, &in_use, 4);
}

static int differences(struct area *a, struct area *b)
{
	int wrong = 0, i;

	wrong += memcmp(a->bytes, b->bytes, 2) != 0;
	wrong += a->bytes[4] != b->bytes[4];
	wrong += memcmp(a->bytes + 24, b->bytes + 24, 4) != 0;
	for (i = 0; i < 8; i++)
		wrong += memcmp(a->bytes + 32 + 16 * i,
				b->bytes + 32 + 16 * i, 10) != 0;
	for (i = 0; i < NUM_XMM; i++)
		wrong += memcmp(a->bytes + 160 + 16 * i,
				b->bytes + 160 + 16 * i, 16) != 0;
	/* The upper halves: as many as there are xmm registers. */
	for (i = 0; i < NUM_XMM && states & AVX; i++)
		wrong += memcmp(a->bytes + offset[2] + 16 * i,
				b->bytes + offset[2] + 16 * i, 16) != 0;
	for (i = 5; i < 8; i++)
		if (size[i] && BITS == 64)
			wrong += memcmp(a->bytes + offset[i],
					b->bytes + offset[i], size[i]) != 0;
	return wrong;
}

/* A handler starts with clean registers, and may leave them dirty. */
static void clobber(int sig, siginfo_t *info, void *context)
{
	static struct area dirt, before;
	static const uint16_t clean_control = 0x37f;
	static const uint32_t clean_mxcsr = 0x1f80;

	(void)sig, (void)info, (void)context;
	if (!handler_ran)
		fill(&dirt, 12345);
	asm volatile("xsave %0" : "=m"(before) : "a"(states), "d"(0));
	handler_found_dirt += memcmp(before.bytes, &clean_control, 2) != 0 ||
		memcmp(before.bytes + 24, &clean_mxcsr, 4) != 0;
	handler_ran++;
	asm volatile("xrstor %0" : : "m"(dirt), "a"(states), "d"(0));
}

static int wrong_after(struct area *in, long nr, long arg1, long arg2,
		       long spins, long *result)
{
	static struct area out;
	struct passage passage = { nr, arg1, arg2, 0, spins, in, &out, states };

	memset(&out, 0, sizeof(out));
	through(&passage);
	*result = passage.result;
	return differences(in, &out);
}

struct report {
	int rounds, wrong_spinning, wrong_yielding, wrong_sleeping;
	int wrong_forking, signals, dirt;
	long preempted;
};

static void work(int me, int64_t until, struct report *report)
{
	struct itimerval timer = { { 0, 3000 }, { 0, 3000 } };
	struct timespec nap = { .tv_nsec = 1000 };
	struct rusage usage;
	struct area in;
	long result;

	on_signal(SIGALRM, SA_RESTART, clobber);
	need(!setitimer(ITIMER_REAL, &timer, NULL));
	while (now_ns() < until) {
		fill(&in, me * 1000 + report->rounds++);
		report->wrong_spinning += wrong_after(&in, SYS_getpid, 0, 0,
						      100000, &result);
		report->wrong_yielding += wrong_after(&in, SYS_sched_yield,
						      0, 0, 0, &result);
		report->wrong_sleeping += wrong_after(&in, SYS_nanosleep,
						      (long)&nap, 0, 0,
						      &result);
		if (report->rounds % 8)
			continue;
		result = 0;
		report->wrong_forking += wrong_after(&in, SYS_fork, 0, 0, 0,
						     &result);
		if (!result)
			_exit(report->wrong_forking != 0);
		report->wrong_forking += wait_for(result) != 0;
	}
	timer.it_value.tv_usec = 0;
	need(!setitimer(ITIMER_REAL, &timer, NULL));
	need(!getrusage(RUSAGE_SELF, &usage));
	report->preempted = usage.ru_nivcsw;
	report->signals = handler_ran;
	report->dirt = handler_found_dirt;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 3;
	struct report report, sum = { 0 }, least = { .rounds = 1 << 30 };
	int64_t until = now_ns() + seconds * 1000000000LL;
	int fds[2], i;
	cpu_set_t cpu0;
	char names[64];

	find_states();
	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	need(!sched_setaffinity(0, sizeof(cpu0), &cpu0));
	need(!pipe(fds));
	least.preempted = least.signals = least.rounds;
	for (i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (!pid) {
			memset(&report, 0, sizeof(report));
			work(i, until, &report);
			_exit(write(fds[1], &report, sizeof(report)) < 0);
		}
	}
	close(fds[1]);
	for (i = 0; read(fds[0], &report, sizeof(report)) > 0; i++) {
		sum.wrong_spinning += report.wrong_spinning;
		sum.wrong_yielding += report.wrong_yielding;
		sum.wrong_sleeping += report.wrong_sleeping;
		sum.wrong_forking += report.wrong_forking;
		sum.dirt += report.dirt;
		if (report.rounds < least.rounds)
			least.rounds = report.rounds;
		if (report.preempted < least.preempted)
			least.preempted = report.preempted;
		if (report.signals < least.signals)
			least.signals = report.signals;
	}
	snprintf(names, sizeof(names), "x87, SSE%s%s",
		 states & AVX ? ", AVX" : "", states & AVX512 ? "-512" : "");
	check(i == PROCESSES && least.rounds > 2 && least.preempted > 2 &&
	      least.signals > 2, "processes with FPU contents take turns",
	      "%d reports; least: %d rounds, %ld preempted, %d signals", i,
	      least.rounds, least.preempted, least.signals);
	check(states & AVX, names, "XCR0 has %#x only", states);
	check(!sum.wrong_spinning, "registers survive preemption and signals",
	      "%d differ", sum.wrong_spinning);
	check(!sum.wrong_yielding, "registers survive sched_yield",
	      "%d differ", sum.wrong_yielding);
	check(!sum.wrong_sleeping, "registers survive sleep", "%d differ",
	      sum.wrong_sleeping);
	check(!sum.wrong_forking, "a forked child has them too", "%d differ",
	      sum.wrong_forking);
	check(!sum.dirt, "signal handlers start with clean registers",
	      "%d did not", sum.dirt);
	return done();
}
