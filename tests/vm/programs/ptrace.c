// SPDX-License-Identifier: GPL-2.0
/* A debugger's tools: steps, registers, and three kinds of breakpoint. */
#include "check.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#define STEPS		1000
#define DEBUGREG(n)	((void *)(offsetof(struct user, u_debugreg) + 8 * (n)))
#define DR7_EXEC0	1UL
#define DR7_WRITE1	(1UL << 2 | 1UL << 20 | 2UL << 22)	/* 8 bytes */

/* Code to step through: its addresses are known from its labels. */
asm(".pushsection .text\n"
	"many_nops:\n\t"
	".rept 1000\n\t"
	"nop\n\t"
	".endr\n\t"
	"ret\n"
	"mixture:\n\t"
	"mov $39, %eax\n"		/* getpid */
	"mixture1:\n\t"
	"syscall\n"
	"mixture2:\n\t"
	"pushf\n"
	"mixture3:\n\t"
	"pop %rbx\n"
	"mixture4:\n\t"
	"call mixture6\n"
	"mixture5:\n\t"
	"nop\n"
	"mixture6:\n\t"
	"jmp mixture7\n\t"
	"nop\n"
	"mixture7:\n\t"
	"int3\n"
	".popsection");
extern char many_nops[], mixture[], mixture1[], mixture2[], mixture3[],
	mixture4[], mixture6[], mixture7[];

static volatile long watched;

static __attribute__((noinline)) long target(long n)
{
	asm volatile("");
	return n + 1;
}

static struct user_regs_struct registers(pid_t pid)
{
	struct user_regs_struct regs;

	need(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	return regs;
}

static void set_rip(pid_t pid, void *rip)
{
	struct user_regs_struct regs = registers(pid);

	regs.rip = (uintptr_t)rip;
	regs.orig_rax = -1;
	need(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
}

/* Let the child go on in that way; answer the signal it stops with. */
static int go(int request, pid_t pid)
{
	int status;

	need(!ptrace(request, pid, NULL, NULL));
	need(waitpid(pid, &status, 0) == pid);
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 1000;
}

/* A stopped child that is traced, and would then run work(). */
static pid_t start(void (*work)(void))
{
	pid_t pid = fork();
	int status;

	need(pid >= 0);
	if (!pid) {
		need(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		work();
		_exit(42);
	}
	need(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	need(!ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD));
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void do_nothing(void)
{
}

static void check_steps(void)
{
	char *expected[] = { mixture1, mixture2, mixture3, mixture4, mixture6,
			     mixture7 };
	pid_t pid = start(do_nothing);
	struct user_regs_struct regs;
	int i, sig = 0, bad = -1;
	siginfo_t info;

	set_rip(pid, many_nops);
	for (i = 0; i < STEPS && bad < 0; i++) {
		sig = go(PTRACE_SINGLESTEP, pid);
		regs = registers(pid);
		if (sig != SIGTRAP ||
		    regs.rip != (uintptr_t)many_nops + i + 1)
			bad = i;
	}
	check(bad < 0, "1000 single steps are one instruction each",
	      "step %d: signal %d, at %+lld", bad, sig,
	      (long long)(regs.rip - (uintptr_t)many_nops));
	need(!ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	check(info.si_code == TRAP_TRACE, "a step says that it is one",
	      "si_code %d", info.si_code);

	set_rip(pid, mixture);
	for (i = 0, bad = -1; i < (int)ARRAY_SIZE(expected) && bad < 0; i++) {
		sig = go(PTRACE_SINGLESTEP, pid);
		regs = registers(pid);
		if (sig != SIGTRAP || regs.rip != (uintptr_t)expected[i])
			bad = i;
		if (expected[i] == mixture2 && regs.rax != (unsigned int)pid)
			bad = i;
	}
	check(bad < 0, "steps over syscall, pushf, call and jmp",
	      "step %d: signal %d, at %+lld, rax %lld", bad, sig,
	      (long long)(regs.rip - (uintptr_t)mixture),
	      (long long)regs.rax);
	sig = go(PTRACE_CONT, pid);
	regs = registers(pid);
	check(sig == SIGTRAP && regs.rip == (uintptr_t)mixture7 + 1,
	      "an int3 stops behind itself", "signal %d, at %+lld", sig,
	      (long long)(regs.rip - (uintptr_t)mixture7));
	stop(pid);
}

static void show_registers(void)
{
	long rbx, rsi;

	asm volatile("mov $0x33, %%r13\n\t"
		     "mov $0x44, %%r14\n\t"
		     "mov $0x55, %%r15\n\t"
		     "int3"
		     : "=b"(rbx), "=S"(rsi)
		     : "0"(0x11), "1"(0x22)
		     : "r13", "r14", "r15", "memory");
	_exit(rbx == 0x1000000000011 && rsi == 0x1000000000022 ? 77 : 1);
}

static void check_registers(void)
{
	struct user_fpregs_struct fp;
	struct user_regs_struct regs;
	pid_t pid = start(show_registers);
	int sig;

	sig = go(PTRACE_CONT, pid);
	regs = registers(pid);
	check(sig == SIGTRAP && regs.rbx == 0x11 && regs.rsi == 0x22 &&
	      regs.r13 == 0x33 && regs.r14 == 0x44 && regs.r15 == 0x55 &&
	      regs.cs == 0x33 && regs.ss == 0x2b,
	      "a debugger sees the registers",
	      "signal %d, rbx %#llx, r15 %#llx, cs %#llx, ss %#llx", sig,
	      regs.rbx, regs.r15, regs.cs, regs.ss);
	regs.rbx = 0x1000000000011;
	regs.rsi = 0x1000000000022;
	need(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	need(!ptrace(PTRACE_GETFPREGS, pid, NULL, &fp));
	fp.xmm_space[0] = 0x12345678;
	need(!ptrace(PTRACE_SETFPREGS, pid, NULL, &fp));
	memset(&fp, 0, sizeof(fp));
	need(!ptrace(PTRACE_GETFPREGS, pid, NULL, &fp));
	check(fp.xmm_space[0] == 0x12345678, "and sets an xmm register",
	      "%#x", fp.xmm_space[0]);
	need(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	sig = wait_for(pid);
	check(sig == 77, "and the program goes on with its changes",
	      "status %d", sig);
}

static void call_target(void)
{
	for (long i = 0; i < 3; i++)
		watched = target(i);
	_exit(watched == 3 ? 42 : 43);
}

static void check_software_breakpoint(void)
{
	pid_t pid = start(call_target);
	struct user_regs_struct regs;
	long word, hits = 0;
	int sig;

	word = ptrace(PTRACE_PEEKTEXT, pid, target, NULL);
	need(!ptrace(PTRACE_POKETEXT, pid, target, (word & ~0xffL) | 0xcc));
	while ((sig = go(PTRACE_CONT, pid)) == SIGTRAP) {
		regs = registers(pid);
		if (regs.rip != (uintptr_t)target + 1 ||
		    regs.rdi != (unsigned long)hits)
			break;
		hits++;
		/* Put the old code back, step over it, break again. */
		set_rip(pid, target);
		need(!ptrace(PTRACE_POKETEXT, pid, target, word));
		need(go(PTRACE_SINGLESTEP, pid) == SIGTRAP);
		need(!ptrace(PTRACE_POKETEXT, pid, target,
			     (word & ~0xffL) | 0xcc));
	}
	check(hits == 3 && sig == 1000, "a breakpoint by POKETEXT hits thrice",
	      "%ld times, then %d", hits, sig);
	if (sig != 1000)
		stop(pid);
}

static void check_hardware_breakpoint(void)
{
	pid_t pid = start(call_target), other;
	struct user_regs_struct regs = { 0 };
	siginfo_t info = { 0 };
	long hits = 0, dr6 = 0;
	int sig, status;

	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(0), target));
	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(7), DR7_EXEC0));
	while ((sig = go(PTRACE_CONT, pid)) == SIGTRAP) {
		regs = registers(pid);
		dr6 = ptrace(PTRACE_PEEKUSER, pid, DEBUGREG(6), NULL);
		need(!ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
		if (regs.rip != (uintptr_t)target || !(dr6 & 1) ||
		    info.si_code != TRAP_HWBKPT)
			break;
		hits++;
		/* Another process that runs the same code does not stop. */
		other = fork();
		if (!other)
			call_target();
		status = wait_for(other);
		need(status == 42);
	}
	check(hits == 3 && sig == 1000,
	      "a hardware breakpoint stops its process only",
	      "%ld times, then %d; dr6 %#lx, si_code %d, at %+lld", hits, sig,
	      dr6, info.si_code, (long long)(regs.rip - (uintptr_t)target));
	if (sig != 1000)
		stop(pid);
}

static volatile long *on_the_stack;

static void call_target_for_a_local(void)
{
	for (long i = 0; i < 3; i++)
		*on_the_stack = target(i);
	_exit(*on_the_stack == 3 ? 42 : 43);
}

static void check_watchpoint(volatile long *watched, void (*work)(void),
			     const char *name)
{
	pid_t pid = start(work);
	long hits = 0, dr6 = 0, value = 0;
	int sig;

	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(1), watched));
	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(7), DR7_WRITE1));
	while ((sig = go(PTRACE_CONT, pid)) == SIGTRAP) {
		dr6 = ptrace(PTRACE_PEEKUSER, pid, DEBUGREG(6), NULL);
		value = ptrace(PTRACE_PEEKDATA, pid, watched, NULL);
		if (!(dr6 & 2) || value != hits + 1)
			break;
		hits++;
	}
	check(hits == 3 && sig == 1000, name,
	      "%ld, then %d; dr6 %#lx, value %ld", hits, sig, dr6, value);
	if (sig != 1000)
		stop(pid);
}

static void call_null(void)
{
	((void (*)(void))(uintptr_t)watched)();
}

static void check_breakpoint_at_null(void)
{
	pid_t pid = start(call_null);
	int sig;

	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(0), NULL));
	need(!ptrace(PTRACE_POKEUSER, pid, DEBUGREG(7), DR7_EXEC0));
	sig = go(PTRACE_CONT, pid);
	check(sig == SIGTRAP && !registers(pid).rip,
	      "a breakpoint at 0 catches a call of NULL", "signal %d", sig);
	stop(pid);
}

static void ask(void)
{
	_exit(syscall(SYS_getppid) == 4711 ? 42 : 43);
}

static void check_syscall_stops(void)
{
	pid_t pid = start(ask), parent = getpid();
	struct user_regs_struct regs;
	int entry, leave = 0, status;

	do {
		entry = go(PTRACE_SYSCALL, pid);
		regs = registers(pid);
	} while (entry == (SIGTRAP | 0x80) && regs.orig_rax != SYS_getppid);
	check(entry == (SIGTRAP | 0x80) && (long long)regs.rax == -ENOSYS,
	      "PTRACE_SYSCALL stops before a system call",
	      "stop %#x, orig_rax %lld, rax %lld", entry, regs.orig_rax,
	      regs.rax);
	leave = go(PTRACE_SYSCALL, pid);
	regs = registers(pid);
	check(leave == (SIGTRAP | 0x80) && regs.rax == (unsigned int)parent,
	      "and after it", "stop %#x, rax %lld", leave, regs.rax);
	regs.rax = 4711;
	need(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	need(!ptrace(PTRACE_CONT, pid, NULL, NULL));
	status = wait_for(pid);
	check(status == 42, "and can change its answer", "status %d", status);
}

int main(void)
{
	volatile long local = 0;

	on_the_stack = &local;
	check_steps();
	check_registers();
	check_software_breakpoint();
	check_hardware_breakpoint();
	check_watchpoint(&watched, call_target,
			 "a watchpoint sees three writes");
	check_watchpoint(&local, call_target_for_a_local,
			 "and on the stack, where user space ends");
	check_breakpoint_at_null();
	check_syscall_stops();
	return done();
}
