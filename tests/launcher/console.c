// SPDX-License-Identifier: GPL-2.0
/* The console: the parent plays user, terminal and Guest to a child. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include "test.h"

static struct lguest_console *page;
static int in[2], out[2], host[2];

/* Bad moments, in the child: what happens when, while somebody else looks on. */
static volatile enum { NO_MOMENT, CONT_WHILE_ASKING, KEY_BEFORE_STOP,
		       KEY_BEFORE_END, CONT_BEFORE_END } moment;
static int keyboard;

int __real_tcgetattr(int fd, struct termios *now);
int __wrap_tcgetattr(int fd, struct termios *now);
int __real_raise(int number);
int __wrap_raise(int number);

/* The thread wants to know what the terminal was, and life goes on. */
int __wrap_tcgetattr(int fd, struct termios *now)
{
	if (moment == CONT_WHILE_ASKING && gettid() != getpid()) {
		moment = NO_MOMENT;
		kill(getpid(), SIGCONT);
		usleep(300000);
	}
	return __real_tcgetattr(fd, now);
}

/* The terminal was put back, and the signal is not there yet. */
int __wrap_raise(int number)
{
	bool stops = number == SIGSTOP;

	if (moment == (stops ? KEY_BEFORE_STOP : KEY_BEFORE_END)) {
		moment = NO_MOMENT;
		if (write(keyboard, "k\n", 2) != 2)
			die("no keyboard");
		usleep(300000);
	}
	if (moment == CONT_BEFORE_END && !stops) {
		moment = NO_MOMENT;
		kill(getpid(), SIGCONT);
		usleep(300000);
	}
	return __real_raise(number);
}

static void say(const char *text, u32 claimed)
{
	strcpy(page->out, text);
	page->out_bytes = claimed;
}

/* In the child: what the Launcher does, without a Host. */
static void live(bool output)
{
	console_start(page, host[1]);
	for (;;) {
		if (output && page->out_bytes)
			console_output(page);
		usleep(1000);
	}
}

static pid_t start(bool output)
{
	pid_t pid;

	memset(page, 0, sizeof(*page));
	if (pipe(in) || pipe(out) || pipe2(host, O_NONBLOCK))
		die("no pipes");
	fcntl(out[1], F_SETFL, O_NONBLOCK);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		child = true;
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		live(output);
	}
	close(in[0]);
	close(out[1]);
	return pid;
}

static int end(pid_t pid, int number)
{
	int status;

	if (number)
		kill(pid, number);
	waitpid(pid, &status, 0);
	close(in[1]);
	close(out[0]);
	close(host[0]);
	close(host[1]);
	return status;
}

static bool within_seconds(bool (*what)(int), int argument)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (what(argument))
			return true;
		usleep(10000);
	}
	return false;
}

static bool taken(int unused)
{
	(void)unused;
	return !__atomic_load_n(&page->out_bytes, __ATOMIC_ACQUIRE);
}

static bool has_threads(int pid_and_count)
{
	char path[64];
	DIR *folder;
	int count = -2;

	sprintf(path, "/proc/%d/task", pid_and_count / 8);
	folder = opendir(path);
	while (folder && readdir(folder))
		count++;
	closedir(folder);
	return count == pid_and_count % 8;
}

static bool has_rung(int unused)
{
	u64 irq[2];

	(void)unused;
	return read(host[0], irq, sizeof(irq)) == sizeof(irq) &&
	       irq[0] == LHREQ_IRQ && irq[1] == LGUEST_CONSOLE_IRQ;
}

/* Take up to `most` bytes out of the ring, as the Guest does. */
static size_t take(char *to, size_t most)
{
	u32 head = __atomic_load_n(&page->in_head, __ATOMIC_ACQUIRE);
	u32 tail = page->in_tail;
	size_t i;

	for (i = 0; i < most && tail != head; i++)
		to[i] = page->in[tail++ % LGUEST_CONSOLE_IN];
	__atomic_store_n(&page->in_tail, tail, __ATOMIC_RELEASE);
	return i;
}

static size_t take_all(char *to, size_t bytes)
{
	size_t i, got = 0;

	for (i = 0; i < 500 && got < bytes; i++) {
		got += take(to + got, bytes - got);
		usleep(got < bytes ? 10000 : 0);
	}
	return got;
}

static void check_output(void)
{
	char got[2 * LGUEST_CONSOLE_OUT];
	pid_t pid = start(true);
	ssize_t bytes, more;

	say("hello", 5);
	ok(within_seconds(taken, 0) && read(out[0], got, sizeof(got)) == 5 &&
	   !memcmp(got, "hello", 5), "output arrives");
	say("a lie", 0xffffffff);
	within_seconds(taken, 0);
	for (bytes = 0; bytes < LGUEST_CONSOLE_OUT; bytes += more)
		more = read(out[0], got + bytes, sizeof(got) - bytes);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	more = read(out[0], got, sizeof(got));
	ok(bytes == LGUEST_CONSOLE_OUT && more < 0,
	   "a Guest that claims 4 GB gets as much as there is");
	close(out[0]);
	say("hello", 5);
	ok(end(pid, 0) == 1 << 8, "output that is closed ends it, status 1");
}

/* The pipe holds two pages and does not block: write() says EAGAIN often. */
static void check_slow_output(void)
{
	static char sent[50 * 2000], got[50 * 2000];
	pid_t pid = start(true);
	size_t i, total = 0;
	ssize_t bytes = 1;

	fcntl(out[0], F_SETPIPE_SZ, 8192);
	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7 + i / 256;
	for (i = 0; i < sizeof(sent); i += 2000) {
		memcpy(page->out, sent + i, 2000);
		__atomic_store_n(&page->out_bytes, 2000, __ATOMIC_RELEASE);
		usleep(2000);
		while (!taken(0) && bytes > 0) {
			bytes = read(out[0], got + total, 700);
			total += bytes;
			usleep(2000);
		}
	}
	while (total < sizeof(got) && bytes > 0) {
		bytes = read(out[0], got + total, 700);
		total += bytes;
	}
	ok(!memcmp(got, sent, sizeof(got)), "slow readers get everything");
	end(pid, SIGKILL);
}

static void check_input(void)
{
	static char sent[5000], got[5000];
	pid_t pid = start(false);
	size_t i, bytes;

	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7 + i / 256;
	bytes = write(in[1], sent, sizeof(sent));
	for (i = 0; i < 1000 && page->in_head < LGUEST_CONSOLE_IN; i++)
		usleep(10000);
	usleep(100000);
	ok(page->in_head == LGUEST_CONSOLE_IN, "a full ring is not overrun");
	bytes = take_all(got, sizeof(got));
	ok(bytes == sizeof(sent) && !memcmp(sent, got, bytes),
	   "all input arrives, in order, Ctrl-a too");
	ok(has_rung(0), "and raises the console's interrupt");

	page->in_tail += 12345;
	bytes = write(in[1], "x", 1);
	usleep(100000);
	ok(page->in_head == sizeof(sent), "a mad Guest gets nothing");
	page->in_tail -= 12345;
	ok(take_all(got, 1) == 1 && *got == 'x', "until it is sane again");
	ok(has_threads(8 * pid + 2), "a thread listens");
	close(in[1]);
	ok(within_seconds(has_threads, 8 * pid + 1),
	   "it ends with its input, the Guest goes on");
	ok(end(pid, SIGTERM) == SIGTERM, "SIGTERM does what it does");
}

static struct termios usual;
static int terminal;

static pid_t start_on_terminal(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int slave;
	pid_t pid;

	memset(page, 0, sizeof(*page));
	if (openpty(&terminal, &slave, NULL, NULL, &size) ||
	    pipe2(host, O_NONBLOCK))
		die("no terminal");
	tcgetattr(slave, &usual);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		child = true;
		close(terminal);
		login_tty(slave);
		live(true);
	}
	close(slave);
	return pid;
}

static bool is_raw(int wanted)
{
	struct termios now;

	tcgetattr(terminal, &now);
	return (now.c_lflag & (ICANON | ECHO | ISIG) ? 0 : 1) == wanted;
}

static bool has_columns(int columns)
{
	return page->columns == columns;
}

static bool is_usual(void)
{
	struct termios now;

	tcgetattr(terminal, &now);
	return now.c_lflag == usual.c_lflag && now.c_iflag == usual.c_iflag &&
	       now.c_oflag == usual.c_oflag;
}

static bool has_sysrq(int key)
{
	return page->sysrq == (u32)key;
}

static int end_on_terminal(pid_t pid, int number)
{
	int status = -1;

	if (number)
		kill(pid, number);
	waitpid(pid, &status, 0);
	return status;
}

static void check_terminal(void)
{
	static const int deadly[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct winsize size = { .ws_row = 50, .ws_col = 132 };
	char got[100] = "";
	pid_t pid = start_on_terminal();
	size_t i;

	ok(within_seconds(is_raw, 1), "the terminal becomes raw");
	ok(read(terminal, got, sizeof(got)) > 0 && strstr(got, "Ctrl-a x"),
	   "it says how to leave");
	ok(page->rows == 24 && page->columns == 80, "it knows the window");
	ioctl(terminal, TIOCSWINSZ, &size);
	ok(within_seconds(has_columns, 132) && page->rows == 50,
	   "and when that changes");
	ok(within_seconds(has_rung, 0), "of which the Guest hears at once");
	ok(write(terminal, "a\3\1\1b\1c", 7) == 7 &&
	   take_all(got, 6) == 6 && !memcmp(got, "a\3\1b\1c", 6),
	   "Ctrl-c is sent, Ctrl-a Ctrl-a is one, Ctrl-a c is both");
	ok(write(terminal, "\1bh", 3) == 3 &&
	   within_seconds(has_sysrq, 'h') && !take(got, 1),
	   "Ctrl-a b h is a SysRq, and nothing else");
	ok(write(terminal, "\1x", 2) == 2 &&
	   end_on_terminal(pid, 0) == 1 << 8, "Ctrl-a x leaves, status 1");
	ok(is_usual(), "and the terminal is as before");
	close(terminal);

	for (i = 0; i < 4; i++) {
		pid = start_on_terminal();
		within_seconds(is_raw, 1);
		usleep(10000);
		ok(end_on_terminal(pid, deadly[i]) == deadly[i] && is_usual(),
		   "SIG%s puts the terminal back", sigabbrev_np(deadly[i]));
		close(terminal);
	}
}

/* Write as much as the terminal takes within a second. */
static size_t paste(const char *from, size_t bytes)
{
	struct pollfd ready = { .fd = terminal, .events = POLLOUT };
	size_t sent = 0;
	ssize_t n;

	fcntl(terminal, F_SETFL, O_NONBLOCK);
	while (sent < bytes && poll(&ready, 1, 1000) > 0) {
		n = write(terminal, from + sent, bytes - sent);
		sent += n > 0 ? n : 0;
		usleep(n > 0 ? 0 : 1000);
	}
	fcntl(terminal, F_SETFL, 0);
	return sent;
}

/* A Guest that does not read for a while, and people who don't wait for it. */
static void check_paste(void)
{
	static char sent[300000], got[300000];
	pid_t pid = start_on_terminal();
	size_t i;

	for (i = 0; i < sizeof(sent); i++)
		sent[i] = 2 + (i * 7 + i / 256) % 250;
	within_seconds(is_raw, 1);
	ok(paste(sent, sizeof(sent)) == sizeof(sent),
	   "a paste of 300 KB is taken off the terminal");
	usleep(2500000);
	ok(take_all(got, sizeof(got)) == sizeof(got) &&
	   !memcmp(sent, got, sizeof(got)),
	   "and arrives, though the Guest did not listen at first");
	paste(sent, sizeof(sent));
	ok(write(terminal, "\1x", 2) == 2 &&
	   end_on_terminal(pid, 0) == 1 << 8,
	   "Ctrl-a x is heard behind a paste that nobody reads");
	ok(is_usual(), "and the terminal is as before");
	close(terminal);
}

static int bad_moment;

/* In the child: a shell, which has a job in the background. */
static void live_as_shell(int slave, int orders, int answers)
{
	char order;
	pid_t job;
	int status;

	login_tty(slave);
	signal(SIGTTOU, SIG_IGN);
	job = fork();
	if (!job) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		close(orders);
		moment = bad_moment;
		live(true);
	}
	setpgid(job, job);
	while (read(orders, &order, 1) == 1) {
		if (order == 'f')
			tcsetpgrp(0, job);
		if (order == 'b')
			tcsetpgrp(0, getpgrp());
		if (order == 'u')
			tcsetattr(0, TCSANOW, &usual);
		if (order == 's')
			kill(job, SIGTSTP);
		if (order == 'S')
			kill(job, SIGSTOP);
		if (order == 'c')
			kill(job, SIGCONT);
		if (order == 't')
			kill(job, SIGTERM);
		if (order == 'w')
			waitpid(job, &status, WUNTRACED);
		if (write(answers, order == 'w' ? (void *)&status : &job,
			  sizeof(int)) != sizeof(int))
			break;
	}
	_exit(0);
}

static int orders[2], answers[2];

static int tell(char order)
{
	int answer = -1;

	if (write(orders[1], &order, 1) != 1 ||
	    read(answers[0], &answer, sizeof(answer)) != sizeof(answer))
		return -1;
	return answer;
}

static bool is_running(int pid)
{
	char path[64], state = 0;
	FILE *file;

	sprintf(path, "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state == 'S' || state == 'R' || state == 'D';
}

static bool says_and_hears(void)
{
	char got[1000] = "";
	struct pollfd ready = { .fd = terminal, .events = POLLIN };
	ssize_t n;

	while (poll(&ready, 1, 100) > 0)
		n = read(terminal, got, sizeof(got));
	say("still here", 10);
	if (!within_seconds(taken, 0) || poll(&ready, 1, 1000) <= 0)
		return false;
	n = read(terminal, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	return strstr(got, "still here");
}

/* It has the terminal's other end, too: a keyboard for bad moments. */
static pid_t start_shell(int with)
{
	pid_t shell;
	int slave;

	bad_moment = with;
	memset(page, 0, sizeof(*page));
	if (openpty(&terminal, &slave, NULL, NULL, NULL) || pipe(orders) ||
	    pipe(answers) || pipe2(host, O_NONBLOCK))
		die("no terminal");
	keyboard = terminal;
	tcgetattr(slave, &usual);
	fflush(stdout);
	shell = fork();
	if (!shell) {
		child = true;
		close(orders[1]);
		live_as_shell(slave, orders[0], answers[1]);
	}
	close(slave);
	return shell;
}

static void end_shell(pid_t shell)
{
	close(terminal);
	kill(shell, SIGKILL);
	waitpid(shell, NULL, 0);
}

/* What shells do to their jobs. */
static void check_jobs(void)
{
	pid_t shell = start_shell(NO_MOMENT);
	char got[10];
	int job = tell('?');

	usleep(300000);
	ok(is_running(job) && says_and_hears() && is_usual(),
	   "in the background it runs, and leaves the terminal alone");
	ok(write(terminal, "for the shell\n", 14) == 14 &&
	   (usleep(300000), is_running(job)) && !take(got, 1),
	   "and what is typed as well");
	tell('f');
	ok(within_seconds(is_raw, 1), "called to the front, it is raw");
	ok(take_all(got, 9) == 9 && write(terminal, "k", 1) == 1,
	   "and listens");
	tell('s');
	ok(WIFSTOPPED(tell('w')) && is_usual(), "SIGTSTP puts it back");
	tell('c');
	ok(within_seconds(is_raw, 1), "SIGCONT makes it raw");
	tell('S');
	ok(WIFSTOPPED(tell('w')), "SIGSTOP stops it");
	tell('u');
	tell('b');
	tell('c');
	usleep(300000);
	ok(is_running(job) && is_usual() && says_and_hears(),
	   "it goes on in the background");
	tell('t');
	ok(WTERMSIG(tell('w')) == SIGTERM && is_usual(),
	   "and ends there, without a touch");
	end_shell(shell);
}

/* Who puts the terminal back, and who makes it raw, at the same moment. */
static void check_moments(void)
{
	pid_t shell = start_shell(CONT_WHILE_ASKING);

	usleep(100000);
	tell('f');
	ok(within_seconds(is_raw, 1), "SIGCONT while the thread looks: raw");
	usleep(500000);
	tell('t');
	ok(WTERMSIG(tell('w')) == SIGTERM && is_usual(),
	   "and at the end the terminal is as before");
	end_shell(shell);

	shell = start_shell(KEY_BEFORE_STOP);
	tell('f');
	within_seconds(is_raw, 1);
	tell('s');
	ok(WIFSTOPPED(tell('w')) && is_usual(),
	   "a key at the moment of SIGTSTP: stopped, and as before");
	tell('c');
	ok(within_seconds(is_raw, 1), "SIGCONT makes it raw");
	tell('t');
	ok(WTERMSIG(tell('w')) == SIGTERM && is_usual(), "and SIGTERM, usual");
	end_shell(shell);

	shell = start_shell(KEY_BEFORE_END);
	tell('f');
	within_seconds(is_raw, 1);
	tell('t');
	ok(WTERMSIG(tell('w')) == SIGTERM && is_usual(),
	   "a key at the moment of SIGTERM: it ends, and is as before");
	end_shell(shell);

	shell = start_shell(CONT_BEFORE_END);
	tell('f');
	within_seconds(is_raw, 1);
	tell('t');
	ok(WTERMSIG(tell('w')) == SIGTERM && is_usual(),
	   "SIGTERM and then SIGCONT, as from timeout: the same");
	end_shell(shell);
}

/* nohup, and then the terminal goes away. */
static void check_hangup(void)
{
	pid_t pid;

	signal(SIGHUP, SIG_IGN);
	pid = start_on_terminal();
	signal(SIGHUP, SIG_DFL);
	within_seconds(has_threads, 8 * pid + 2);
	close(terminal);
	ok(within_seconds(has_threads, 8 * pid + 1),
	   "a terminal that is gone is not listened to");
	say("nobody", 6);
	ok(end_on_terminal(pid, 0) == 1 << 8,
	   "and who speaks to nobody ends, status 1");
}

int main(void)
{
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setlinebuf(stdout);
	check_output();
	check_slow_output();
	check_input();
	check_terminal();
	check_paste();
	check_jobs();
	check_moments();
	check_hangup();
	return finish();
}
