// SPDX-License-Identifier: GPL-2.0
/*
 * hold flock|ofd FILE: lock all of it, in one of two ways, and keep the lock.
 * ofd wants to write; flock, only to read. Says HELD when it has it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	struct flock all = { .l_type = F_WRLCK };
	int ofd = argc == 3 && !strcmp(argv[1], "ofd");
	int file = argc == 3 ? open(argv[2], ofd ? O_RDWR : O_RDONLY) : -1;

	if (file < 0 || (ofd ? fcntl(file, F_OFD_SETLK, &all) :
			       flock(file, LOCK_EX))) {
		perror("hold");
		return 1;
	}
	puts("HELD");
	fflush(stdout);
	for (;;)
		pause();
}
