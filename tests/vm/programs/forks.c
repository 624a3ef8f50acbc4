// SPDX-License-Identifier: GPL-2.0
/* forks [COUNT]: fork, exec and exit, with each exit status looked at. */
#include "check.h"
#include <spawn.h>

extern char **environ;

static int expected_status(int i)
{
	return i * 7 % 251;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 500;
	int good = 0, bad = -1, status = 0, i;
	char number[16];
	pid_t pid;

	/* The child: exit with what the parent expects of it. */
	if (argc == 3 && !strcmp(argv[1], "child"))
		return expected_status(atoi(argv[2]));

	for (i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%d", i);
		pid = fork();
		need(pid >= 0);
		if (!pid) {
			execl("/proc/self/exe", argv[0], "child", number, NULL);
			_exit(255);
		}
		status = wait_for(pid);
		if (status != expected_status(i)) {
			bad = i;
			break;
		}
		good++;
	}
	check(good == count, "fork, exec and exit give their status",
	      "%d of %d; child %d: status %d, not %d", good, count, bad,
	      status, bad < 0 ? 0 : expected_status(bad));

	for (good = i = 0; i < 50; i++) {
		char *args[] = { argv[0], "child", number, NULL };

		snprintf(number, sizeof(number), "%d", i);
		need(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args,
				  environ));
		status = wait_for(pid);
		good += status == expected_status(i);
	}
	check(good == 50, "posix_spawn (vfork) does so too", "%d of 50", good);

	/* Many at once, each with a stack and data of its own. */
	for (i = 0; i < 40; i++) {
		static int mine;

		mine = i;
		pid = fork();
		need(pid >= 0);
		if (!pid) {
			sleep_ns(20000000);
			_exit(mine);
		}
	}
	for (good = i = 0; i < 40; i++) {
		need(wait(&status) > 0);
		good += WEXITSTATUS(status);
	}
	check(good == 39 * 40 / 2, "40 children at once keep their own data",
	      "the sum of their statuses is %d", good);

	pid = fork();
	need(pid >= 0);
	if (!pid)
		abort();
	status = wait_for(pid);
	check(status == 1000 + SIGABRT, "a child killed by a signal says so",
	      "status %d", status);
	return done();
}
