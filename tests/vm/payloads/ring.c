// SPDX-License-Identifier: GPL-2.0
/* ring PID IRQ: interrupt the Guest of that Launcher, in the Launcher's name. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/types.h>
#include "lguest_launcher.h"

int main(int argc, char *argv[])
{
	__u64 request[] = { LHREQ_IRQ, argc == 3 ? atol(argv[2]) : -1L };
	int pidfd, fd, number;
	char name[64], target[64];

	if (argc != 3)
		return 2;
	pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	for (number = 0; number < 64; number++) {
		snprintf(name, sizeof(name), "/proc/%s/fd/%d", argv[1], number);
		memset(target, 0, sizeof(target));
		if (readlink(name, target, sizeof(target) - 1) < 0 ||
		    strcmp(target, "/dev/lguest"))
			continue;
		fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
		if (write(fd, request, sizeof(request)) == sizeof(request))
			return 0;
	}
	perror("ring");
	return 1;
}
