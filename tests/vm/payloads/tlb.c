// SPDX-License-Identifier: GPL-2.0
/*
 * tlb: a Guest that does what kernels do with page tables, one step at a time,
 * and says what it saw. The shadow may know less than a TLB, never more. TAP.
 *
 * Guest memory is 16 MB, mapped where it is. From 1 GB on is what a step makes
 * of it. The words in frame n of the second 4 MB and of the third say which
 * frame they are in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lguest.h"
#include "lguest_launcher.h"

#define MEMORY	0x1000000ULL
#define TOP	0x1000		/* page tables: the fourth level, */
#define OTHER	0x2000		/* and another of it */
#define THIRD	0x3000		/* the lower half's, for both */
#define LOW	0x4000		/* memory as it is */
#define HIGH	0x5000		/* from 1 GB on */
#define PAGES	0x6000		/* from 1 GB on, in small pages */
#define UPPER	0x7000		/* three levels of the upper half: for TOP, */
#define UPPER2	0xa000		/* for OTHER */
#define DATA	0x10000
#define IDT	0x18000
#define CODE	0x20000
#define STEPS	0x30000
#define STACK	0x100000

#define BIG	0x40000000ULL	/* the gva of what is played with */
#define KERNEL	0xffffc00000000000ULL
#define FRAMES	0x400000ULL	/* those that know their number */
#define OTHERS	0x600000ULL

#define P	0x01ULL		/* present */
#define W	0x02ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define G	0x100ULL
#define KEEP	(1ULL << 63)

#define STRING_(x) #x
#define STRING(x) STRING_(x)

enum { CALL, READ, WRITE, END };

struct step {
	__u64 kind, a, b, c, d;	/* CALL: rax, rdi, rsi, rdx */
	__u64 answer;		/* or, of a page fault, */
	__u64 error;		/* its code + 1 */
	__u64 unused;
};

/* rbx: the step. A page fault ends it, and the next one begins. */
extern const char code[], code_end[], on_fault[];
asm(".pushsection .rodata\n"
    "code: mov $" STRING(DATA) ", %edi\n mov $" STRING(LGUEST_ABI) ", %esi\n"
    "xor %eax, %eax\n syscall\n"
    "mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n mov $2, %eax\n syscall\n"
    "mov $" STRING(STEPS) " - 64, %ebx\n"
    "next: add $64, %rbx\n mov $" STRING(STACK) ", %esp\n"
    "mov 16(%rbx), %rsi\n mov 8(%rbx), %rdi\n"
    "mov (%rbx), %rax\n cmp $1, %eax\n jb 1f\n je 2f\n"
    "cmp $2, %eax\n je 3f\n"
    "xor %edi, %edi\n xor %esi, %esi\n mov $1, %eax\n syscall\n"
    "1: mov 8(%rbx), %rax\n mov 16(%rbx), %rdi\n mov 24(%rbx), %rsi\n"
    "mov 32(%rbx), %rdx\n syscall\n mov %rax, 40(%rbx)\n jmp next\n"
    "2: mov (%rdi), %rax\n mov %rax, 40(%rbx)\n jmp next\n"
    "3: mov %rsi, (%rdi)\n jmp next\n"
    "on_fault: pop %rax\n inc %rax\n mov %rax, 48(%rbx)\n jmp next\n"
    "code_end:\n.popsection\n");
_Static_assert(LHCALL_LOAD_IDT == 2 && LHCALL_SHUTDOWN == 1 &&
	       sizeof(struct step) == 64, "the numbers in the code above");

static char *memory;
static struct step *at;

static struct step *add(__u64 kind, __u64 a, __u64 b, __u64 c)
{
	*at = (struct step){ .kind = kind, .a = a, .b = b, .c = c };
	return at++;
}

#define HCALL(nr, arg)	add(CALL, nr, arg, 0)
#define INVLPG(gva)	HCALL(LHCALL_FLUSH_PAGE, gva)
#define CR3(value)	HCALL(LHCALL_NEW_PGTABLE, value)
#define SET(table, slot, entry)	add(WRITE, (table) + 8 * (slot), entry, 0)
#define PEEK(gva)	add(READ, gva, 0, 0)
#define POKE(gva, value) add(WRITE, gva, value, 0)

static void begin(void)
{
	__u64 *third = (void *)(memory + THIRD), *low = (void *)(memory + LOW);
	struct lguest_data *data = (void *)(memory + DATA);
	__u64 i, *gate, entry = CODE + (on_fault - code);

	memset(memory, 0, STEPS + 0x10000);
	*(__u64 *)(memory + TOP) = THIRD | P | W;
	*(__u64 *)(memory + OTHER) = THIRD | P | W;
	third[0] = LOW | P | W;
	third[1] = HIGH | P | W;
	for (i = 0; i < MEMORY >> 21; i++)
		low[i] = i << 21 | PS | P | W;
	for (i = FRAMES; i < OTHERS + 0x200000; i += 4096)
		*(__u64 *)(memory + i) = i;
	for (i = 0; i < 256; i++) {
		gate = (void *)(memory + IDT + 16 * i);
		gate[0] = entry >> 16 << 48 | 0xeeULL << 40 | 0x10 << 16 |
			  (entry & 0xffff);
	}
	data->sp0 = STACK;
	memcpy(memory + CODE, code, code_end - code);
	at = (void *)(memory + STEPS);
}

/* Runs the steps in a Guest of their own. */
static void run(void)
{
	struct lguest_initialize args = {
		.request = LHREQ_INITIALIZE, .abi = LGUEST_ABI,
		.memory = (unsigned long)memory, .bytes = MEMORY, .cr3 = TOP,
		.entry = CODE,
	};
	int fd = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	struct lguest_event event;

	add(END, 0, 0, 0);
	if (fd < 0 || write(fd, &args, sizeof(args)) != sizeof(args)) {
		perror("/dev/lguest");
		exit(2);
	}
	while (read(fd, &event, sizeof(event)) != sizeof(event))
		if (errno != EINTR) {
			perror("read");
			exit(2);
		}
	if (event.kind != LGUEST_EVENT_SHUTDOWN) {
		printf("not ok - tlb: the Guest died: %s\n", event.text);
		exit(1);
	}
	close(fd);
}

static void said(const char *what, const struct step *step, __u64 answer,
		 __u64 error)
{
	int good = step->answer == answer && step->error == error;

	printf("%sok - tlb: %s", good ? "" : "not ", what);
	if (!good)
		printf(": %llx, error %lld, wanted %llx, %lld", step->answer,
		       (long long)step->error - 1, answer,
		       (long long)error - 1);
	putchar('\n');
}

#define saw(what, step, frame)	said(what, step, frame, 0)
#define faulted(what, step, code) said(what, step, 0, (code) + 1)

static const int pieces[] = { 0, 5, 63, 64, 300, 511 };
#define EACH(i)	(i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)

/* One INVLPG, by any of its addresses, and the whole page is another. */
static void big_page_changes(int by)
{
	struct step *before[6], *after[6];
	unsigned int i;
	char what[80];

	begin();
	SET(HIGH, 0, FRAMES | PS | P | W);
	for EACH(i)
		before[i] = PEEK(BIG + pieces[i] * 4096);
	SET(HIGH, 0, OTHERS | PS | P | W);
	INVLPG(BIG + by * 4096);
	for EACH(i)
		after[i] = PEEK(BIG + pieces[i] * 4096);
	run();
	for EACH(i) {
		sprintf(what, "piece %d, before", pieces[i]);
		saw(what, before[i], FRAMES + pieces[i] * 4096);
		sprintf(what, "piece %d, after INVLPG of %d", pieces[i], by);
		saw(what, after[i], OTHERS + pieces[i] * 4096);
	}
}

static void big_page_loses_rights(void)
{
	struct step *wrote, *refused, *gone, *pde, *dirty;

	begin();
	SET(HIGH, 0, FRAMES | PS | P | W);
	PEEK(BIG);
	wrote = POKE(BIG + 300 * 4096, 1);
	SET(HIGH, 0, FRAMES | PS | P);
	INVLPG(BIG);
	refused = POKE(BIG + 300 * 4096, 2);
	SET(HIGH, 0, FRAMES | PS | P | W | A);
	INVLPG(BIG);
	pde = PEEK(HIGH);
	POKE(BIG + 300 * 4096, 3);
	dirty = PEEK(HIGH);
	SET(HIGH, 0, 0);
	INVLPG(BIG + 0x1ff000);
	gone = PEEK(BIG + 300 * 4096);
	run();
	said("a write", wrote, 0, 0);
	faulted("no write after PROT_READ", refused, P | W);
	saw("clean", pde, FRAMES | PS | P | W | A);
	saw("and a write shows", dirty, FRAMES | PS | P | W | A | D);
	faulted("no read after munmap", gone, 0);
}

static void split_and_collapse(void)
{
	struct step *small, *moved, *beside, *big;
	int i;

	begin();
	for (i = 0; i < 512; i++)
		*(__u64 *)(memory + PAGES + 8 * i) =
			(OTHERS + i * 4096) | P | W | A;
	SET(HIGH, 0, FRAMES | PS | P | W);
	PEEK(BIG);
	PEEK(BIG + 300 * 4096);
	SET(HIGH, 0, PAGES | P | W);
	INVLPG(BIG);
	small = PEEK(BIG + 300 * 4096);
	SET(PAGES, 300, FRAMES | P | W);
	INVLPG(BIG + 300 * 4096);
	moved = PEEK(BIG + 300 * 4096);
	beside = PEEK(BIG + 301 * 4096);
	SET(HIGH, 0, FRAMES | PS | P | W);
	HCALL(LHCALL_FLUSH_TLB, 0);
	PEEK(BIG + 301 * 4096);
	SET(HIGH, 0, OTHERS | PS | P | W);
	INVLPG(BIG);
	big = PEEK(BIG + 301 * 4096);
	run();
	saw("split", small, OTHERS + 300 * 4096);
	saw("one small page changes", moved, FRAMES);
	saw("not the one beside it", beside, OTHERS + 301 * 4096);
	saw("collapsed, and changed", big, OTHERS + 301 * 4096);
}

/* What this CPU says that it can't do, and bits that mean nothing. */
static void reserved_bits(void)
{
	struct step *gigabyte, *top, *frame, *middle, *small, *good;

	begin();
	SET(THIRD, 2, PS | P | W);
	gigabyte = PEEK(2 * BIG);
	SET(TOP, 1, THIRD | PS | P | W);
	top = PEEK(1ULL << 39);
	SET(HIGH, 0, 1ULL << 51 | PS | P | W);
	frame = PEEK(BIG);
	SET(HIGH, 0, FRAMES | 0x2000 | PS | P | W);
	middle = PEEK(BIG);
	SET(HIGH, 0, PAGES | P | W);
	SET(PAGES, 0, 1ULL << 51 | P | W);
	small = PEEK(BIG);
	SET(PAGES, 0, FRAMES | 7ULL << 52 | 0xe00 | PS | P | W);
	good = PEEK(BIG);
	run();
	faulted("a page of 1 GB", gigabyte, P | 8);
	faulted("a page of 512 GB", top, P | 8);
	faulted("a big page where no address leads", frame, P | 8);
	faulted("a big page that is not aligned", middle, P | 8);
	faulted("a small page where no address leads", small, P | 8);
	saw("the bits that are the kernel's own", good, FRAMES);
}

/* Three tables that lead from @top's slot 384 to a page at KERNEL. */
static void map_kernel_page(__u64 top, __u64 tables, __u64 entry)
{
	*(__u64 *)(memory + top + 8 * 384) = tables | P | W;
	*(__u64 *)(memory + tables) = (tables + 0x1000) | P | W;
	*(__u64 *)(memory + tables + 0x1000) = (tables + 0x2000) | P | W;
	*(__u64 *)(memory + tables + 0x2000) = entry;
}

/* Pages of the upper half that are not global belong to a tag, too. */
static void tags(void)
{
	struct step *one, *two, *again, *and_again, *global;

	begin();
	map_kernel_page(TOP, UPPER, FRAMES | P | W);
	map_kernel_page(OTHER, UPPER2, OTHERS | P | W);
	HCALL(LHCALL_SET_CR4, 0x200a0);	/* PCIDE, PGE, PAE */
	CR3(TOP | 1);
	one = PEEK(KERNEL);
	CR3(OTHER | 2);
	two = PEEK(KERNEL);
	CR3(TOP | 1 | KEEP);
	again = PEEK(KERNEL);
	CR3(OTHER | 2 | KEEP);
	and_again = PEEK(KERNEL);
	SET(UPPER + 0x2000, 0, FRAMES | G | P | W);
	SET(UPPER2 + 0x2000, 0, (FRAMES + 4096) | G | P | W);
	INVLPG(KERNEL);
	CR3(TOP | 1 | KEEP);
	global = PEEK(KERNEL);
	run();
	saw("tag 1", one, FRAMES);
	saw("tag 2", two, OTHERS);
	saw("tag 1, kept", again, FRAMES);
	saw("tag 2, kept", and_again, OTHERS);
	saw("INVLPG is for all tags where it is global", global, FRAMES);
}

/* A global page of the lower half, forgotten while another table is loaded. */
static void global_low_page(void)
{
	struct step *before, *after, *toggled;

	begin();
	SET(HIGH, 0, PAGES | P | W);
	SET(PAGES, 0, FRAMES | G | P | W);
	HCALL(LHCALL_SET_CR4, 0x200a0);
	CR3(TOP | 1);
	before = PEEK(BIG);
	CR3(OTHER | 2);
	SET(PAGES, 0, OTHERS | G | P | W);
	INVLPG(BIG);
	CR3(TOP | 1 | KEEP);
	after = PEEK(BIG);
	SET(PAGES, 0, FRAMES | G | P | W);
	HCALL(LHCALL_SET_CR4, 0x20020);	/* without PGE */
	toggled = PEEK(BIG);
	run();
	saw("a global page", before, FRAMES);
	saw("forgotten under another tag", after, OTHERS);
	saw("forgotten with PGE", toggled, FRAMES);
}

/* Where there is no memory, reads are ones, and writes are lost. */
static void nowhere(void)
{
	__u64 dr6 = DATA + offsetof(struct lguest_data, dr6);
	struct step *seen[4], *wrote[2], *told;
	int i;

	begin();
	POKE(dr6, 0xf);
	SET(HIGH, 0, 0x4000000 | PS | P | W);
	SET(HIGH, 1, FRAMES | PS | P | W);
	seen[0] = PEEK(BIG);
	wrote[0] = POKE(BIG, 5);
	seen[1] = PEEK(BIG);
	wrote[1] = POKE(BIG + 4092, 6);		/* to two pages at once */
	seen[2] = PEEK(BIG + 4092);
	POKE(BIG + 0x200000 - 4, 0x700000008);	/* half of it is memory */
	seen[3] = PEEK(BIG + 0x200000);
	told = PEEK(dr6);
	run();
	for (i = 0; i < 3; i++)
		saw("no memory: ones", seen[i], ~0ULL);
	for (i = 0; i < 2; i++)
		said("a write there", wrote[i], 0, 0);
	saw("and half a write", seen[3], (FRAMES & ~0xffffffffULL) | 7);
	saw("and DR6 does not tell how", told, 0xf);
}

int main(void)
{
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 2;
	big_page_changes(0);
	big_page_changes(511);
	big_page_loses_rights();
	split_and_collapse();
	reserved_bits();
	tags();
	global_low_page();
	nowhere();
	return 0;
}
