// SPDX-License-Identifier: GPL-2.0
/* Disks: this program plays the Guest, in memory that it shares with them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "test.h"

#define SECTOR	512
#define MEMORY	(16 * MB)
#define SLOTS	LGUEST_BLOCK_SLOTS

/* The Host: a socket, on which the Launcher says what it wants of it. */
static struct options options;
static struct machine *machine;
static int host[2];

/* What this Guest knows of its disk. */
static struct disk_of_guest {
	struct lguest_block *page;
	u64 key;
	int bell;
	u32 submitted, completed, rings;
} guest;

/* Faults that the disk's file has, and what was asked of it. */
static u32 syncs, moves, most_at_once, changes;
static int sync_error, move_error;
static bool short_moves, interrupted, slow;

/* Which descriptors are being synced; and which wrote last, and by whom. */
static u32 syncing[4096], shared_syncs;
static int sync_file, moved_file;
static pid_t plain_writer;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __real_preadv2(int fd, const struct iovec *iov, int n, off_t at,
		       int flags);
ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t at,
		       int flags);
ssize_t __real_pwritev2(int fd, const struct iovec *iov, int n, off_t at,
			int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *iov, int n, off_t at,
			int flags);

static u32 count(u32 *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

int __wrap_fdatasync(int fd)
{
	sync_file = fd;
	count(&syncs);
	if (count(&syncing[fd]) > 1)
		count(&shared_syncs);
	if (slow)
		usleep(20000);
	__atomic_sub_fetch(&syncing[fd], 1, __ATOMIC_SEQ_CST);
	errno = sync_error;
	return sync_error ? -1 : __real_fdatasync(fd);
}

static bool fails(int flags)
{
	static u32 now;
	u32 n = count(&now);

	if (n > most_at_once)
		most_at_once = n;
	if (slow && !(flags & RWF_NOWAIT))
		usleep(20000);
	__atomic_sub_fetch(&now, 1, __ATOMIC_SEQ_CST);
	if (interrupted && count(&moves) % 3 == 0) {
		errno = EINTR;
		return true;
	}
	errno = move_error;
	return move_error;
}

/* As much as Linux might move, if it is in a bad mood. */
static ssize_t part(const struct iovec *iov, int n, struct iovec *first)
{
	while (n > 1 && !iov->iov_len) {
		iov++;
		n--;
	}
	*first = *iov;
	if (first->iov_len > 1)
		first->iov_len = first->iov_len * 2 / 3;
	return 1;
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t at,
		       int flags)
{
	struct iovec first;

	if (fails(flags))
		return -1;
	if (slow && flags & RWF_NOWAIT) {
		errno = EAGAIN;
		return -1;
	}
	if (short_moves && part(iov, n, &first))
		return __real_preadv2(fd, &first, 1, at, flags);
	return __real_preadv2(fd, iov, n, at, flags);
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *iov, int n, off_t at,
			int flags)
{
	struct iovec first;

	moved_file = fd;
	changes += plain_writer != gettid();
	plain_writer = gettid();
	if (fails(flags))
		return -1;
	if (short_moves && part(iov, n, &first))
		return __real_pwritev2(fd, &first, 1, at, flags);
	return __real_pwritev2(fd, iov, n, at, flags);
}

#define DISK_SECTORS	16384ULL	/* 8 MB */

/* What should be on the disk; and what is. */
static u8 mirror[DISK_SECTORS * SECTOR], now[DISK_SECTORS * SECTOR];
static char path[PATH_MAX];

static void new_file(const char *folder)
{
	static u32 files;
	int fd;

	snprintf(path, sizeof(path), "%s/disk%u", folder, files++);
	memset(mirror, 0, sizeof(mirror));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(mirror)))
		die("cannot make %s", path);
	close(fd);
}

static void read_file_now(void)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, now, sizeof(now)) != sizeof(now))
		die("cannot read %s", path);
	close(fd);
}

/* A machine without a kernel, in which to plug disks. */
static void new_machine(void)
{
	machine = calloc(1, sizeof(*machine));
	machine->options = &options;
	machine->bytes = MEMORY;
	machine->top = MEMORY + PAGE;
	machine->memory = mmap(NULL, MEMORY + SHELF, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);
	if (machine->memory == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, host))
		die("no machine");
	machine->host = host[1];
}

static u64 clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static u64 cpu_ms(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Wait for the Launcher to say something; false if it doesn't. */
static bool hears(u64 *request, int ms)
{
	struct pollfd ready = { .fd = host[0], .events = POLLIN };

	return poll(&ready, 1, ms) == 1 &&
	       read(host[0], request, 4 * sizeof(u64)) > 0;
}

static void use_disk(const char *what)
{
	struct device *d;
	u64 request[4];

	new_machine();
	block_add(machine, what);
	start_devices(machine);
	d = machine->device;
	if (!hears(request, 5000) || request[0] != LHREQ_BIND_DMA)
		die("nobody listens to the bell");
	guest = (struct disk_of_guest) {
		.page = (struct lguest_block *)d->pages,
		.key = request[1], .bell = request[3],
	};
}

static void ring_bell(void)
{
	u64 one = 1;

	guest.rings++;
	if (write(guest.bell, &one, sizeof(one)) != sizeof(one))
		die("no bell");
}

/* As the driver does: ring only if the other side sleeps. */
static void submit(u32 slot)
{
	guest.page->submit[guest.submitted++ % SLOTS] = slot;
	__atomic_store_n(&guest.page->submitted, guest.submitted,
			 __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&guest.page->asleep, __ATOMIC_RELAXED))
		ring_bell();
}

static bool has_answer(void)
{
	return __atomic_load_n(&guest.page->completed, __ATOMIC_ACQUIRE) !=
	       guest.completed;
}

/* The slot of the next answer, or -1. Interrupts are all there is to go by. */
static int answered(int ms)
{
	u64 request[4], end = clock_ms() + ms;

	while (!has_answer())
		if (clock_ms() >= end || !hears(request, ms))
			return -1;
	return guest.page->complete[guest.completed++ % SLOTS];
}

static struct lguest_block_request *request(u32 slot, u32 kind, u64 sector,
					    u64 bytes)
{
	struct lguest_block_request *r = &guest.page->request[slot];

	memset(r, 0, sizeof(*r));
	*r = (struct lguest_block_request) {
		.kind = kind, .sector = sector, .bytes = bytes,
		.segments = 1, .answer = 99,
		.segment = { { .gpa = 8 * MB, .bytes = bytes } },
	};
	return r;
}

/* Submit what is in a slot, alone; what does the disk say? */
static u32 ask(u32 slot)
{
	submit(slot);
	if (answered(5000) != (int)slot)
		return 98;
	return guest.page->request[slot].answer;
}

static u32 state = 1;

static u32 any(u32 below)
{
	state = state * 1664525 + 1013904223;
	return ((u64)state * below) >> 32;
}

/* Each slot has a quarter of a megabyte, and a part of the disk. */
static u8 *buffer_of(u32 slot)
{
	return machine->memory + slot * (MEMORY / SLOTS);
}

/* Cut the bytes into pieces with odd lengths and odd gaps. */
static void scatter(struct lguest_block_request *r, u32 slot)
{
	u32 i, n, left = r->bytes, pieces = 1 + any(LGUEST_BLOCK_SEGMENTS);
	u64 at = any(5000);

	for (i = 0; i < pieces; i++) {
		n = i == pieces - 1 ? left : any(left + 1) / 2;
		r->segment[i].gpa = buffer_of(slot) - machine->memory + at;
		r->segment[i].bytes = n;
		at += n + any(100);
		left -= n;
	}
	r->segments = pieces;
}

static void move_pieces(const struct lguest_block_request *r, u8 *disk,
			bool to_disk)
{
	u8 *piece;
	u32 i;

	for (i = 0; i < r->segments; i++) {
		piece = machine->memory + r->segment[i].gpa;
		memcpy(to_disk ? disk : piece, to_disk ? piece : disk,
		       r->segment[i].bytes);
		disk += r->segment[i].bytes;
	}
}

static bool same_pieces(const struct lguest_block_request *r, const u8 *disk)
{
	u32 i;

	for (i = 0; i < r->segments; i++) {
		if (memcmp(machine->memory + r->segment[i].gpa, disk,
			   r->segment[i].bytes))
			return false;
		disk += r->segment[i].bytes;
	}
	return true;
}

static void begin(u32 slot)
{
	u64 share = DISK_SECTORS / SLOTS;
	u64 sector = slot * share + any(share);
	u64 sectors = 1 + any(slot * share + share - sector);
	u32 kind = any(8);
	struct lguest_block_request *r;
	u8 *disk = mirror + sector * SECTOR;
	u32 i;

	kind = kind < 3 ? LGUEST_BLOCK_WRITE : kind < 6 ? LGUEST_BLOCK_READ :
	       kind == 6 ? LGUEST_BLOCK_FLUSH : LGUEST_BLOCK_TRIM;
	r = request(slot, kind, sector, sectors * SECTOR);
	r->segments = 0;
	r->fua = kind == LGUEST_BLOCK_WRITE && !any(4);
	if (kind == LGUEST_BLOCK_TRIM)
		memset(disk, 0, r->bytes);
	if (kind == LGUEST_BLOCK_WRITE || kind == LGUEST_BLOCK_READ) {
		scatter(r, slot);
		memset(buffer_of(slot), any(256), MEMORY / SLOTS);
		for (i = 0; i < 1000; i++)
			buffer_of(slot)[any(MEMORY / SLOTS)] = any(256);
	}
	if (kind == LGUEST_BLOCK_WRITE)
		move_pieces(r, disk, true);
	submit(slot);
}

/* Up to `depth` requests at a time, each in its own part of the disk. */
static void random_work(u32 times, u32 depth, const char *what)
{
	struct lguest_block_request *r;
	u32 begun, done, failed = 0, wrong = 0;
	int slot;

	for (begun = 0; begun < depth; begun++)
		begin(begun);
	for (done = 0; done < times; done++) {
		slot = answered(5000);
		if (slot < 0)
			break;
		r = &guest.page->request[slot];
		failed += r->answer != LGUEST_BLOCK_OK;
		if (r->kind == LGUEST_BLOCK_READ)
			wrong += !same_pieces(r, mirror + r->sector * SECTOR);
		if (begun++ < times)
			begin(slot);
	}
	read_file_now();
	ok(done == times && !failed && !wrong &&
	   !memcmp(now, mirror, sizeof(now)),
	   "%s: %u requests, %u at once: %u failed, %u wrong", what, done,
	   depth, failed, wrong);
}

static void check_work(const char *folder)
{
	new_file(folder);
	use_disk(path);
	ok(guest.key == machine->device[0].gpa &&
	   guest.page->sectors == DISK_SECTORS,
	   "a disk has its size, and a bell at its first page");
	ok(machine->device[0].desc->features == LGUEST_BLOCK_DISCARD,
	   "it can forget");
	random_work(3000, 1, "one at a time");
	guest.rings = 0;
	random_work(6000, 64, "many at a time");
	ok(guest.rings && guest.rings < 5000, "rings %u times for those",
	   guest.rings);
	short_moves = true;
	interrupted = true;
	random_work(600, 20, "short and interrupted");
	short_moves = false;
	interrupted = false;

	most_at_once = 0;
	slow = true;
	random_work(300, 64, "slow");
	slow = false;
	ok(most_at_once >= 8, "%u were under way at once", most_at_once);
}

/* So many of a kind at once; answers the milliseconds until all is done. */
static u64 in_slots(u32 n, u32 kind)
{
	u64 start = clock_ms();
	u32 i;

	for (i = 0; i < n; i++) {
		request(i, kind, i * 8, 4096);
		submit(i);
	}
	for (i = 0; i < n && answered(5000) >= 0; i++)
		;
	return i == n ? clock_ms() - start : ~0ULL;
}

static void check_leader(void)
{
	u64 ms;
	u32 i;

	changes = 0;
	for (i = 0; i < 2000; i++)
		in_slots(1, LGUEST_BLOCK_WRITE);
	ok(changes < 200, "2000 quick writes: the leader changed %u times",
	   changes);
	slow = true;
	/* The best of five, since the machine may be busy. */
	for (i = 0, ms = ~0; i < 5 && ms >= 64 * 20 / 3; i++)
		ms = in_slots(64, LGUEST_BLOCK_WRITE);
	ok(ms < 64 * 20 / 3, "64 slow writes: others help, %llu ms", ms);
	shared_syncs = 0;
	for (i = 0, ms = ~0; i < 5 && ms >= 16 * 20 / 2; i++)
		ms = in_slots(16, LGUEST_BLOCK_FLUSH);
	slow = false;
	ok(ms < 16 * 20 / 2 && !shared_syncs,
	   "16 slow flushes: %llu ms, and each has a file of its own", ms);
}

static void check_promises(void)
{
	u32 before = syncs;
	int common;

	request(0, LGUEST_BLOCK_WRITE, 0, 4096);
	ok(!ask(0) && syncs == before, "a write promises nothing");
	common = moved_file;
	request(0, LGUEST_BLOCK_WRITE, 0, 4096)->fua = 1;
	ok(!ask(0) && syncs == before + 1 && sync_file == moved_file &&
	   sync_file != common,
	   "FUA makes one write safe, through another file");
	request(0, LGUEST_BLOCK_FLUSH, 0, 0);
	ok(!ask(0) && syncs == before + 2, "a flush syncs");
}

static void check_broken(const char *folder)
{
	new_file(folder);
	use_disk(path);
	move_error = ENOSPC;
	request(0, LGUEST_BLOCK_WRITE, 0, 512)->fua = 1;
	ok(ask(0) == LGUEST_BLOCK_FULL, "FUA on a full disk is refused");
	move_error = 0;
	request(0, LGUEST_BLOCK_WRITE, 0, 512)->fua = 1;
	ok(ask(0) == LGUEST_BLOCK_OK, "and when there is room again, it is not");
	sync_error = EIO;
	request(0, LGUEST_BLOCK_FLUSH, 0, 0);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "a flush that fails says so");
	sync_error = 0;
	request(0, LGUEST_BLOCK_FLUSH, 0, 0);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "and so do all that follow");
	request(0, LGUEST_BLOCK_WRITE, 0, 512)->fua = 1;
	ok(ask(0) == LGUEST_BLOCK_FAILED, "FUA, too");
	request(0, LGUEST_BLOCK_WRITE, 0, 512);
	ok(ask(0) == LGUEST_BLOCK_OK, "but what promises nothing goes on");
}

static void check_errors(const char *folder)
{
	new_file(folder);
	use_disk(path);
	move_error = EIO;
	request(0, LGUEST_BLOCK_READ, 0, 512);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "a file that can't be read");
	request(0, LGUEST_BLOCK_WRITE, 0, 512);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "a file that can't be written");
	move_error = ENOSPC;
	ok(ask(0) == LGUEST_BLOCK_FULL, "a full disk of the Host's");
	move_error = EDQUOT;
	ok(ask(0) == LGUEST_BLOCK_FULL, "a full quota");
	move_error = 0;
	request(0, LGUEST_BLOCK_READ, 0, 4096);
	if (truncate(path, 1024))
		die("cannot cut");
	ok(ask(0) == LGUEST_BLOCK_FAILED, "a file that was cut meanwhile");
	ok(machine->memory[8 * MB] == 0 && !truncate(path, sizeof(mirror)),
	   "no more than that");
}

struct lie {
	const char *text;
	u32 kind;
	u64 sector, bytes;
	u32 segments;
	u64 gpa;
	u32 length;
	u32 wanted;
};

static const struct lie lies[] = {
	{ "the sector behind the last", 1, DISK_SECTORS, 512, 1, 0, 512, 1 },
	{ "across the end", 1, DISK_SECTORS - 1, 1024, 1, 0, 1024, 1 },
	{ "sector 2^55", 1, 1ULL << 55, 512, 1, 0, 512, 1 },
	{ "sector 2^64 - 1", 1, ~0ULL, 512, 1, 0, 512, 1 },
	{ "2^64 - 512 bytes", 1, 1, -512ULL, 1, 0, 512, 1 },
	{ "no bytes", 1, 0, 0, 0, 0, 0, 1 },
	{ "half a sector", 1, 0, 256, 1, 0, 256, 1 },
	{ "bytes without segments", 1, 0, 512, 0, 0, 0, 1 },
	{ "31 segments", 1, 0, 512, 31, 0, 512, 1 },
	{ "four billion segments", 1, 0, 512, ~0U, 0, 512, 1 },
	{ "a segment too short", 1, 0, 1024, 1, 0, 512, 1 },
	{ "a segment too long", 1, 0, 512, 1, 0, 1024, 1 },
	{ "a segment of 4 GB", 1, 0, 512, 1, 0, ~0U, 1 },
	{ "a segment at 2^64 - 512", 1, 0, 512, 1, -512ULL, 512, 1 },
	{ "a segment behind all memory", 0, 0, 512, 1, MEMORY + SHELF, 512,
	  1 },
	{ "a segment behind the devices", 0, 0, 512, 1, MEMORY + 10 * PAGE,
	  512, 1 },
	{ "a segment across that end", 0, 0, 512, 1, MEMORY + 10 * PAGE - 511,
	  512, 1 },
	{ "a good segment and a bad one", 1, 0, 1024, 2, 0, 512, 1 },
	{ "kind 4", 4, 0, 512, 1, 0, 512, 3 },
	{ "kind 2^32 - 1", ~0U, 0, 512, 1, 0, 512, 3 },
	{ "forget behind the end", 3, DISK_SECTORS, 512, 0, 0, 0, 1 },
	{ "forget across the end", 3, DISK_SECTORS - 1, 1024, 0, 0, 0, 1 },
	{ "forget 2^64 - 512 bytes", 3, 1, -512ULL, 0, 0, 0, 1 },
	{ "forget half a sector", 3, 0, 256, 0, 0, 0, 1 },
};

static bool is_unharmed(void)
{
	struct stat info;

	read_file_now();
	return !memcmp(now, mirror, sizeof(now)) && !stat(path, &info) &&
	       info.st_size == sizeof(mirror);
}

static void check_lies(const char *folder)
{
	const struct lie *lie;
	u32 got, i, rings;
	u64 cpu;

	new_file(folder);
	use_disk(path);
	memset(machine->memory, 0xee, MEMORY);
	for (lie = lies; lie < lies + sizeof(lies) / sizeof(*lies); lie++) {
		struct lguest_block_request *r;

		r = request(5, lie->kind, lie->sector, lie->bytes);
		r->segments = lie->segments;
		r->segment[0].gpa = lie->gpa;
		r->segment[0].bytes = lie->length;
		r->segment[1].gpa = MEMORY + SHELF;
		r->segment[1].bytes = 512;
		got = ask(5);
		ok(got == lie->wanted, "%s: %u", lie->text, got);
	}
	ok(is_unharmed(), "the file is unharmed");

	for (i = SLOTS; i < 256; i += 37)
		submit(i);
	request(5, LGUEST_BLOCK_READ, 0, 512);
	ok(!ask(5), "slots that do not exist are passed over");

	for (i = 0; i < 40; i++) {
		request(i, LGUEST_BLOCK_READ, 0, 512);
		submit(5);
	}
	for (i = 0; i < 40 && answered(1000) == 5; i++)
		;
	ok(i == 40, "one slot 40 times: 40 answers");

	rings = guest.submitted;
	guest.submitted += SLOTS + 1;
	guest.page->submitted = guest.submitted;
	ring_bell();
	ok(answered(200) == -1, "65 at once: nonsense");
	guest.page->submitted = rings - 1;
	ring_bell();
	ok(answered(200) == -1, "a counter that goes back: nonsense");
	cpu = cpu_ms();
	for (i = 0; i < 200; i++) {
		guest.page->submitted = any(~0U) | 1U << 31;
		ring_bell();
		usleep(1000);
	}
	ok(cpu_ms() - cpu < 150, "nonsense costs little: %llu ms",
	   cpu_ms() - cpu);
	guest.submitted = rings;
	guest.page->submitted = rings;
	request(5, LGUEST_BLOCK_READ, 0, 512);
	ok(!ask(5), "and then the Guest is sane again");
}

/* A Guest that changes its requests while we look; only its counter is sane. */
static void check_madness(const char *folder)
{
	struct stat info;
	u32 i, j, at;
	u64 left[4];

	new_file(folder);
	use_disk(path);
	for (i = 0; i < 20000; i++) {
		for (j = 0; j < 40; j++) {
			struct lguest_block_request *r =
				&guest.page->request[any(SLOTS)];

			r->kind = any(5);
			r->sector = any(3) ? any(DISK_SECTORS + 3) : ~0ULL >>
				    any(64);
			r->bytes = SECTOR * any(10);
			r->segments = any(4) ? 1 : any(40);
			r->segment[any(3)].gpa = any(3) ? any(MEMORY) :
				~0ULL >> any(64);
			r->segment[any(3)].bytes = SECTOR * any(10);
		}
		if (!any(100)) {
			at = any(sizeof(guest.page->request) - 64);
			for (j = 0; j < 64; j++)
				((volatile u8 *)guest.page->request)[at + j] =
					any(256);
		}
		while (guest.submitted - guest.page->completed > SLOTS / 2)
			if (!hears(left, 5000))
				break;
		submit(any(SLOTS));
	}
	ok(!stat(path, &info) && info.st_size == sizeof(mirror),
	   "twenty thousand mad requests: the file is as long as before");
	while (hears(left, 200))
		;
	guest.completed = guest.page->completed;
	request(5, LGUEST_BLOCK_READ, 0, 512);
	ok(!ask(5), "and the disk still works");
}

static void check_read_only(const char *folder)
{
	char what[PATH_MAX + 8];
	struct machine *other;

	new_file(folder);
	snprintf(what, sizeof(what), "%s,ro", path);
	use_disk(what);
	other = machine;
	ok(machine->device[0].desc->features == LGUEST_BLOCK_READ_ONLY,
	   "a read-only disk says so");
	request(0, LGUEST_BLOCK_READ, 0, 512);
	ok(!ask(0), "it can be read");
	request(0, LGUEST_BLOCK_WRITE, 0, 512);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "but not be written");
	request(0, LGUEST_BLOCK_WRITE, 0, 512)->fua = 1;
	ok(ask(0) == LGUEST_BLOCK_FAILED, "by FUA neither");
	request(0, LGUEST_BLOCK_TRIM, 0, 512);
	ok(ask(0) == LGUEST_BLOCK_FAILED, "nor be made to forget");
	request(0, LGUEST_BLOCK_FLUSH, 0, 0);
	ok(!ask(0), "a flush does no harm");
	ok(!DIES(block_add(other, what)), "two may read it");
	SAYS("another Guest or the Host has it", block_add(other, path),
	     "and then none may write it");
}

static void check_locks(const char *folder)
{
	char what[PATH_MAX + 8];

	new_file(folder);
	snprintf(what, sizeof(what), "%s,ro", path);
	new_machine();
	ok(!DIES(block_add(machine, path)), "one may write a file");
	SAYS("another Guest or the Host has it", block_add(machine, path), "not two");
	SAYS("another Guest or the Host has it", block_add(machine, what),
	     "and then none may read it");
}

static void check_holes(const char *folder)
{
	struct stat before, after;

	new_file(folder);
	memset(now, 1, sizeof(now));
	write_file(path, now, sizeof(now));
	use_disk(path);
	stat(path, &before);
	request(0, LGUEST_BLOCK_TRIM, 2048, 4 * MB)->segments = 0;
	ok(!ask(0) && !stat(path, &after) &&
	   before.st_blocks - after.st_blocks >= 8000 &&
	   after.st_size == before.st_size,
	   "what is forgotten becomes a hole");
}

/* Argument 2: a folder on a file system with room for one megabyte. */
static void check_full(const char *folder)
{
	u32 i, full = 0, fine = 0, other = 0, answer;

	new_file(folder);
	use_disk(path);
	for (i = 0; i < 64; i++) {
		request(0, LGUEST_BLOCK_WRITE, i * 128, 65536);
		answer = ask(0);
		fine += answer == LGUEST_BLOCK_OK;
		full += answer == LGUEST_BLOCK_FULL;
		other += answer > LGUEST_BLOCK_FULL || answer == 1;
	}
	ok(fine > 8 && full > 40 && !other,
	   "a Host without room: %u writes fit, %u are told", fine, full);
	request(0, LGUEST_BLOCK_TRIM, 0, 4 * MB);
	ok(!ask(0), "the Guest forgets some");
	request(0, LGUEST_BLOCK_WRITE, 0, 65536);
	ok(!ask(0), "and can write again");
}

static void check_files(const char *folder)
{
	new_machine();
	new_file(folder);
	if (truncate(path, 513))
		die("cannot cut");
	SAYS("513 bytes are no whole sectors", block_add(machine, path),
	     "half a sector");
	new_file(folder);
	if (truncate(path, 0))
		die("cannot cut");
	SAYS("it is empty", block_add(machine, path), "an empty file");
	SAYS("no file, and no block device", block_add(machine, folder),
	     "a folder");
	SAYS("no file, and no block device", block_add(machine, "/dev/null"),
	     "a device of another kind");
	SAYS("No such file", block_add(machine, "/nowhere/disk"),
	     "a file that is not");
	SAYS("No such file", block_add(machine, ""), "no name");
	SAYS("No such file", block_add(machine, ",ro"), "no name, read-only");
	new_file(folder);
	strcat(path, ",row");
	write_file(path, mirror, sizeof(mirror));
	ok(!DIES(block_add(machine, path)) &&
	   machine->device[0].desc->features == LGUEST_BLOCK_DISCARD,
	   "a name with a comma");
}

/* A folder to write to, and one in a small file system. */
int main(int argc, char *argv[])
{
	if (argc < 2)
		die("needs a folder");
	check_work(argv[1]);
	check_leader();
	check_promises();
	check_broken(argv[1]);
	check_errors(argv[1]);
	check_lies(argv[1]);
	check_madness(argv[1]);
	check_read_only(argv[1]);
	check_locks(argv[1]);
	check_holes(argv[1]);
	check_files(argv[1]);
	if (argc > 2)
		check_full(argv[2]);
	return finish();
}
