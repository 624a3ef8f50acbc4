// SPDX-License-Identifier: GPL-2.0
/* modules FILE...: load and unload each (.ko or .ko.xz), and use two. */
#include "check.h"
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/module.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ROUNDS		5
#define BLOCK		4096
#define BLOCKS		256

/* "/a/nls_utf8.ko.xz" is nls_utf8, "crc-itu-t.ko" is crc_itu_t. */
static void name_of(const char *file, char name[64])
{
	const char *slash = strrchr(file, '/');

	snprintf(name, 64, "%.63s", slash ? slash + 1 : file);
	name[strcspn(name, ".")] = '\0';
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

static int is_live(const char *name)
{
	FILE *in = fopen("/proc/modules", "r");
	char line[256], found[64], state[16];
	int live = 0;

	need(in);
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, "%63s %*s %*s %*s %15s", found, state) == 2 &&
		    !strcmp(found, name))
			live = !strcmp(state, "Live");
	fclose(in);
	return live;
}

static int load(const char *file)
{
	size_t length = strlen(file);
	int compressed = length > 3 && !strcmp(file + length - 3, ".xz");
	int fd = open(file, O_RDONLY), error = 0;

	if (fd < 0 || syscall(SYS_finit_module, fd, "",
			      compressed ? MODULE_INIT_COMPRESSED_FILE : 0))
		error = errno;
	close(fd);
	return error;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static int exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

/* Write a file through a loop device; answer how many blocks are wrong. */
static int wrong_through_loop(void)
{
	char name[] = "/tmp/loop.XXXXXX", device[32];
	int control, number, file, loop, wrong = 0, i;
	uint32_t block[BLOCK / 4], right[BLOCK / 4];

	control = open("/dev/loop-control", O_RDWR);
	need(control >= 0);
	number = ioctl(control, LOOP_CTL_GET_FREE);
	need(number >= 0);
	snprintf(device, sizeof(device), "/dev/loop%d", number);
	file = mkstemp(name);
	need(file >= 0 && !unlink(name) && !ftruncate(file, BLOCKS * BLOCK));
	loop = open(device, O_RDWR);
	need(loop >= 0 && !ioctl(loop, LOOP_SET_FD, file));
	for (i = 0; i < BLOCKS; i++) {
		for (int j = 0; j < BLOCK / 4; j++)
			block[j] = scramble(i * BLOCK + j);
		need(pwrite(loop, block, BLOCK, i * BLOCK) == BLOCK);
	}
	need(!fsync(loop));
	for (i = 0; i < BLOCKS; i++) {
		for (int j = 0; j < BLOCK / 4; j++)
			right[j] = scramble(i * BLOCK + j);
		need(pread(file, block, BLOCK, i * BLOCK) == BLOCK);
		wrong += memcmp(block, right, BLOCK) != 0;
	}
	need(!ioctl(loop, LOOP_CLR_FD, 0));
	close(loop);
	close(file);
	close(control);
	return wrong;
}

static void check_module(const char *file)
{
	int error = 0, live = 0, gone = 0, i;
	char name[64], text[128];

	name_of(file, name);
	for (i = 0; i < ROUNDS && !error; i++) {
		error = load(file);
		live += is_live(name);
		if (!error && !i && !strcmp(name, "dummy")) {
			check(exists("/sys/class/net/dummy0"),
			      "dummy makes dummy0", "it does not");
		}
		if (!error && !i && !strcmp(name, "loop")) {
			int wrong = wrong_through_loop();

			check(!wrong, "a file written through loop",
			      "%d blocks wrong", wrong);
		}
		if (!error)
			error = unload(name);
		gone += !is_live(name);
	}
	snprintf(text, sizeof(text), "%s comes and goes", name);
	check(!error && live == ROUNDS && gone == ROUNDS, text,
	      "%s; round %d, live %d times, gone %d", strerror(error), i, live,
	      gone);
	if (!strcmp(name, "dummy"))
		check(!exists("/sys/class/net/dummy0"),
		      "dummy takes dummy0 with it", "it is still there");
}

int main(int argc, char **argv)
{
	check(argc > 1, "there are modules to try", "none was named");
	for (int i = 1; i < argc; i++)
		check_module(argv[i]);
	return done();
}
