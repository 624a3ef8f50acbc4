/* SPDX-License-Identifier: GPL-2.0 */
/* What the Launcher's files know of each other. */
#ifndef _LAUNCHER_H
#define _LAUNCHER_H

#include <gelf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <asm/bootparam.h>
#include <lguest.h>
#include <lguest_bus.h>
#include <lguest_launcher.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;

#define PAGE		4096ULL
#define MB		(1ULL << 20)
#define GB		(1ULL << 30)
#define SHELF		(128 * MB)	/* for devices, above the memory */
#define COMMAND_LINE	2048	/* with its NUL, for every kernel so far */
#define KERNEL_MAP	0xffffffff80000000ULL	/* gva of gpa 0 there */
#define CODE_GVA	0xffffffffc0000000ULL	/* the module area's start */
#define CODE_MAX	(PAGE * 512)	/* what one page table maps */

static inline u64 align(u64 n, u64 to)
{
	return (n + to - 1) / to * to;
}
struct machine;

struct options {
	char home[PATH_MAX];	/* the folder of this program */
	u64 megabytes;
	const char *kernel;
	const char *initrd;	/* or NULL */
	char **arguments;	/* for the kernel, up to a NULL */
	struct wish {
		void (*add)(struct machine *m, const char *what);
		const char *what;
	} *wishes;		/* for devices, in order, up to a NULL */
};

/* Both end with a newline of their own; die() ends with everything. */
void die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define MAX_SEGMENTS	16

struct image {
	u8 *elf;		/* the file vmlinux, all of it */
	u64 bytes;
	struct setup_header header;
	char release[64];	/* as uname -r will say */
	u64 start, end;		/* gpas: where its segments lie */
	size_t segments;
	struct segment {
		u64 offset, bytes, gpa;
	} segment[MAX_SEGMENTS];
};

void image_read(struct image *image, const char *path);
void image_load(const struct image *image, u8 *memory);
int open_file(const char *path, size_t *bytes);
void fill_from(int fd, const char *path, u8 *to, size_t bytes);
const u8 *read_file(const char *path, size_t *bytes);
struct kallsyms {
	const u8 *image, *end;	/* all pointers below lie in between */
	u64 gva;		/* of the image, in the Guest */
	size_t unit;		/* each part starts at a multiple of it */
	const u8 *tokens;
	const u16 *index;	/* of the tokens, one for each byte */
	const u8 *names;
	u32 count;
	const s32 *offsets;
	u64 base;
	enum { UP_OR_DOWN, UP, FROM_HERE } meaning;	/* of the offsets */
	u32 patience;
	u32 *chain;		/* numbers of entries, from 1 */
	struct {
		u32 name, next;
	} *entry;
};

bool kallsyms_open(struct kallsyms *k, const u8 *image, size_t bytes,
		   u64 gva);
int kallsyms_find(const struct kallsyms *k, const char *name, u64 *address);
u64 kallsyms_need(const struct kallsyms *k, const char *name);
struct guest_code {
	char path[PATH_MAX + 128];
	Elf *elf;
	size_t sections, names, strings;
	Elf_Data *symbols;
	u64 *address;		/* of each section, 0: left out */
	u8 *image;		/* linked for CODE_GVA */
	u64 text, rodata;	/* where these end, */
	u64 bytes;		/* and all of it: whole pages */
};

void link_guest_code(struct guest_code *code, const char *home,
		     const char *release, const struct kallsyms *k);
u64 code_symbol(const struct guest_code *code, const char *name, u64 bytes);
struct device {
	struct machine *m;
	struct lguest_device_desc *desc;	/* written, never read */
	u64 gpa;		/* of its first page, */
	u8 *pages;		/* which is here */
	u32 irq;
	void (*start)(struct device *d);	/* or NULL: with a Host */
	void *own;		/* what only its own file knows */
};

struct device *device_add(struct machine *m, u16 type, u32 features,
			  u32 pages);
int device_bind(struct machine *m, u64 key, u64 ring);
void device_interrupt(const struct device *d);
void device_remove(struct device *d);
void net_tun(struct machine *m, const char *what);
void net_share(struct machine *m, const char *what);
u8 *guest_memory(const struct machine *m, u64 gpa, u64 bytes);
void start_thread(void *(*body)(void *), void *with);
struct machine {
	const struct image *image;
	const struct options *options;
	u8 *memory;		/* gpa 0 is here */
	u64 bytes;		/* of normal memory */
	u64 top;		/* above it the bus: where that ends */
	char initrd[PATH_MAX + 128];	/* or "" */
	struct kallsyms symbols;
	struct guest_code code;
	u64 tables_gpa, code_gpa;
	u64 cr3, entry;
	struct lguest_console *console;
	char ip[80];		/* a word for the command line, or "" */
	u32 devices;
	struct device device[LGUEST_MAX_DEVICES];
	int host;		/* /dev/lguest */
};

void machine_build(struct machine *m, const struct image *image,
		   const struct options *options);
void *place_in_guest(const struct machine *m, const char *name, u64 bytes);
void add_devices(struct machine *m);
void start_devices(struct machine *m);
void block_add(struct machine *m, const char *what);
int own_disk(const char *path, int file, bool read_only);
u64 device_says(dev_t number, const char *name);
int open_again(int file, int flags);
void console_start(struct lguest_console *page, int host);
void console_output(struct lguest_console *page);
void console_restore(void);
#endif /* _LAUNCHER_H */
