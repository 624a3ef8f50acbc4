// SPDX-License-Identifier: GPL-2.0
/* Who has a disk, under which names, and may we have it, too? */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/loop.h>
#include <linux/major.h>

#include "launcher.h"

#define SECTOR	512
#define END	((u64)LLONG_MAX)	/* of whatever there is */
#define NAPS	25
#define NAP	10000			/* microseconds */
#define HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* The first words of a file in the device's folder. False: there are none. */
static bool device_text(dev_t number, const char *name, char *text, int bytes)
{
	char path[80];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(number),
		 minor(number), name);
	file = fopen(path, "re");
	read = file && fgets(text, bytes, file);
	if (file)
		fclose(file);
	if (read)
		text[strcspn(text, "\n")] = '\0';
	return read;
}

u64 device_says(dev_t number, const char *name)
{
	char text[32];

	return device_text(number, name, text, sizeof(text)) ?
	       strtoull(text, NULL, 10) : 0;
}

static dev_t number_of(dev_t number, const char *name)
{
	unsigned int major, minor;
	char text[32];

	if (!device_text(number, name, text, sizeof(text)) ||
	    sscanf(text, "%u:%u", &major, &minor) != 2)
		die("cannot find %s of device %u:%u in /sys", name,
		    major(number), minor(number));
	return makedev(major, minor);
}
/* Bytes of a file, or of a disk of the Host's. */
struct piece {
	dev_t device;		/* the disk; or what the file lies on */
	ino_t inode;		/* the file; 0: a disk */
	u64 start, end;
	bool read_only;		/* whoever has it only reads */
};

static struct piece piece_of(const struct stat *info, bool read_only)
{
	struct piece p = { info->st_dev, info->st_ino, 0, END, read_only };

	if (!S_ISBLK(info->st_mode))
		return p;
	p.inode = 0;
	p.device = info->st_rdev;
	if (device_says(info->st_rdev, "partition")) {
		p.device = number_of(info->st_rdev, "../dev");
		p.start = device_says(info->st_rdev, "start") * SECTOR;
		p.end = p.start + device_says(info->st_rdev, "size") * SECTOR;
	}
	return p;
}

static bool collide(const struct piece *a, const struct piece *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->start < b->end && b->start < a->end &&
	       !(a->read_only && b->read_only);
}

static void __attribute__((noreturn)) refuse_disk(const char *path)
{
	die("cannot use %s: another Guest or the Host has it;"
	    " one Guest at a time, or all read-only", path);
}

int open_again(int file, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return open(path, flags | O_CLOEXEC);
}

static void kernels_name(dev_t number, char *name, size_t bytes)
{
	char path[80], link[PATH_MAX] = "";
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(number),
		 minor(number));
	length = readlink(path, link, sizeof(link) - 1);
	link[length < 0 ? 0 : length] = '\0';
	snprintf(name, bytes, "/dev/%s", basename(link));
	while (strchr(name, '!'))
		*strchr(name, '!') = '/';
}

/* Or -1. O_NONBLOCK is for drives with nothing in them. */
static int open_device(dev_t number, int flags)
{
	char name[PATH_MAX];
	struct stat info;
	int file;

	kernels_name(number, name, sizeof(name));
	file = open(name, flags | O_CLOEXEC | O_NONBLOCK);
	if (file < 0 || (!fstat(file, &info) && S_ISBLK(info.st_mode) &&
			 info.st_rdev == number))
		return file;
	close(file);
	errno = ENODEV;
	return -1;
}
static void lock_piece(const char *path, int file, const struct piece *piece)
{
	struct flock lock = {
		.l_type = piece->read_only ? F_RDLCK : F_WRLCK,
		.l_start = piece->start,
		.l_len = piece->end < END ? piece->end - piece->start : 0,
	};

	if (!piece->inode)
		file = open_device(piece->device, piece->read_only ?
				   O_RDONLY : O_RDWR);
	if (file < 0)
		die("cannot open %s by its name in /dev, to lock it: %s", path,
		    strerror(errno));
	if (!fcntl(file, F_OFD_SETLK, &lock))
		return;
	if (errno == EAGAIN)
		refuse_disk(path);
	die("cannot lock %s: %s", path, strerror(errno));
}
static bool host_only_reads(dev_t number)
{
	unsigned int major, minor;
	char line[4096], how[4], *end;
	bool found = false;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 ||
		    makedev(major, minor) != number)
			continue;
		end = strstr(line, " - ");
		found = end && sscanf(end, " - %*s %*s %3s", how) == 1 &&
			(!strcmp(how, "ro") || !strcmp(how, "ro,"));
		if (!found)
			break;
	}
	if (mounts)
		fclose(mounts);
	return found;
}
/* The device, opened once more and claimed; or -1. */
static int claim(int device, int flags)
{
	int file, naps;

	for (naps = 0; naps < NAPS; naps++) {
		file = open_again(device, flags | O_EXCL);
		if (file >= 0 || errno != EBUSY)
			break;
		usleep(NAP);
	}
	return file;
}

/* Returns the file to use. */
static int claim_device(const char *path, int device, dev_t number,
			bool read_only)
{
	int claimed = claim(device, read_only ? O_RDONLY : O_RDWR);

	if (claimed < 0 && errno != EBUSY)
		die("cannot open %s again: %s", path, strerror(errno));
	if (claimed < 0 && !(read_only && host_only_reads(number)))
		refuse_disk(path);
	if (!read_only) {
		close(device);
		return claimed;
	}
	if (claimed >= 0)
		close(claimed);
	return device;
}
static void find_below(dev_t loop, const char *name, struct stat *info)
{
	int file = open_device(loop, O_RDONLY);
	struct loop_info64 about;

	if (file >= 0 && !ioctl(file, LOOP_GET_STATUS64, &about)) {
		info->st_dev = about.lo_device;
		info->st_ino = about.lo_inode;
		info->st_rdev = about.lo_rdevice;
		info->st_mode = about.lo_rdevice ? S_IFBLK : S_IFREG;
	} else if (stat(name, info)) {
		*info = (struct stat) { };
	}
	if (file >= 0)
		close(file);
}

/* False: on nothing, or it is no loop device. */
static bool ask_loop(dev_t loop, char *name, struct piece *below)
{
	u64 length = device_says(loop, "loop/sizelimit");
	struct stat info = { };

	if (!device_text(loop, "loop/backing_file", name, PATH_MAX))
		return false;
	find_below(loop, name, &info);
	*below = piece_of(&info, device_says(loop, "ro"));
	below->start += device_says(loop, "loop/offset");
	if (length && length < below->end - below->start)
		below->end = below->start + length;
	return true;
}
/* All but the one through which we came here. */
static bool is_looped(const struct piece *piece, dev_t through)
{
	struct piece other;
	char name[PATH_MAX], *minor;
	bool found = false;
	glob_t loops = { };
	dev_t loop;
	size_t i;

	if (glob("/sys/dev/block/7:*/loop", 0, NULL, &loops))
		loops.gl_pathc = 0;
	for (i = 0; i < loops.gl_pathc && !found; i++) {
		minor = strchr(loops.gl_pathv[i], ':') + 1;
		loop = makedev(LOOP_MAJOR, strtoul(minor, NULL, 10));
		found = loop != through && ask_loop(loop, name, &other) &&
			collide(piece, &other);
	}
	globfree(&loops);
	return found;
}

static int own(const char *path, int file, const struct piece *piece,
	       dev_t through);

static void own_below(const char *path, const char *name,
		      const struct piece *piece, struct piece *below)
{
	int flags = piece->read_only ? O_RDONLY : O_RDWR;
	int file = open(name, flags | O_CLOEXEC | O_NONBLOCK);
	struct piece now = { };
	struct stat info;

	if (file >= 0 && !fstat(file, &info))
		now = piece_of(&info, false);
	if (now.device != below->device || now.inode != below->inode)
		die("cannot use %s: it lies on %s, which cannot be opened",
		    path, name);
	if (piece->end < below->end - below->start)
		below->end = below->start + piece->end;
	below->start += piece->start;
	below->read_only = piece->read_only;
	own(path, file, below, piece->device);
}
static bool is_swap(int file)
{
	return fallocate(file, HOLE, END - 1, 1) && errno == ETXTBSY;
}

/*L:235 Returns the file to use from now on. */
static int own(const char *path, int file, const struct piece *piece,
	       dev_t through)
{
	char name[PATH_MAX];
	struct piece below;
	struct stat info;
	int naps;

	lock_piece(path, file, piece);
	for (naps = 0; is_looped(piece, through); usleep(NAP))
		if (naps++ == NAPS)
			refuse_disk(path);
	if (piece->inode && !piece->read_only && is_swap(file))
		refuse_disk(path);
	if (piece->inode || fstat(file, &info))
		return file;
	file = claim_device(path, file, info.st_rdev, piece->read_only);
	if (ask_loop(piece->device, name, &below))
		own_below(path, name, piece, &below);
	return file;
}
/*:*/

int own_disk(const char *path, int file, bool read_only)
{
	struct piece piece;
	struct stat info;

	if (fstat(file, &info))
		die("cannot use %s: %s", path, strerror(errno));
	piece = piece_of(&info, read_only);
	return own(path, file, &piece, 0);
}
