/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tiny Guests that make hypercalls. Each is a process that shares its memory
 * with us: we write hypercalls into it as a list, it makes them one by one,
 * and we look at what came of them.
 */
#ifndef CALLS_H
#define CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lguest.h"
#include "lguest_bus.h"
#include "lguest_launcher.h"

#define MEMORY	0x600000	/* the last 2 MB are never touched before */
#define SHARED	0x3ff000	/* a page of a file, the same for all */
#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define DATA	0x10000		/* struct lguest_data */
#define CODE	0x20000
#define STEPS	0x30000		/* the list of hypercalls */
#define RING	0x100000
#define BUFFERS	0x200000	/* of the ring: 32 KB for each slot */
#define DMA	0x40000		/* what is sent */
#define FROM	0x50000		/* and out of here */
#define UNTOUCHED 0x480000

#define DONE	(~0ULL)
#define AGAIN	(~1ULL)		/* goes on at a */
#define UNANSWERED 77

#define STRING_(x) #x
#define STRING(x) STRING_(x)

struct step {
	__u64 number, a, b, c, answer, unused[3];
};

extern const char code[], code_end[];
asm(".pushsection .rodata\n"
    "code: mov $0x10000, %edi\n mov $" STRING(LGUEST_ABI) ", %esi\n"
    "xor %eax, %eax\n syscall\n"
    "mov $0x30000, %ebx\n"
    "1: mov (%rbx), %rax\n cmp $-1, %rax\n je 3f\n"
    "cmp $-2, %rax\n jne 2f\n mov 8(%rbx), %rbx\n jmp 1b\n"
    "2: mov 8(%rbx), %rdi\n mov 16(%rbx), %rsi\n mov 24(%rbx), %rdx\n"
    "syscall\n mov %rax, 32(%rbx)\n add $64, %rbx\n jmp 1b\n"
    "3: xor %edi, %edi\n xor %esi, %esi\n mov $1, %eax\n syscall\n"
    "code_end:\n.popsection\n");
_Static_assert(LHCALL_INIT == 0 && LHCALL_SHUTDOWN == 1 && DATA == 0x10000 &&
	       STEPS == 0x30000, "the numbers in the code above");

struct guest {
	char *memory;		/* as ours */
	struct step *step;
	unsigned int steps;
	struct lguest_event *event;	/* how it ended */
	int (*launcher)(struct guest *, int fd);
	pid_t pid;
};

static int shared_file;
static unsigned int lifetime = 60;	/* of a Launcher, at most; 0: any */

static inline void ok(bool good, const char *what)
{
	printf("%sok - %s\n", good ? "" : "not ", what);
}

static inline void is(const char *what, long long got, long long wanted)
{
	printf("%sok - %s: %lld", got == wanted ? "" : "not ", what, got);
	if (got != wanted)
		printf(", wanted %lld", wanted);
	putchar('\n');
}

static inline struct lguest_ring *ring_of(struct guest *g)
{
	return (void *)(g->memory + RING);
}

static inline struct lguest_dma *dma_of(struct guest *g)
{
	return (void *)(g->memory + DMA);
}

static inline void segment(struct lguest_dma *dma, __u64 gpa, __u32 bytes)
{
	dma->segment[dma->segments].gpa = gpa;
	dma->segment[dma->segments++].bytes = bytes;
}

static inline struct step *call(struct guest *g, __u64 nr, __u64 a, __u64 b, __u64 c)
{
	struct step *step = &g->step[g->steps++];

	*step = (struct step){ nr, a, b, c, UNANSWERED, { } };
	g->step[g->steps].number = DONE;
	return step;
}

#define BIND(g, key, ring, irq)	call(g, LHCALL_BIND_DMA, key, ring, irq)
#define SEND(g, key, dma)	call(g, LHCALL_SEND_DMA, key, dma, 0)

static inline void share_a_page(void)
{
	shared_file = memfd_create("wire", 0);
	if (shared_file < 0 || ftruncate(shared_file, 4096))
		exit(2);
}

/* A Guest with a ring of so many slots, 3 pieces of 32 KB in each. */
static inline struct guest new_guest(unsigned int slots)
{
	struct guest g = { };
	__u64 *table;
	unsigned int i;

	g.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g.event = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mmap(g.memory + SHARED, 4096, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, shared_file, 0);
	table = (void *)(g.memory + PML4);
	table[0] = PDPT | 3;
	table = (void *)(g.memory + PDPT);
	table[0] = PD | 3;
	table = (void *)(g.memory + PD);
	for (i = 0; i < 2; i++)
		table[i] = i * 0x200000 | 0x83;
	memcpy(g.memory + CODE, code, code_end - code);
	g.step = (void *)(g.memory + STEPS);
	g.step->number = DONE;
	ring_of(&g)->slots = slots;
	for (i = 0; i < slots; i++) {
		struct lguest_dma *slot = &ring_of(&g)->slot[i];
		__u64 at = BUFFERS + i * 32768;

		segment(slot, at, 100);
		segment(slot, at + 100, 0);
		segment(slot, at + 100, 5000);
		segment(slot, at + 5100, 32768 - 5100);
	}
	for (i = 0; i < 65536; i++)
		g.memory[FROM + i] = i * 7 + i / 256;
	return g;
}

/* Opens the device and makes it a Guest. Returns the file, or -1. */
static inline int initialise(struct guest *g)
{
	struct lguest_initialize args = {
		.request = LHREQ_INITIALIZE, .abi = LGUEST_ABI,
		.memory = (unsigned long)g->memory, .bytes = MEMORY,
		.cr3 = PML4, .entry = CODE,
	};
	int fd = open("/dev/lguest", O_RDWR | O_CLOEXEC);

	return write(fd, &args, sizeof(args)) == sizeof(args) ? fd : -1;
}

static inline long request(int fd, __u64 a, __u64 b, __u64 c, __u64 d)
{
	__u64 args[] = { a, b, c, d };
	ssize_t n = write(fd, args, sizeof(args));

	return n < 0 ? -errno : n;
}

/* In the child: its Launcher. */
static inline void launch(struct guest *g)
{
	int fd = initialise(g);

	alarm(lifetime);
	if (fd < 0)
		_exit(2);
	if (g->launcher && g->launcher(g, fd))
		_exit(3);
	while (read(fd, g->event, sizeof(*g->event)) != sizeof(*g->event))
		if (errno != EINTR)
			_exit(4);
	_exit(0);
}

static inline void start(struct guest *g)
{
	fflush(stdout);
	g->pid = fork();
	if (!g->pid)
		launch(g);
}

/* One that has bound its ring, and spins. */
static inline void start_receiver(struct guest *g, __u64 key)
{
	struct step *bound = BIND(g, key, RING, 5);
	volatile __u64 *answer = &bound->answer;

	call(g, AGAIN, STEPS + sizeof(struct step), 0, 0);
	start(g);
	while (*answer == UNANSWERED)
		usleep(1000);
	if (*answer)
		printf("not ok - a receiver can't bind: %lld\n",
		       (long long)*answer);
}

/* Returns the exit status of its Launcher. */
static inline int join(struct guest *g)
{
	int status;

	waitpid(g->pid, &status, 0);
	return status;
}

static inline void stop(struct guest *g)
{
	kill(g->pid, SIGKILL);
	join(g);
}

static inline void discard(struct guest *g)
{
	munmap(g->memory, MEMORY);
	munmap(g->event, 4096);
}

static inline void run(struct guest *g)
{
	start(g);
	if (join(g))
		printf("not ok - its Launcher lives\n");
}

#endif /* CALLS_H */
