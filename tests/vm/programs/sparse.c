// SPDX-License-Identifier: GPL-2.0
/* sparse [FOLDER]: a file on a tmpfs that is mostly holes, and mapped. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE	4096L
#define BYTES	(1L << 30)
#define STEP	(32L << 20)	/* one page of data in each */
#define SPOTS	(BYTES / STEP)

static int fd;
static char *map;

static void fill(char *page, int seed)
{
	for (int i = 0; i < PAGE; i++)
		page[i] = scramble(seed * PAGE + i);
}

static int is_filled(char *page, int seed)
{
	char right[PAGE];

	fill(right, seed);
	return !memcmp(page, right, PAGE);
}

static int is_zero(char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static void check_holes(void)
{
	int wrong = 0, i;
	char page[PAGE];
	struct stat st;

	need(!ftruncate(fd, BYTES));
	for (i = 0; i < SPOTS; i++) {
		fill(page, i);
		need(pwrite(fd, page, PAGE, i * STEP + STEP / 2) == PAGE);
	}
	need(!fstat(fd, &st));
	check(st.st_size == BYTES && st.st_blocks == SPOTS * PAGE / 512,
	      "a gigabyte of holes takes only its data's room",
	      "%ld bytes in %ld blocks", (long)st.st_size, (long)st.st_blocks);
	for (i = 0; i < SPOTS; i++) {
		need(pread(fd, page, PAGE, i * STEP + STEP / 2) == PAGE);
		wrong += !is_filled(page, i);
		need(pread(fd, page, PAGE, i * STEP + STEP / 2 - PAGE) == PAGE);
		wrong += !is_zero(page);
		need(pread(fd, page, PAGE, i * STEP) == PAGE);
		wrong += !is_zero(page);
	}
	check(!wrong, "data reads back, holes read as zero", "%d pages wrong",
	      wrong);
	for (i = wrong = 0; i < SPOTS; i++) {
		off_t data = lseek(fd, i * STEP, SEEK_DATA);

		wrong += data != i * STEP + STEP / 2 ||
			 lseek(fd, data, SEEK_HOLE) != data + PAGE;
	}
	check(!wrong, "SEEK_DATA and SEEK_HOLE find them", "%d wrong", wrong);
}

static void check_shared(void)
{
	int wrong = 0, i;
	char page[PAGE];
	pid_t pid;

	map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(map != MAP_FAILED);
	for (i = 0; i < SPOTS; i++) {
		wrong += !is_filled(map + i * STEP + STEP / 2, i);
		wrong += !is_zero(map + i * STEP + STEP / 4);
	}
	check(!wrong, "the mapping shows the same", "%d pages wrong", wrong);

	for (i = 0; i < SPOTS; i++)
		fill(map + i * STEP, 1000 + i);
	check(!msync(map, BYTES, MS_SYNC), "msync", "%s", strerror(errno));
	for (i = wrong = 0; i < SPOTS; i++) {
		need(pread(fd, page, PAGE, i * STEP) == PAGE);
		wrong += !is_filled(page, 1000 + i);
	}
	check(!wrong, "read sees what the mapping wrote", "%d pages wrong",
	      wrong);
	for (i = wrong = 0; i < SPOTS; i++) {
		fill(page, 2000 + i);
		need(pwrite(fd, page, PAGE, i * STEP) == PAGE);
		wrong += !is_filled(map + i * STEP, 2000 + i);
	}
	check(!wrong, "the mapping sees what write wrote", "%d pages wrong",
	      wrong);

	pid = fork();
	need(pid >= 0);
	if (!pid) {
		for (i = 0; i < SPOTS; i++)
			fill(map + i * STEP, 3000 + i);
		_exit(0);
	}
	need(!wait_for(pid));
	for (i = wrong = 0; i < SPOTS; i++)
		wrong += !is_filled(map + i * STEP, 3000 + i);
	check(!wrong, "a child's writes to it are seen", "%d pages wrong",
	      wrong);
}

static void check_private(void)
{
	char page[PAGE], *mine;
	int wrong = 0, i;

	mine = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	need(mine != MAP_FAILED);
	for (i = 0; i < SPOTS; i++) {
		wrong += !is_filled(mine + i * STEP, 3000 + i);
		fill(mine + i * STEP, 4000 + i);
	}
	for (i = 0; i < SPOTS; i++) {
		wrong += !is_filled(mine + i * STEP, 4000 + i);
		need(pread(fd, page, PAGE, i * STEP) == PAGE);
		wrong += !is_filled(page, 3000 + i);
	}
	check(!wrong, "writes to a private mapping stay private",
	      "%d pages wrong", wrong);
	munmap(mine, BYTES);
}

static void check_punch(void)
{
	int wrong = 0, i;
	struct stat st;

	need(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			BYTES / 2));
	for (i = 0; i < SPOTS / 2; i++)
		wrong += !is_zero(map + i * STEP) ||
			 !is_zero(map + i * STEP + STEP / 2);
	for (; i < SPOTS; i++)
		wrong += !is_filled(map + i * STEP, 3000 + i);
	check(!wrong, "a punched hole is zero in the mapping, the rest stays",
	      "%d pages wrong", wrong);
	need(!ftruncate(fd, 0) && !fstat(fd, &st));
	check(st.st_blocks == 0, "truncation gives all back", "%ld blocks",
	      (long)st.st_blocks);
}

int main(int argc, char **argv)
{
	char name[200];

	snprintf(name, sizeof(name), "%s/sparse.XXXXXX",
		 argc > 1 ? argv[1] : "/tmp");
	fd = mkstemp(name);
	need(fd >= 0 && !unlink(name));
	check_holes();
	check_shared();
	check_private();
	check_punch();
	return done();
}
