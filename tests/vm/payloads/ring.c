// SPDX-License-Identifier: GPL-2.0
/*
 * ring PID IRQ: interrupt the Guest of that Launcher. lg takes a request from
 * the Launcher's own process only, so one of its threads is made to write it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/types.h>
#include "lguest_launcher.h"

static int find_device(const char *pid)
{
	char name[64], target[64];

	for (int fd = 0; fd < 64; fd++) {
		snprintf(name, sizeof(name), "/proc/%s/fd/%d", pid, fd);
		memset(target, 0, sizeof(target));
		if (readlink(name, target, sizeof(target) - 1) >= 0 &&
		    !strcmp(target, "/dev/lguest"))
			return fd;
	}
	return -1;
}

/* The thread waits in a system call, which it has to begin anew after ours. */
static int write_as(pid_t tid, int fd, const __u64 request[2])
{
	struct user_regs_struct was, regs;
	unsigned long buffer;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) ||
	    waitpid(tid, NULL, __WALL) != tid)
		return 0;
	if (ptrace(PTRACE_GETREGS, tid, 0, &was) || (long)was.orig_rax < 0) {
		ptrace(PTRACE_DETACH, tid, 0, 0);
		return 0;
	}
	was.rip -= 2;			/* back to the syscall instruction */
	was.rax = was.orig_rax;
	was.orig_rax = -1;
	buffer = (was.rsp - 512) & -8;	/* below the red zone */
	ptrace(PTRACE_POKEDATA, tid, buffer, request[0]);
	ptrace(PTRACE_POKEDATA, tid, buffer + 8, request[1]);
	regs = was;
	regs.rax = SYS_write;
	regs.rdi = fd;
	regs.rsi = buffer;
	regs.rdx = 2 * sizeof(request[0]);
	ptrace(PTRACE_SETREGS, tid, 0, &regs);
	for (int stop = 0; stop < 2; stop++) {	/* its entry, its exit */
		ptrace(PTRACE_SYSCALL, tid, 0, 0);
		waitpid(tid, NULL, __WALL);
	}
	ptrace(PTRACE_GETREGS, tid, 0, &regs);
	ptrace(PTRACE_SETREGS, tid, 0, &was);
	ptrace(PTRACE_DETACH, tid, 0, 0);
	return regs.rax == regs.rdx;
}

int main(int argc, char *argv[])
{
	__u64 request[] = { LHREQ_IRQ, argc == 3 ? atol(argv[2]) : -1L };
	struct dirent *entry;
	char tasks[64];
	DIR *dir;
	int fd;

	if (argc != 3)
		return 2;
	fd = find_device(argv[1]);
	snprintf(tasks, sizeof(tasks), "/proc/%s/task", argv[1]);
	dir = opendir(tasks);
	while (fd >= 0 && dir && (entry = readdir(dir)))
		/* not the thread that runs the Guest */
		if (atoi(entry->d_name) && strcmp(entry->d_name, argv[1]) &&
		    write_as(atoi(entry->d_name), fd, request))
			return 0;
	fprintf(stderr, "ring: no thread of %s could\n", argv[1]);
	return 1;
}
