// SPDX-License-Identifier: GPL-2.0
/*
 * disk verify DEVICE SECONDS SEED: random reads, writes and discards, many at
 *	once, each read compared with what was written last.
 * disk write FOLDER: writes and syncs, says what is safe: until it is killed.
 * disk written FOLDER NUMBER: is all there that was said to be safe?
 */
#include "check.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define SECTOR	512
#define WORDS	(SECTOR / 4)
#define SECTORS	(32 << 11)	/* that are used of the device: 32 MB */
#define MOST	512		/* sectors in one request */
#define DEPTH	64

static uint32_t state;		/* of a generator of random numbers */
static uint32_t version[SECTORS];	/* that was written last; 0: unknown */
static uint32_t versions;
static long wrong, failed;

static uint32_t below(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (uint64_t)(state ^ state >> 16) * n >> 32;
}

/* Small ones are as frequent as large ones. */
static uint32_t some_sectors(void)
{
	uint32_t n = 1 << below(10);

	return n - below(n / 2 + 1);
}

static void fill(uint32_t *words, uint32_t sector)
{
	uint32_t base = scramble(sector) ^ scramble(version[sector]);

	for (int i = 0; i < WORDS; i++)
		words[i] = base + i * 0x9e3779b9;
}

static void compare(const uint32_t *words, uint32_t sector)
{
	uint32_t right[WORDS];

	if (!version[sector])
		return;
	fill(right, sector);
	if (memcmp(words, right, SECTOR) && wrong++ < 5)
		printf("# sector %u is wrong: %08x, not %08x\n", sector,
		       words[0], right[0]);
}

struct task {
	struct iocb iocb;
	uint32_t sector, sectors;	/* 0: free */
	uint32_t *words;
} task[DEPTH];

/* Two requests on one sector have no right answer. */
static int is_busy(uint32_t sector, uint32_t sectors)
{
	for (struct task *t = task; t < task + DEPTH; t++)
		if (t->sectors && sector < t->sector + t->sectors &&
		    t->sector < sector + sectors)
			return 1;
	return 0;
}

static void prepare(struct task *t, int fd)
{
	int write = below(2);
	uint32_t i, sector, sectors;

	do {
		sectors = some_sectors();
		sector = below(SECTORS - sectors + 1);
	} while (is_busy(sector, sectors));
	t->sector = sector;
	t->sectors = sectors;
	for (i = 0; write && i < sectors; i++) {
		version[sector + i] = ++versions;
		fill(t->words + i * WORDS, sector + i);
	}
	t->iocb = (struct iocb) {
		.aio_data = (uint64_t)t,
		.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = fd,
		.aio_buf = (uint64_t)t->words,
		.aio_nbytes = sectors * SECTOR,
		.aio_offset = (uint64_t)sector * SECTOR,
	};
}

static void finish(const struct io_event *event)
{
	struct task *t = (struct task *)event->data;

	if (event->res != t->sectors * SECTOR && failed++ < 5)
		printf("# %u sectors at %u: %s\n", t->sectors, t->sector,
		       event->res < 0 ? strerror(-event->res) : "short");
	if (t->iocb.aio_lio_opcode == IOCB_CMD_PREAD)
		for (uint32_t i = 0; i < t->sectors; i++)
			compare(t->words + i * WORDS, t->sector + i);
	t->sectors = 0;
}

/* Discards may lose what was there; they must not touch the neighbours. */
static void discard(int fd)
{
	uint32_t sectors = 8 * (1 + below(64));
	uint32_t sector = 8 * below((SECTORS - sectors) / 8);
	uint64_t range[] = { (uint64_t)sector * SECTOR, sectors * SECTOR };

	if (is_busy(sector, sectors))
		return;
	need(!ioctl(fd, BLKDISCARD, range));
	memset(version + sector, 0, sectors * sizeof(*version));
}

/* Many at once, past the cache. The number of them changes all the time. */
static long direct(int fd, int64_t until)
{
	struct io_event event[DEPTH];
	struct iocb *iocb[DEPTH];
	aio_context_t context = 0;
	int running = 0, wanted, i, n;
	long requests = 0;

	need(!syscall(SYS_io_setup, DEPTH, &context));
	do {
		wanted = now_ns() < until ? 1 + below(DEPTH) : 0;
		for (i = n = 0; i < DEPTH && running + n < wanted; i++) {
			if (task[i].sectors)
				continue;
			prepare(&task[i], fd);
			iocb[n++] = &task[i].iocb;
		}
		need(!n || syscall(SYS_io_submit, context, n, iocb) == n);
		running += n;
		requests += n;
		if (wanted && !below(8))
			discard(fd);
		n = running ? syscall(SYS_io_getevents, context, 1, DEPTH,
				      event, NULL) : 0;
		need(n >= 0);
		running -= n;
		for (i = 0; i < n; i++)
			finish(&event[i]);
	} while (running || wanted);
	return requests;
}

/* Through the cache, and then by the other way. */
static long cached(int fd, int other, int64_t until)
{
	struct task *t = task;
	long requests = 0;
	uint32_t i;

	for (; now_ns() < until; requests++) {
		prepare(t, fd);
		if (t->iocb.aio_lio_opcode == IOCB_CMD_PWRITE) {
			need(pwrite(fd, t->words, t->iocb.aio_nbytes,
				    t->iocb.aio_offset) ==
			     (ssize_t)t->iocb.aio_nbytes);
		} else {
			need(pread(fd, t->words, t->iocb.aio_nbytes,
				   t->iocb.aio_offset) ==
			     (ssize_t)t->iocb.aio_nbytes);
			for (i = 0; i < t->sectors; i++)
				compare(t->words + i * WORDS, t->sector + i);
		}
		t->sectors = 0;
	}
	need(!fsync(fd) && !ioctl(fd, BLKFLSBUF, 0));
	for (uint32_t at = 0; at < SECTORS; at += MOST) {
		need(pread(other, t->words, MOST * SECTOR,
			   (off_t)at * SECTOR) == MOST * SECTOR);
		for (i = 0; i < MOST; i++)
			compare(t->words + i * WORDS, at + i);
	}
	return requests;
}

static int verify(const char *device, int seconds, int seed)
{
	int past = open(device, O_RDWR | O_DIRECT), fd = open(device, O_RDWR);
	int64_t start = now_ns();
	long requests;

	need(past >= 0 && fd >= 0);
	state = seed;
	for (struct task *t = task; t < task + DEPTH; t++)
		need(!posix_memalign((void **)&t->words, 4096, MOST * SECTOR));
	requests = direct(past, start + seconds * 700000000LL);
	check(!wrong && !failed && requests > 100, "many at once",
	      "%ld requests, %ld sectors wrong, %ld errors", requests, wrong,
	      failed);
	printf("# seed %d: %ld requests in %d ms\n", seed, requests,
	       (int)((now_ns() - start) / 1000000));
	requests = cached(fd, past, start + seconds * 1000000000LL);
	check(!wrong && requests > 20, "through the cache",
	      "%ld requests, %ld sectors wrong", requests, wrong);
	return done();
}

/*
 * Record N: its length and its contents follow from N. They make up one file
 * that grows; every fourth has a file of its own as well.
 */
#define RECORD	4096

static int record(int n, unsigned char *bytes)
{
	int length = 1 + scramble(n) % RECORD;

	for (int i = 0; i < length; i++)
		bytes[i] = n + i * 7 + (i >> 8);
	return length;
}

static void write_file(const char *folder, int n, int dir)
{
	unsigned char bytes[RECORD];
	char name[256];
	int fd, length = record(n, bytes);

	snprintf(name, sizeof(name), "%s/%d", folder, n);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	need(fd >= 0 && write(fd, bytes, length) == length);
	need(!fsync(fd) && !fsync(dir) && !close(fd));
}

static int write_all(const char *folder)
{
	unsigned char bytes[RECORD];
	char name[256];
	int fd, n, length, dir = open(folder, O_RDONLY);

	snprintf(name, sizeof(name), "%s/all", folder);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	need(dir >= 0 && fd >= 0 && !fsync(dir));
	for (n = 1;; n++) {
		length = record(n, bytes);
		need(write(fd, bytes, length) == length && !fdatasync(fd));
		if (n % 4 == 0)
			write_file(folder, n, dir);
		printf("safe %d\n", n);
		fflush(stdout);
	}
}

static int same(int fd, int n)
{
	unsigned char bytes[RECORD], right[RECORD];
	int length = record(n, right);

	return read(fd, bytes, length) == length &&
	       !memcmp(bytes, right, length);
}

static int written(const char *folder, int most)
{
	int fd, one, n, good = 0;
	char name[256];

	snprintf(name, sizeof(name), "%s/all", folder);
	fd = open(name, O_RDONLY);
	for (n = 1; n <= most; n++) {
		if (!same(fd, n))
			break;
		good = n;
		if (n % 4)
			continue;
		snprintf(name, sizeof(name), "%s/%d", folder, n);
		one = open(name, O_RDONLY);
		if (!same(one, n))
			break;
		close(one);
	}
	check(most && n > most, "all that was safe is there", "of %d only %d", most,
	      good);
	return done();
}

int main(int argc, char *argv[])
{
	if (argc == 5 && !strcmp(argv[1], "verify"))
		return verify(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_all(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "written"))
		return written(argv[2], atoi(argv[3]));
	fprintf(stderr, "disk verify|write|written: see the source\n");
	return 2;
}
