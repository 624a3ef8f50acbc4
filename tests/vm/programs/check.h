/* SPDX-License-Identifier: GPL-2.0 */
/* One line for each check, in the manner of TAP; main() ends in done(). */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BITS	((int)(8 * sizeof(long)))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int failures;

/* The details (a printf format) are only shown when it is not good. */
static __attribute__((format(printf, 3, 4)))
void check(int good, const char *name, const char *details, ...)
{
	char line[512];
	va_list args;
	int n;

	n = snprintf(line, sizeof(line), "%sok - %s (%d-bit): %s",
		     good ? "" : "not ", program_invocation_short_name, BITS,
		     name);
	if (!good) {
		n += snprintf(line + n, sizeof(line) - n, ": ");
		va_start(args, details);
		n += vsnprintf(line + n, sizeof(line) - n, details, args);
		va_end(args);
		failures++;
	}
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) != n)
		failures++;
}

/* What must work before anything can be checked. */
#define need(works)							\
	do {								\
		if (!(works)) {						\
			check(0, "setup", "%s:%d: %s: %s", __FILE__,	\
			      __LINE__, #works, strerror(errno));	\
			exit(1);					\
		}							\
	} while (0)

static inline int done(void)
{
	return failures != 0;
}

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline void sleep_ns(int64_t ns)
{
	struct timespec t = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* The exit status of a child; or 1000 and the signal that killed it. */
static inline int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		need(errno == EINTR);
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* A number that is different for each i, for contents that can be checked. */
static inline uint32_t scramble(uint32_t i)
{
	i ^= i >> 16;
	i *= 0x7feb352d;
	i ^= i >> 15;
	i *= 0x846ca68b;
	return i ^ i >> 16;
}

static inline void on_signal(int sig, int flags,
			     void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | flags,
	};

	need(!sigaction(sig, &sa, NULL));
}

#endif /* CHECK_H */
