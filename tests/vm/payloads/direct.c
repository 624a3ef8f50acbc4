// SPDX-License-Identifier: GPL-2.0
/*
 * A Guest with two modes: its program makes a thousand system calls, which its
 * kernel answers. direct NAME does so with one thing odd, and says as a line of
 * TAP whether it ended as it should. The lower 2 MB of its memory are for the
 * kernel, which sees them also from HIGH on; the upper 2 MB are the program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lguest.h"
#include "lguest_launcher.h"

#define MEMORY	0x400000
#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define DATA	0x10000		/* struct lguest_data */
#define IDT	0x18000
#define CODE	0x20000
#define REPORT	0x30000		/* what the kernel saw */
#define STACK	0x100000
#define PROGRAM	0x200000
#define HIGH	0xffffff8000000000
#define NOWHERE	(1ULL << 63)	/* not canonical */

extern const char code[], code_call[], code_trap[], code_end[];
extern const char program[], program_end[];
asm(".pushsection .rodata\n"
    ".set data, code - 0x10000\n .set report, code + 0x10000\n"
    ".set frame, data + 64\n"
    /* At first below 2 MB: introduce itself, and go to HIGH. */
    "code: mov $0x10000, %edi\n mov $5, %esi\n xor %eax, %eax\n syscall\n"
    "mov $0x18000, %edi\n mov $4096, %esi\n mov $2, %eax\n syscall\n"
    /* CR4: FSGSBASE, PAE. Without the first it is never direct. */
    "mov $0x10020, %edi\n mov $20, %eax\n syscall\n"
    "movabs $0xffffff8000020000 + 1f - code, %rax\n jmp *%rax\n"
    "1: mov $15, %eax\n syscall\n ud2\n"
    /* A system call: answer with its number plus one, and odd flags. */
    "code_call: push %rcx\n pop %rcx\n"
    "mov %rsp, report(%rip)\n mov data(%rip), %rdx\n"
    "or %rdx, report + 8(%rip)\n mov data + 48(%rip), %rdx\n"
    "mov %rdx, report + 16(%rip)\n mov %rdx, frame + 48(%rip)\n"
    "cmp $99, %rax\n je 3f\n inc %rax\n mov %rax, frame(%rip)\n"
    "mov %rcx, frame + 8(%rip)\n mov %r11, frame + 16(%rip)\n"
    "mov %rcx, frame + 24(%rip)\n or $0x27000, %r11\n"
    "mov %r11, frame + 40(%rip)\n mov report + 64(%rip), %ecx\n"
    "mov $1, %edx\n ror $1, %rdx\n"
    "cmp $1, %ecx\n jne 2f\n mov %rdx, data + 56(%rip)\n"
    "2: cmp $2, %ecx\n jne 2f\n mov %rdx, frame + 24(%rip)\n"
    "2: cmp $3, %ecx\n jne 2f\n movq $1, data + 8(%rip)\n"
    "2: mov $15, %eax\n syscall\n ud2\n"
    "3: xor %edi, %edi\n xor %esi, %esi\n mov $1, %eax\n syscall\n"
    /* A trap: keep what is on the stack. */
    "code_trap: popq report + 24(%rip)\n popq report + 32(%rip)\n"
    "popq report + 40(%rip)\n mov $2, %edi\n xor %esi, %esi\n"
    "mov $1, %eax\n syscall\n code_end:\n"
    /* The program. Its system call has the number of LHCALL_IRET. */
    "program: mov $1000, %ebx\n mov %rsp, %rbp\n mov 0x280000, %r12d\n"
    "1: mov $15, %eax\n syscall\n cmp $16, %rax\n jne 3f\n"
    "cmp %rsp, %rbp\n jne 3f\n pushf\n pop %rdx\n"
    /* Of the odd flags NT is a program's to have; IOPL and VM are not. */
    "and $0x27000, %edx\n cmp $0x4000, %edx\n jne 3f\n"
    "dec %ebx\n jnz 1b\n"
    "cmp $1, %r12d\n jne 2f\n rdgsbase %rax\n"
    "test %rax, %rax\n jnz 3f\n"
    "2: cmp $4, %r12d\n jne 2f\n movabs $0xffffff8000010000, %rax\n"
    "mov (%rax), %rax\n"
    "2: mov $99, %eax\n syscall\n 3: ud2\n program_end:\n"
    ".popsection\n");
_Static_assert(LGUEST_ABI == 5 && LHCALL_SHUTDOWN == 1 && LHCALL_IRET == 15 &&
	       LHCALL_LOAD_IDT == 2 && LHCALL_SET_CR4 == 20 && CODE - DATA == 0x10000 &&
	       REPORT - CODE == 0x10000 && IDT == 0x18000 &&
	       offsetof(struct lguest_data, iret) == 64 &&
	       offsetof(struct lguest_data, irq_pending) == 8 &&
	       offsetof(struct lguest_data, user_rsp) == 48 &&
	       offsetof(struct lguest_data, user_gs_base) == 56,
	       "the numbers in the code above");

/* Only the kernel knows the first three: the oddity is in its answer. */
enum { NOTHING, BAD_GS, BAD_RIP, PENDING, PEEK, BAD_STACK, KINDS };

static const char *const names[KINDS] = {
	"nothing", "bad_gs", "bad_rip", "pending", "peek", "bad_stack",
};

static void build(char *memory, unsigned int kind)
{
	struct lguest_data *data = (void *)(memory + DATA);
	__u64 *pml4 = (void *)(memory + PML4), *pdpt = (void *)(memory + PDPT);
	__u64 *pd = (void *)(memory + PD);
	__u64 trap = HIGH + CODE + (code_trap - code);
	int i;

	pml4[0] = pml4[511] = PDPT | 7;
	pml4[511] &= ~4;
	pdpt[0] = PD | 7;
	pd[0] = 0x83;
	pd[1] = PROGRAM | 0x87;
	for (i = 0; i < 256; i++) {
		__u64 *gate = (void *)(memory + IDT + 16 * i);

		gate[0] = (trap >> 16 & 0xffff) << 48 | 0xeeULL << 40 |
			  0x10 << 16 | (trap & 0xffff);
		gate[1] = trap >> 32;
	}
	data->sp0 = kind == BAD_STACK ? NOWHERE : HIGH + STACK;
	data->syscall_entry = HIGH + CODE + (code_call - code);
	data->iret.rip = PROGRAM;
	data->iret.cs = 0x33;
	data->iret.ss = 0x2b;
	data->iret.rsp = 0x300000;
	data->iret.rflags = 0x202;
	*(__u32 *)(memory + REPORT + 64) = kind;
	*(__u32 *)(memory + 0x280000) = kind;
	memcpy(memory + CODE, code, code_end - code);
	memcpy(memory + PROGRAM, program, program_end - program);
}

static int as_it_should(const char *memory, unsigned int kind,
			const struct lguest_event *event)
{
	const __u64 *report = (const void *)(memory + REPORT);

	if (kind == BAD_STACK)
		return event->kind == LGUEST_EVENT_DEAD &&
		       !strncmp(event->text, "no stack at 8000", 16);
	if (event->kind != LGUEST_EVENT_SHUTDOWN ||
	    report[0] != HIGH + STACK || report[1] || report[2] != 0x300000)
		return 0;
	switch (kind) {
	case BAD_RIP:		/* a #GP of the program's, which was there */
		return event->value == LGUEST_SHUTDOWN_CRASH && !report[3] &&
		       report[4] == NOWHERE && report[5] == 0x33;
	case PEEK:		/* a #PF: the page is there, but not for it */
		return event->value == LGUEST_SHUTDOWN_CRASH &&
		       report[3] == 5 && report[5] == 0x33 &&
		       ((const struct lguest_data *)(memory + DATA))->cr2 ==
		       HIGH + DATA;
	default:
		return event->value == LGUEST_SHUTDOWN_POWEROFF;
	}
}

int main(int argc, char *argv[])
{
	struct lguest_initialize args = {
		.request = LHREQ_INITIALIZE, .abi = LGUEST_ABI,
		.bytes = MEMORY, .cr3 = PML4, .entry = CODE,
	};
	int good, fd = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	struct lguest_event event = { };
	unsigned int kind = 0;
	char *memory;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (argc == 2 && kind < KINDS && strcmp(argv[1], names[kind]))
		kind++;
	if (argc != 2 || kind == KINDS || fd < 0 || memory == MAP_FAILED) {
		perror("direct NAME");
		return 2;
	}
	build(memory, kind);
	args.memory = (unsigned long)memory;
	if (write(fd, &args, sizeof(args)) != sizeof(args)) {
		perror("direct");
		return 2;
	}
	/* To be preempted interrupts it, too: the C library wants to know. */
	while (read(fd, &event, sizeof(event)) < 0 && errno == EINTR)
		;
	good = as_it_should(memory, kind, &event);
	printf("%sok - a thousand system calls, %s\n", good ? "" : "not ",
	       argv[1]);
	if (!good) {
		const __u64 *report = (const void *)(memory + REPORT);

		printf("# event %llu value %llu: %s\n", event.kind, event.value,
		       event.text);
		for (int i = 0; i < 6; i++)
			printf("# report[%d] = %llx\n", i, report[i]);
	}
	return 0;
}
