// SPDX-License-Identifier: GPL-2.0
/* A disk of the Guest's is a file of ours. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/fs.h>

#include "launcher.h"

#define SECTOR	512
#define THREADS	16	/* of each disk: requests that may wait */
#define UNTOLD	8	/* answers without an interrupt, at most */
#define SLOW	1000000	/* nanoseconds */
#define HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

struct disk {
	struct device *device;
	struct lguest_block *shared;	/* the Guest writes there, too */
	char *path;
	int file, bell;
	int data;			/* the file again, where data goes */
	dev_t number;			/* of the Host's device; 0: a file */
	u32 logical_block, physical_block;	/* bytes, */
	u32 discard_granularity;		/* 0: it can't */
	bool rotational;
	bool read_only, direct;
	bool broken;			/* data that was promised is lost */
	bool slow;			/* it was, the last time */
	u64 sectors;
	pthread_mutex_t lead;		/* who holds it takes requests; of: */
	u32 taken;
	u32 untold;			/* answers without an interrupt */
	pthread_mutex_t answering;	/* of: */
	u32 completed;
};

/* What a thread is doing. */
struct job {
	struct disk *disk;
	int safe_file;			/* the disk's, opened again */
	u32 slot;
	struct lguest_block_request request;	/* our copy */
	struct iovec pieces[LGUEST_BLOCK_SEGMENTS];
	struct iovec *piece;		/* what is left of them */
	u32 count;
	u64 at, left;			/* in the file; bytes */
};

static int reopen(const struct disk *disk, int flags)
{
	return open_again(disk->file, flags | (disk->read_only ? O_RDONLY :
								 O_RDWR));
}

/*L:275 Past the Host's page cache. */
static int open_directly(const struct disk *disk)
{
	int file = reopen(disk, O_DIRECT);

	if (file < 0 && errno == EINVAL)
		die("cannot use %s directly: its file system has no such way;"
		    " leave out \",direct\"", disk->path);
	if (file < 0)
		die("cannot open %s again: %s", disk->path, strerror(errno));
	return file;
}
/*:*/
static void ask_device(struct disk *disk)
{
	const char *queue = device_says(disk->number, "partition") ?
			    "../queue" : "queue";
	unsigned short rotational = 0;
	char name[64];
	int logical;

	if (ioctl(disk->file, BLKSSZGET, &logical) ||
	    ioctl(disk->file, BLKPBSZGET, &disk->physical_block) ||
	    ioctl(disk->file, BLKROTATIONAL, &rotational))
		die("cannot ask %s what it is: %s", disk->path,
		    strerror(errno));
	if (logical < SECTOR || logical > (int)PAGE)
		die("cannot use %s: its sectors have %d bytes", disk->path,
		    logical);
	disk->logical_block = logical;
	disk->rotational = rotational;
	snprintf(name, sizeof(name), "%s/discard_max_bytes", queue);
	if (disk->read_only || !device_says(disk->number, name))
		return;
	snprintf(name, sizeof(name), "%s/discard_granularity", queue);
	disk->discard_granularity = device_says(disk->number, name);
}
static void ask_file(struct disk *disk)
{
	disk->logical_block = SECTOR;
	disk->physical_block = PAGE;
	if (!disk->read_only &&
	    !fallocate(disk->file, HOLE, disk->sectors * SECTOR, SECTOR))
		disk->discard_granularity = PAGE;
}
static void measure_disk(struct disk *disk)
{
	off_t bytes = lseek(disk->file, 0, SEEK_END);

	if (bytes <= 0)
		die("cannot use %s: it is empty", disk->path);
	if (bytes % SECTOR)
		die("cannot use %s: %lld bytes are no whole sectors of %d",
		    disk->path, (long long)bytes, SECTOR);
	disk->sectors = bytes / SECTOR;
	if (disk->number)
		ask_device(disk);
	else
		ask_file(disk);
}
/*L:230
 * Two kernels that write to one file system at once ruin it in seconds, as
 * each believes in what it remembers. One that only reads sees ruins, too. So
 * whoever writes has the disk for itself.
 */
static void open_disk(struct disk *disk)
{
	int flags = disk->read_only ? O_RDONLY : O_RDWR;
	struct stat info;

	if (stat(disk->path, &info))
		die("cannot open %s: %s", disk->path, strerror(errno));
	if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
		die("cannot use %s: no file, and no block device", disk->path);
	disk->file = open(disk->path, flags | O_CLOEXEC);
	if (disk->file < 0 || fstat(disk->file, &info))
		die("cannot open %s: %s", disk->path, strerror(errno));
	disk->number = S_ISBLK(info.st_mode) ? info.st_rdev : 0;
	disk->file = own_disk(disk->path, disk->file, disk->read_only);
}
/*:*/
static void copy_request(struct job *job)
{
	job->request = job->disk->shared->request[job->slot];
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static u32 find_pieces(struct job *job)
{
	const struct lguest_block_request *r = &job->request;
	const struct machine *m = job->disk->device->m;
	u64 bytes = 0;
	u32 i;

	if (r->segments > LGUEST_BLOCK_SEGMENTS)
		return LGUEST_BLOCK_FAILED;
	for (i = 0; i < r->segments; i++) {
		const struct lguest_segment *s = &r->segment[i];

		job->pieces[i].iov_base = guest_memory(m, s->gpa, s->bytes);
		job->pieces[i].iov_len = s->bytes;
		if (!job->pieces[i].iov_base)
			return LGUEST_BLOCK_FAILED;
		bytes += s->bytes;
	}
	job->piece = job->pieces;
	job->count = r->segments;
	return bytes == r->bytes ? LGUEST_BLOCK_OK : LGUEST_BLOCK_FAILED;
}
/*L:240
 * Answers LGUEST_BLOCK_OK if it can be tried. No sum of the Guest's numbers is
 * made that could wrap: each is compared with what is left of something. Only
 * the bytes of the segments are summed up, thirty numbers of 32 bits, in 64.
 */
static u32 check_request(struct job *job)
{
	const struct lguest_block_request *r = &job->request;
	const struct disk *disk = job->disk;

	if (r->kind > LGUEST_BLOCK_TRIM)
		return LGUEST_BLOCK_UNKNOWN;
	if (r->kind == LGUEST_BLOCK_FLUSH)
		return LGUEST_BLOCK_OK;
	if (!r->bytes || r->bytes % SECTOR || r->sector > disk->sectors ||
	    r->bytes / SECTOR > disk->sectors - r->sector)
		return LGUEST_BLOCK_FAILED;
	if (r->kind != LGUEST_BLOCK_READ && disk->read_only)
		return LGUEST_BLOCK_FAILED;
	job->at = r->sector * SECTOR;
	job->left = r->bytes;
	if (r->kind == LGUEST_BLOCK_TRIM)
		return LGUEST_BLOCK_OK;
	return find_pieces(job);
}
/*:*/
static u32 meaning_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return LGUEST_BLOCK_FULL;
	case EOPNOTSUPP:
		return LGUEST_BLOCK_UNKNOWN;
	default:
		return LGUEST_BLOCK_FAILED;
	}
}
static void advance(struct job *job, size_t n)
{
	job->at += n;
	job->left -= n;
	for (; job->count && n >= job->piece->iov_len; job->piece++) {
		n -= job->piece->iov_len;
		job->count--;
	}
	if (n) {
		job->piece->iov_base = (u8 *)job->piece->iov_base + n;
		job->piece->iov_len -= n;
	}
}
/*L:250
 * From where it stopped the last time, so one may begin with some flags and go
 * on with others. Zero bytes mean that the file is shorter than it was.
 */
static u32 move(struct job *job, int file, int flags)
{
	ssize_t n;

	while (job->left) {
		if (job->request.kind == LGUEST_BLOCK_READ)
			n = preadv2(file, job->piece, job->count, job->at,
				    flags);
		else
			n = pwritev2(file, job->piece, job->count, job->at,
				     flags);
		if (n > 0)
			advance(job, n);
		else if (!n)
			return LGUEST_BLOCK_FAILED;
		else if (errno == EINVAL && file != job->disk->file)
			file = job->disk->file;
		else if (errno != EINTR)
			return meaning_of(errno);
	}
	return LGUEST_BLOCK_OK;
}
/*:*/
static u64 nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static u32 move_timed(struct job *job)
{
	u64 start = nanoseconds();
	u32 verdict = move(job, job->disk->data, 0);

	__atomic_store_n(&job->disk->slow, nanoseconds() - start > SLOW,
			 __ATOMIC_RELAXED);
	return verdict;
}
static u32 waiting(const struct disk *disk)
{
	u32 n = __atomic_load_n(&disk->shared->submitted, __ATOMIC_ACQUIRE) -
		disk->taken;

	return n <= LGUEST_BLOCK_SLOTS ? n : 0;
}
static u32 move_at_once(struct job *job)
{
	u32 verdict = LGUEST_BLOCK_UNKNOWN;

	if (job->disk->direct)
		return waiting(job->disk) ? verdict :
					    move(job, job->disk->data, 0);
	if (job->request.kind == LGUEST_BLOCK_READ)
		verdict = move(job, job->disk->file, RWF_NOWAIT);
	if (verdict == LGUEST_BLOCK_UNKNOWN &&
	    !__atomic_load_n(&job->disk->slow, __ATOMIC_RELAXED))
		verdict = move_timed(job);
	return verdict;
}

static bool may_be_quick(const struct lguest_block_request *r)
{
	return r->kind == LGUEST_BLOCK_READ ||
	       (r->kind == LGUEST_BLOCK_WRITE && !r->fua);
}
/*L:260
 * Linux reports data that it could not write back later, once to each opening
 * of the file. If all threads shared one, one of them would be told, and
 * another would say "safe" at the same moment. So each thread has a file of
 * its own for this. And what was lost is lost: Linux forgets the data, and a
 * second try would succeed at nothing. After one broken promise there are no
 * more of them on this disk.
 */
static u32 promise(struct job *job)
{
	u32 answer = LGUEST_BLOCK_OK;

	if (__atomic_load_n(&job->disk->broken, __ATOMIC_ACQUIRE))
		return LGUEST_BLOCK_FAILED;
	if (job->request.kind == LGUEST_BLOCK_WRITE)
		answer = move(job, job->safe_file, 0);
	if (answer != LGUEST_BLOCK_OK || !fdatasync(job->safe_file))
		return answer;
	__atomic_store_n(&job->disk->broken, true, __ATOMIC_RELEASE);
	return meaning_of(errno);
}
/*:*/
static bool forget(const struct job *job)
{
	u64 range[] = { job->at, job->left };
	int file = job->disk->file;

	if (job->disk->number)
		return !ioctl(file, BLKDISCARD, range);
	return !fallocate(file, HOLE, job->at, job->left);
}
static u32 perform(struct job *job)
{
	switch (job->request.kind) {
	case LGUEST_BLOCK_FLUSH:
		return promise(job);
	case LGUEST_BLOCK_TRIM:
		return forget(job) ? LGUEST_BLOCK_OK : meaning_of(errno);
	case LGUEST_BLOCK_WRITE:
		if (job->request.fua)
			return promise(job);
		/* fall through */
	default:
		return move_timed(job);
	}
}
static void answer(const struct job *job, u32 answer)
{
	struct lguest_block *shared = job->disk->shared;
	struct disk *disk = job->disk;

	shared->request[job->slot].answer = answer;
	pthread_mutex_lock(&disk->answering);
	shared->complete[disk->completed++ % LGUEST_BLOCK_SLOTS] = job->slot;
	__atomic_store_n(&shared->completed, disk->completed,
			 __ATOMIC_RELEASE);
	pthread_mutex_unlock(&disk->answering);
}
static void tell_guest(struct disk *disk)
{
	if (disk->untold)
		device_interrupt(disk->device);
	disk->untold = 0;
}
static bool answer_at_once(struct job *job)
{
	u32 verdict = check_request(job);

	if (verdict == LGUEST_BLOCK_OK &&
	    (!may_be_quick(&job->request) ||
	     move_at_once(job) != LGUEST_BLOCK_OK))
		return false;
	answer(job, verdict);
	if (++job->disk->untold == UNTOLD)
		tell_guest(job->disk);
	return true;
}
static void sleep_until_rung(struct disk *disk)
{
	u64 rings;

	tell_guest(disk);
	__atomic_store_n(&disk->shared->asleep, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!waiting(disk) &&
	    read(disk->bell, &rings, sizeof(rings)) < 0)
		die("cannot hear the Guest: %s", strerror(errno));
	__atomic_store_n(&disk->shared->asleep, 0, __ATOMIC_RELAXED);
}
static void take_request(struct job *job)
{
	struct disk *disk = job->disk;
	u8 *next;

	do {
		while (!waiting(disk))
			sleep_until_rung(disk);
		next = &disk->shared->submit[disk->taken++ %
					     LGUEST_BLOCK_SLOTS];
		job->slot = __atomic_load_n(next, __ATOMIC_RELAXED);
	} while (job->slot >= LGUEST_BLOCK_SLOTS);
	copy_request(job);
}
/*L:270
 * What needs no waiting is done by the leader on the spot: to wake up somebody
 * would take longer.
 */
static void *serve_disk(void *with)
{
	struct job *job = with;
	struct disk *disk = job->disk;

	for (;;) {
		pthread_mutex_lock(&disk->lead);
		do
			take_request(job);
		while (answer_at_once(job));
		tell_guest(disk);
		pthread_mutex_unlock(&disk->lead);
		answer(job, perform(job));
		device_interrupt(disk->device);
	}
	return NULL;
}
/*:*/
static struct job *new_job(struct disk *disk)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		die("no memory for a disk");
	job->disk = disk;
	job->safe_file = reopen(disk, 0);
	if (job->safe_file < 0)
		die("cannot open %s again: %s", disk->path, strerror(errno));
	return job;
}

static void start_disk(struct device *d)
{
	struct disk *disk = d->own;
	int i;

	pthread_mutex_init(&disk->lead, NULL);
	pthread_mutex_init(&disk->answering, NULL);
	disk->bell = device_bind(d->m, d->gpa, 0);
	for (i = 0; i < THREADS; i++)
		start_thread(serve_disk, new_job(disk));
}
static bool take_off(char *name, const char *word)
{
	size_t rest = strlen(name) - strlen(word);

	if (strlen(name) <= strlen(word) || strcmp(name + rest, word))
		return false;
	name[rest] = '\0';
	return true;
}

void block_add(struct machine *m, const char *what)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	u32 features = 0;

	if (disk)
		disk->path = strdup(what);
	if (!disk || !disk->path)
		die("no memory for a disk");
	disk->direct = take_off(disk->path, ",direct");
	disk->read_only = take_off(disk->path, ",ro");
	if (!disk->direct)
		disk->direct = take_off(disk->path, ",direct");
	open_disk(disk);
	measure_disk(disk);
	disk->data = disk->direct ? open_directly(disk) : disk->file;
	if (disk->read_only)
		features = LGUEST_BLOCK_READ_ONLY;
	else if (disk->discard_granularity)
		features = LGUEST_BLOCK_DISCARD;
	disk->device = device_add(m, LGUEST_DEVICE_BLOCK, features,
				  sizeof(*disk->shared) / PAGE);
	disk->device->own = disk;
	disk->device->start = start_disk;
	disk->shared = (struct lguest_block *)disk->device->pages;
	disk->shared->sectors = disk->sectors;
	disk->shared->logical_block = disk->logical_block;
	disk->shared->physical_block = disk->physical_block;
	disk->shared->discard_granularity = disk->discard_granularity;
	disk->shared->rotational = disk->rotational;
	note("disk: %s: %llu sectors, features %u, irq %u", disk->path,
	     disk->sectors, features, disk->device->irq);
}
