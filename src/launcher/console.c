// SPDX-License-Identifier: GPL-2.0
/* The Guest's console is our terminal, or a pair of pipes. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "launcher.h"

#define CTRL_A		1
#define NAP		10000		/* microseconds */
#define MOUTHFUL	256
#define KEPT		(16 * MB)	/* what a person may be ahead */

enum { OURS, OFF_TO_STOP, OFF_FOR_EVER };	/* hands, on the terminal */

static struct lguest_console *ring;
static int host_file;
static bool is_terminal;

/* The thread's: of the ring; and of what waits in `kept`, both only grow. */
static u32 head, came, went;
static u8 kept[KEPT];

static bool held;			/* the lock of: */
static volatile sig_atomic_t is_raw;
static volatile sig_atomic_t hands;
static struct termios before;

static bool in_foreground(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group < 0 || group == getpgrp();
}

static void hold_terminal(sigset_t *usual)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, usual);
	while (__atomic_exchange_n(&held, true, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void let_terminal_go(const sigset_t *usual)
{
	__atomic_store_n(&held, false, __ATOMIC_RELEASE);
	pthread_sigmask(SIG_SETMASK, usual, NULL);
}

static void put_back(int how_far)
{
	sigset_t usual;

	hold_terminal(&usual);
	if (is_raw && in_foreground())
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	is_raw = false;
	if (hands < how_far)
		hands = how_far;
	let_terminal_go(&usual);
}

/*L:200
 * tcsetattr() may be called in a signal handler; few things may. After
 * that the signal gets what it came for.
 */
void console_restore(void)
{
	put_back(OFF_FOR_EVER);
}

static void leave_by_signal(int number)
{
	console_restore();
	signal(number, SIG_DFL);
	raise(number);
}
/*:*/
/*L:180
 * The Guest stands still while this happens. That is a brake, and a good
 * one: it can't talk faster than anyone listens.
 */
void console_output(struct lguest_console *page)
{
	u32 bytes = __atomic_load_n(&page->out_bytes, __ATOMIC_ACQUIRE);
	const char *at = page->out;
	struct pollfd ready = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t written;

	if (bytes > LGUEST_CONSOLE_OUT)
		bytes = LGUEST_CONSOLE_OUT;
	while (bytes) {
		written = write(STDOUT_FILENO, at, bytes);
		if (written >= 0) {
			at += written;
			bytes -= written;
		} else if (errno == EAGAIN) {
			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			die("cannot write the console: %s", strerror(errno));
		}
	}
	__atomic_store_n(&page->out_bytes, 0, __ATOMIC_RELEASE);
}
/*:*/
static bool ring_console(void)
{
	static const u64 irq[] = { LHREQ_IRQ, LGUEST_CONSOLE_IRQ };

	return write(host_file, irq, sizeof(irq)) == sizeof(irq);
}

static void fill_ring(void)
{
	u32 waiting, old = head;

	waiting = head - __atomic_load_n(&ring->in_tail, __ATOMIC_ACQUIRE);
	for (; came != went && waiting < LGUEST_CONSOLE_IN; waiting++)
		ring->in[head++ % LGUEST_CONSOLE_IN] = kept[went++ % KEPT];
	if (head == old)
		return;
	__atomic_store_n(&ring->in_head, head, __ATOMIC_RELEASE);
	ring_console();
}

static void measure_window(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size)) {
		__atomic_store_n(&ring->rows, size.ws_row, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->columns, size.ws_col,
				 __ATOMIC_RELAXED);
	}
}

static void window_changed(int number)
{
	int error = errno;

	(void)number;
	measure_window();
	ring_console();
	errno = error;
}

static void make_raw(void)
{
	struct termios raw;
	sigset_t usual;

	hold_terminal(&usual);
	if (hands == OURS && in_foreground() &&
	    (is_raw || !tcgetattr(STDIN_FILENO, &before))) {
		is_raw = true;
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	let_terminal_go(&usual);
}

static void take_terminal(void)
{
	static bool greeted;

	if (!greeted)
		fputs("lguest: Ctrl-a x leaves, Ctrl-a b KEY is a SysRq,"
		      " Ctrl-a Ctrl-a one Ctrl-a\n", stderr);
	greeted = true;
	make_raw();
}

static bool has_terminal(void)
{
	if (!in_foreground())
		return false;
	if (!is_raw) {
		take_terminal();
		window_changed(SIGWINCH);
	}
	return true;
}

static void stop_by_signal(int number)
{
	int error = errno;

	(void)number;
	put_back(OFF_TO_STOP);
	raise(SIGSTOP);
	errno = error;
}

static void go_on(int number)
{
	int error = errno;
	bool ours = is_terminal && in_foreground();
	sigset_t usual;

	hold_terminal(&usual);
	if (hands == OFF_TO_STOP)
		hands = OURS;
	is_raw &= ours;
	let_terminal_go(&usual);
	if (ours) {
		make_raw();
		window_changed(number);
	}
	errno = error;
}

static void keep(u8 byte)
{
	kept[came++ % KEPT] = byte;
}

static void take_key(u8 key)
{
	static enum { PLAIN, ESCAPED, SYSRQ } state;

	if (state == SYSRQ) {
		__atomic_store_n(&ring->sysrq, key, __ATOMIC_RELEASE);
		ring_console();
		state = PLAIN;
	} else if (state == PLAIN && key == CTRL_A) {
		state = ESCAPED;
	} else if (state == ESCAPED && key == 'b') {
		state = SYSRQ;
	} else {
		if (state == ESCAPED && key == 'x')
			die("you left with Ctrl-a x");
		if (state == ESCAPED && key != CTRL_A)
			keep(CTRL_A);
		keep(key);
		state = PLAIN;
	}
}

static bool may_listen(void)
{
	if (!is_terminal)
		return came == went;
	return came - went <= KEPT - 2 * MOUTHFUL && has_terminal();
}

/* False: nothing will come any more. */
static bool hear(void)
{
	u8 bytes[MOUTHFUL];
	ssize_t i, got = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	/* A terminal that has just been given to somebody else. */
	if (got < 0 && errno == EIO && is_terminal)
		return tcgetpgrp(STDIN_FILENO) >= 0;
	for (i = 0; i < got; i++)
		if (is_terminal)
			take_key(bytes[i]);
		else
			keep(bytes[i]);
	return got > 0;
}

/*L:190
 * Whoever types is not asked to wait for the Guest, nor the Guest for them:
 * what was typed stays here until somebody wants it.
 */
static void *listen_to_input(void *unused)
{
	struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };

	(void)unused;
	for (;;) {
		fill_ring();
		if (!may_listen()) {
			usleep(came == went ? 20 * NAP : NAP);
			continue;
		}
		if (poll(&ready, 1, came == went ? -1 : NAP / 1000) > 0 &&
		    !hear())
			break;
	}
	for (; came != went; usleep(NAP))
		fill_ring();
	return NULL;
}
/*:*/
static void listen_to_signal(int number, void (*what)(int))
{
	if (signal(number, what) == SIG_IGN)
		signal(number, SIG_IGN);	/* as before */
}

void console_start(struct lguest_console *page, int host)
{
	static const int deadly[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	size_t i;

	ring = page;
	host_file = host;
	measure_window();
	is_terminal = isatty(STDIN_FILENO);
	for (i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		listen_to_signal(deadly[i], leave_by_signal);
	listen_to_signal(SIGTSTP, stop_by_signal);
	signal(SIGCONT, go_on);
	signal(SIGWINCH, window_changed);
	signal(SIGPIPE, SIG_IGN);
	if (is_terminal && in_foreground())
		take_terminal();
	atexit(console_restore);
	start_thread(listen_to_input, NULL);
}
