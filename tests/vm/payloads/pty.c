// SPDX-License-Identifier: GPL-2.0
/*
 * pty COMMAND...: a person at a terminal. Runs the command on a new terminal,
 * types what comes from stdin, shows what it says, and ends as it ends.
 */
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int pass(int from, int to)
{
	char bytes[4096];
	ssize_t sent, n = read(from, bytes, sizeof(bytes)), at = 0;

	for (; at < n; at += sent) {
		sent = write(to, bytes + at, n - at);
		if (sent < 0)
			return 0;
	}
	return n > 0;
}

int main(int argc, char *argv[])
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct pollfd ends[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int status;
	pid_t pid;

	(void)argc;
	pid = forkpty(&ends[1].fd, NULL, NULL, &size);
	if (!pid) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	/* Nobody types while more is said than is shown. */
	while (pid > 0 && poll(ends, 2, -1) > 0) {
		if (ends[1].revents && !pass(ends[1].fd, 1))
			break;
		if (!ends[1].revents && ends[0].revents &&
		    !pass(0, ends[1].fd))
			ends[0].fd = -1;
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
