// SPDX-License-Identifier: GPL-2.0
/* The Guest's console is our terminal, or a pair of pipes. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "launcher.h"

#define CTRL_A	1
#define NAPS	100

/* All are written before the thread starts, and then only `head`, by it. */
static struct lguest_console *ring;
static int host_file;
static u32 head;

static volatile bool is_terminal;
static struct termios before;

/*L:200
 * tcsetattr() may be called in a signal handler; few things may. After
 * that the signal gets what it came for.
 */
void console_restore(void)
{
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void leave_by_signal(int number)
{
	console_restore();
	signal(number, SIG_DFL);
	raise(number);
}
/*:*/
static void make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before))
		return;
	fputs("lguest: Ctrl-a x leaves, Ctrl-a Ctrl-a sends one Ctrl-a\n",
	      stderr);
	is_terminal = true;
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	atexit(console_restore);
}
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

static void put_in_ring(const u8 *bytes, size_t count)
{
	u32 waiting, naps = 0;

	while (count) {
		waiting = head - __atomic_load_n(&ring->in_tail,
						 __ATOMIC_ACQUIRE);
		if (waiting >= LGUEST_CONSOLE_IN) {
			if (is_terminal && naps++ == NAPS)
				return;
			usleep(10000);
		}
		for (; count && waiting < LGUEST_CONSOLE_IN; waiting++) {
			ring->in[head++ % LGUEST_CONSOLE_IN] = *bytes++;
			count--;
		}
		__atomic_store_n(&ring->in_head, head, __ATOMIC_RELEASE);
		if (!ring_console())
			return;
	}
}
static size_t take_escapes(const u8 *bytes, size_t count, u8 *kept)
{
	static bool escaped;
	size_t used = 0;

	for (; count; count--, bytes++) {
		if (!escaped && *bytes == CTRL_A) {
			escaped = true;
			continue;
		}
		if (escaped && *bytes == 'x')
			die("you left with Ctrl-a x");
		if (escaped && *bytes != CTRL_A)
			kept[used++] = CTRL_A;
		kept[used++] = *bytes;
		escaped = false;
	}
	return used;
}
/*L:190
 * Whoever types is not asked to wait for the Guest, nor the Guest for them:
 * what was typed stays in the ring until somebody wants it.
 */
static void *listen_to_input(void *unused)
{
	struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
	u8 bytes[256], kept[2 * sizeof(bytes)];
	ssize_t got;

	(void)unused;
	for (;;) {
		poll(&ready, 1, -1);
		got = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return NULL;
		if (is_terminal)
			put_in_ring(kept, take_escapes(bytes, got, kept));
		else
			put_in_ring(bytes, got);
	}
}
/*:*/
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
void console_start(struct lguest_console *page, int host)
{
	static const int deadly[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	size_t i;

	ring = page;
	host_file = host;
	measure_window();
	make_raw();
	for (i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		if (signal(deadly[i], leave_by_signal) == SIG_IGN)
			signal(deadly[i], SIG_IGN);	/* as before */
	signal(SIGWINCH, window_changed);
	signal(SIGPIPE, SIG_IGN);
	start_thread(listen_to_input, NULL);
}
