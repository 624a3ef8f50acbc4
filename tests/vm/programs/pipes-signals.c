// SPDX-License-Identifier: GPL-2.0
/* Pipes, and every way in which a signal comes at a bad moment. */
#include "check.h"
#include <poll.h>
#include <sys/time.h>
#include <ucontext.h>

#define PIPED		(8 << 20)
#define PINGS		2000
#define SIGNALS		1000

static volatile sig_atomic_t arrived;
static void *volatile handler_stack;

static void count(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	arrived++;
	handler_stack = __builtin_frame_address(0);
}

static void alarm_every(long first_us, long every_us)
{
	struct itimerval timer = {
		.it_value.tv_usec = first_us,
		.it_interval.tv_usec = every_us,
	};

	need(!setitimer(ITIMER_REAL, &timer, NULL));
}

static int write_numbers(int fd)
{
	uint32_t block[1000];

	for (uint32_t i = 0; i < PIPED / sizeof(block); i++) {
		for (int j = 0; j < 1000; j++)
			block[j] = scramble(i * 1000 + j);
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return 1;
	}
	return 0;
}

static void check_pipe_contents(void)
{
	uint32_t i, number, wrong = 0;
	int fds[2], status;
	FILE *in;
	pid_t pid;

	need(!pipe(fds));
	pid = fork();
	need(pid >= 0);
	if (!pid)
		_exit(write_numbers(fds[1]));
	close(fds[1]);
	in = fdopen(fds[0], "r");
	for (i = 0; fread(&number, sizeof(number), 1, in) == 1; i++)
		wrong += number != scramble(i);
	fclose(in);
	status = wait_for(pid);
	check(i == PIPED / 4000 * 1000 && !wrong && !status,
	      "8 MB through a pipe arrive as they were",
	      "%u numbers, %u wrong, writer's status %d", i, wrong, status);
}

static void check_ping_pong(void)
{
	int there[2], back[2], i, n;
	pid_t pid;

	need(!pipe(there) && !pipe(back));
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		close(there[1]);
		while (read(there[0], &n, sizeof(n)) == sizeof(n)) {
			n++;
			if (write(back[1], &n, sizeof(n)) != sizeof(n))
				_exit(1);
		}
		_exit(0);
	}
	close(there[0]);
	for (i = n = 0; i < PINGS; i++)
		if (write(there[1], &n, sizeof(n)) != sizeof(n) ||
		    read(back[0], &n, sizeof(n)) != sizeof(n) || n != i + 1)
			break;
	close(there[1]);
	close(back[0]);
	close(back[1]);
	check(i == PINGS && !wait_for(pid), "two processes play ping-pong",
	      "stopped after %d with %d", i, n);
}

static void check_signal_ping_pong(void)
{
	sigset_t usr1, before;
	pid_t parent = getpid(), pid;
	int i, status;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	need(!sigprocmask(SIG_BLOCK, &usr1, &before));
	on_signal(SIGUSR1, 0, count);
	arrived = 0;
	pid = fork();
	need(pid >= 0);
	for (i = 0; i < SIGNALS; i++) {
		if (pid)
			kill(pid, SIGUSR1);
		sigsuspend(&before);
		if (!pid)
			kill(parent, SIGUSR1);
	}
	if (!pid)
		_exit(arrived != SIGNALS);
	status = wait_for(pid);
	check(arrived == SIGNALS && !status, "SIGUSR1 to and fro",
	      "%d came here; the other's status is %d", (int)arrived, status);
	need(!sigprocmask(SIG_SETMASK, &before, NULL));
}

static void check_alternate_stack(void)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	stack_t none = { .ss_flags = SS_DISABLE };
	void *on_it, *off_it;

	need(!sigaltstack(&alternate, NULL));
	on_signal(SIGUSR2, SA_ONSTACK, count);
	raise(SIGUSR2);
	on_it = handler_stack;
	need(!sigaltstack(&none, NULL));
	raise(SIGUSR2);
	off_it = handler_stack;
	check(on_it > (void *)stack && on_it < (void *)(stack + sizeof(stack)),
	      "a handler runs on the alternate stack", "it ran at %p", on_it);
	check(off_it < (void *)stack || off_it > (void *)(stack + sizeof(stack)),
	      "and without one on the usual stack", "it ran at %p", off_it);
}

/* Read from a pipe that the child fills after SIGALRM has come. */
static int read_through_alarm(int flags, int *error)
{
	int fds[2];
	char byte;
	pid_t pid;
	int n;

	need(!pipe(fds));
	on_signal(SIGALRM, flags, count);
	arrived = 0;
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		sleep_ns(200000000);
		_exit(write(fds[1], "x", 1) != 1);
	}
	alarm_every(50000, 0);
	n = read(fds[0], &byte, 1);
	*error = n < 0 ? errno : 0;
	wait_for(pid);
	close(fds[0]);
	close(fds[1]);
	return n;
}

static void check_restarts(void)
{
	int64_t start, slept;
	int error, n, status;
	pid_t pid;

	n = read_through_alarm(SA_RESTART, &error);
	check(n == 1 && arrived == 1, "SA_RESTART lets a read go on",
	      "read gave %d, error %d, %d signals", n, error, (int)arrived);
	n = read_through_alarm(0, &error);
	check(n == -1 && error == EINTR && arrived == 1,
	      "without it a read ends with EINTR",
	      "read gave %d, error %d, %d signals", n, error, (int)arrived);

	/* A stopped and continued nanosleep goes on by restart_syscall. */
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		struct timespec t = { .tv_nsec = 300000000 };

		start = now_ns();
		if (nanosleep(&t, NULL))
			_exit(1);
		slept = now_ns() - start;
		_exit(slept < 300000000 ? 2 : 0);
	}
	sleep_ns(50000000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	sleep_ns(50000000);
	kill(pid, SIGCONT);
	n = wait_for(pid);
	check(WIFSTOPPED(status) && !n,
	      "a sleep that is stopped and continued still lasts its time",
	      "wait status %#x, then exit status %d", status, n);
}

#ifdef __x86_64__
#define REGISTERS(each)							\
	each("rbx", "0x1111") each("rcx", "0x2222") each("rdx", "0x3333") \
	each("rsi", "0x4444") each("rdi", "0x5555") each("r8", "0x6666") \
	each("r9", "0x7777") each("r10", "0x8888") each("r11", "0x9999") \
	each("r12", "0xaaaa") each("r13", "0xbbbb") each("r14", "0xcccc") \
	each("r15", "0xdddd")
#define CLOBBERED	"rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", \
			"r11", "r12", "r13", "r14", "r15", "cc", "memory"
#else
#define REGISTERS(each)							\
	each("ebx", "0x1111") each("ecx", "0x2222") each("edx", "0x3333") \
	each("esi", "0x4444") each("edi", "0x5555")
#define CLOBBERED	"ebx", "ecx", "edx", "esi", "edi", "cc", "memory"
#endif
#define FILL(reg, value)	"mov $" value ", %%" reg "\n\t"
#define COMPARE(reg, value)	"cmp $" value ", %%" reg "\n\t"	\
				"je 2f\n\t"				\
				"inc %%eax\n"				\
				"2:\t"

/*
 * Spin with a known number in each register until a handler has run,
 * then count the registers that another number is in.
 */
static int spin_until_signal(void)
{
	int wrong;

	asm volatile(REGISTERS(FILL)
		     "1:\tcmpl $0, %[arrived]\n\t"
		     "je 1b\n\t"
		     "xor %%eax, %%eax\n\t"
		     REGISTERS(COMPARE)
		     : "=&a"(wrong)
		     : [arrived] "m"(arrived)
		     : CLOBBERED);
	return wrong;
}

static void check_registers_survive(void)
{
	int rounds, wrong = 0;

	on_signal(SIGALRM, 0, count);
	for (rounds = 0; rounds < 100; rounds++) {
		arrived = 0;
		alarm_every(1000, 0);
		wrong += spin_until_signal();
	}
	check(!wrong, "all registers survive 100 sudden signals",
	      "%d were changed", wrong);
}

static void check_timer(void)
{
	int64_t start = now_ns(), took;

	on_signal(SIGALRM, 0, count);
	arrived = 0;
	alarm_every(10000, 10000);
	while (arrived < 30)
		pause();
	alarm_every(0, 0);
	took = now_ns() - start;
	check(took >= 290000000 && took < 900000000,
	      "30 alarms at 10 ms come in time", "they took %lld ms",
	      (long long)took / 1000000);
}

static void check_sigpipe_and_poll(void)
{
	struct pollfd poll_in;
	int fds[2], n, error;

	need(!pipe(fds));
	poll_in.fd = fds[0];
	poll_in.events = POLLIN;
	n = poll(&poll_in, 1, 20);
	check(n == 0, "poll of an empty pipe times out", "it gave %d", n);
	on_signal(SIGPIPE, 0, count);
	arrived = 0;
	close(fds[0]);
	n = write(fds[1], "x", 1);
	error = errno;
	close(fds[1]);
	check(n == -1 && error == EPIPE && arrived == 1,
	      "a write that nobody can read is a SIGPIPE",
	      "write gave %d, error %d, %d signals", n, error, (int)arrived);
}

int main(void)
{
	check_pipe_contents();
	check_ping_pong();
	check_signal_ping_pong();
	check_alternate_stack();
	check_restarts();
	check_registers_survive();
	check_timer();
	check_sigpipe_and_poll();
	return done();
}
