// SPDX-License-Identifier: GPL-2.0
/*
 * Tiny Guests, each a few instructions long, to see what the Host makes of
 * them: payload NAME runs one and prints what read() on /dev/lguest said.
 * Guest memory is 4 MB, mapped where it is, for the kernel only.
 * payload device asks /dev/lguest itself for nonsense, and prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/ldt.h>
#include <asm/prctl.h>
#include "lguest.h"
#include "lguest_launcher.h"

#define MEMORY	0x400000
#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define DATA	0x10000		/* struct lguest_data */
#define IDT	0x18000
#define CODE	0x20000
#define WORD	0x30000		/* ADDRESS from the environment */

#define FRAME	64		/* of lguest_data: struct lguest_iret */

#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* Registers are all zero at the start, and there is no stack. */
#define PAYLOAD(name, code) \
	extern const char name[], name##_end[]; \
	asm(".pushsection .rodata\n" #name ":\n" code "\n" \
	    #name "_end:\n.popsection\n")

#define CALL(nr) "mov $" STRING(nr) ", %eax\n syscall\n"
#define OFF	"xor %edi, %edi\n xor %esi, %esi\n" CALL(LHCALL_SHUTDOWN)
#define INIT	"mov $" STRING(DATA) ", %edi\n mov $" STRING(LGUEST_ABI) \
		", %esi\n" CALL(LHCALL_INIT)
#define AT(field)	STRING(DATA) " + " STRING(field)
#define STACK	"mov $0x100000, %esp\n"

PAYLOAD(off, OFF);
PAYLOAD(calls, INIT "mov $100000, %ebx\n"
	"1:" CALL(LHCALL_INTERRUPTS) "dec %ebx\n jnz 1b\n" OFF);
PAYLOAD(spin, "jmp .\n");
/* An irq comes long before there is a gate for it, and waits for one. */
PAYLOAD(early_irq, "test %esp, %esp\n jnz 2f\n" INIT STACK
	"movq $0x200, " STRING(DATA) "\n mov $1, %edi\n"
	CALL(LHCALL_CLOCKEVENT) "mov $100000, %ebx\n"
	"1:" CALL(LHCALL_INTERRUPTS) "dec %ebx\n jnz 1b\n"
	"mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT) "jmp .\n 2:" OFF);
/* A trap's frame on two pages: the gate leads here again, to look at it. */
PAYLOAD(split_frame, "test %esp, %esp\n jnz 2f\n" INIT
	"mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT) "mov $0x100010, %esp\n 1: ud2\n"
	"2: lea 1b(%rip), %rax\n cmp %rax, (%rsp)\n jne 3f\n"
	"cmp $0xfffe8, %rsp\n jne 3f\n cmpq $0x10, 8(%rsp)\n jne 3f\n"
	"cmpq $0x100010, 24(%rsp)\n jne 3f\n cmpq $0x18, 32(%rsp)\n"
	"jne 3f\n" OFF "3:" CALL(998));
PAYLOAD(registers, INIT STACK
	"mov $11, %r8\n mov $12, %r9\n mov $13, %r10\n mov $14, %r12\n"
	"mov $15, %r15\n mov $16, %rbp\n mov $17, %ecx\n movq %rcx, %xmm3\n"
	"mov $1000, %ebx\n"
	"1:" CALL(LHCALL_GET_TIME)
	"cmp $11, %r8\n jne 2f\n cmp $12, %r9\n jne 2f\n"
	"cmp $13, %r10\n jne 2f\n cmp $14, %r12\n jne 2f\n"
	"cmp $15, %r15\n jne 2f\n cmp $16, %rbp\n jne 2f\n"
	"cmp $0x100000, %rsp\n jne 2f\n test %rax, %rax\n jz 2f\n"
	"movq %xmm3, %rax\n cmp $17, %rax\n jne 2f\n"
	"dec %ebx\n jnz 1b\n" OFF "2: ud2\n");
/* XCR0: nothing, parts without others, what there is not or is not offered. */
#define XCR0(value, answer) "mov $" #value ", %rdi\n" CALL(LHCALL_SET_XCR0) \
	"cmp $" #answer ", %rax\n jne 2f\n"
#define SEEN(value) "xor %ecx, %ecx\n xgetbv\n and $0xff, %eax\n" \
	"cmp $" #value ", %eax\n jne 2f\n"
PAYLOAD(xcr0, INIT "mov $0x40020, %edi\n" CALL(LHCALL_SET_CR4)
	XCR0(0, -22) XCR0(2, -22) XCR0(5, -22) XCR0(0xb, -22) XCR0(0x27, -22)
	XCR0(0x203, -22) XCR0(0x60003, -22) XCR0(0x4000000000000003, -22)
	XCR0(3, 0) SEEN(3) XCR0(7, 0) SEEN(7) "vzeroupper\n"
	XCR0(1, 0) SEEN(1) OFF "2: ud2\n");
/* Things that no Guest should do. */
PAYLOAD(bad_call, CALL(999));
PAYLOAD(bad_data, "mov $0x7777777000, %rdi\n mov $1, %esi\n"
	CALL(LHCALL_INIT));
PAYLOAD(bad_jump, "mov $0x8000000000000000, %rax\n jmp *%rax\n");
PAYLOAD(bad_cr3, "mov $0x7000000000, %rdi\n" CALL(LHCALL_NEW_PGTABLE) "nop\n");
PAYLOAD(no_memory, "mov 0x600000, %eax\n cmp $-1, %eax\n jne 1f\n"
	"movl $5, 0x600000\n cmpl $-1, 0x600000\n jne 1f\n" OFF "1: ud2\n");
PAYLOAD(no_gate, INIT STACK "ud2\n");
PAYLOAD(no_stack, INIT "mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT) "xor %esp, %esp\n ud2\n");
PAYLOAD(bad_stack, INIT "mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT) "mov $0x8000000000000000, %rsp\n ud2\n");
PAYLOAD(bad_return, INIT "mov $0x8000000000000000, %rax\n mov %rax, "
	AT(FRAME + 24) "\n movq $0x10, " AT(FRAME + 32) "\n"
	CALL(LHCALL_IRET));
/* Every gate leads to the start: each return to user mode ends up there. */
PAYLOAD(bad_user_return, INIT "mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT)
	"mov $0x8000000000000000, %rax\n mov %rax, " AT(FRAME + 24) "\n"
	"movq $0x33, " AT(FRAME + 32) "\n movq $0x2b, " AT(FRAME + 56) "\n"
	CALL(LHCALL_IRET));
PAYLOAD(bad_table, "mov $0x7000000003, %rax\n mov %rax, " STRING(PML4)
	" + 8\n mov $0x8000000000, %rax\n mov (%rax), %rax\n");
PAYLOAD(call_gate, INIT "mov $0x0000ec0000100020, %rdi\n mov $4, %esi\n"
	CALL(LHCALL_LOAD_TLS) "lcall *1f\n 1: .long 0, 0x63\n");
PAYLOAD(peek_switcher, INIT STACK
	"mov $0xffff800000000000, %rax\n mov (%rax), %rax\n");
PAYLOAD(hlt, INIT STACK "hlt\n");
PAYLOAD(bad_ldt, INIT "mov $" STRING(IDT) ", %edi\n mov $100000, %esi\n"
	CALL(LHCALL_LOAD_LDT));
PAYLOAD(bad_gate, "mov $256, %edi\n" CALL(LHCALL_SET_GATE));
PAYLOAD(bad_breakpoint, INIT "mov $8, %edi\n xor %esi, %esi\n"
	CALL(LHCALL_SET_DEBUGREG));
/* Stops at the Host's own code, if the Host lets it: ADDRESS is in there. */
PAYLOAD(host_breakpoint, INIT "xor %edi, %edi\n mov " STRING(WORD) ", %rsi\n"
	CALL(LHCALL_SET_DEBUGREG) "mov $7, %edi\n mov $2, %esi\n"
	CALL(LHCALL_SET_DEBUGREG) "nop\n" OFF);
/*
 * Comes by a breakpoint of the Host's, in a register where its own address may
 * not be, and stops at one of its own: is it told of the other?
 */
extern const char watched[];
PAYLOAD(passed_breakpoint, "test %esp, %esp\n jnz 2f\n" INIT STACK
	"mov $" STRING(IDT) ", %edi\n mov $4096, %esi\n"
	CALL(LHCALL_LOAD_IDT)
	"xor %edi, %edi\n lea watched(%rip), %rsi\n" CALL(LHCALL_SET_DEBUGREG)
	"mov $1, %edi\n mov $0xffff800000000000, %rsi\n"
	CALL(LHCALL_SET_DEBUGREG)
	"mov $7, %edi\n mov $5, %esi\n" CALL(LHCALL_SET_DEBUGREG)
	"watched: nop\n" CALL(997)
	"2: mov " AT(32) ", %rax\n and $15, %eax\n dec %eax\n jne 3f\n" OFF
	"3:" CALL(998));
/* Here it is the Launcher that does wrong: see below. */
PAYLOAD(stale_selector, OFF);
PAYLOAD(late_ldt, "jmp .\n");
PAYLOAD(refused, OFF);
PAYLOAD(fs_selector, "mov $100, %ebx\n"
	"1:" CALL(LHCALL_INTERRUPTS) "dec %ebx\n jnz 1b\n" OFF);

_Static_assert(offsetof(struct lguest_data, iret) == FRAME,
	       "the number in the code above");
_Static_assert(offsetof(struct lguest_data, dr6) == 32,
	       "another number in the code above");

static const struct payload {
	const char *name, *start, *end;
} payloads[] = {
#define P(name) { #name, name, name##_end }
	P(off), P(calls), P(spin), P(split_frame), P(registers), P(bad_call),
	P(bad_data), P(bad_jump), P(bad_cr3), P(no_memory), P(no_gate),
	P(no_stack), P(bad_stack), P(bad_return), P(bad_user_return),
	P(bad_table), P(call_gate), P(peek_switcher), P(hlt), P(bad_ldt),
	P(bad_gate), P(bad_breakpoint), P(host_breakpoint), P(stale_selector),
	P(fs_selector), P(xcr0), P(passed_breakpoint),
	P(early_irq), P(late_ldt), P(refused),
};

static void build(char *memory, const struct payload *payload)
{
	__u64 *pml4 = (void *)(memory + PML4), *pdpt = (void *)(memory + PDPT);
	__u64 *pd = (void *)(memory + PD);
	struct lguest_data *data = (void *)(memory + DATA);
	int i;

	pml4[0] = PDPT | 3;
	pdpt[0] = PD | 3;
	for (i = 0; i < 4; i++)		/* two more than there are */
		pd[i] = i * 0x200000 | 0x83;
	for (i = 0; i < 256; i++) {	/* all gates lead to the code */
		__u64 *gate = (void *)(memory + IDT + 16 * i);

		gate[0] = (__u64)(CODE >> 16) << 48 | 0xeeULL << 40 |
			  0x10 << 16 | (CODE & 0xffff);
	}
	data->sp0 = 0x100000;
	if (getenv("ADDRESS"))
		*(__u64 *)(memory + WORD) = strtoull(getenv("ADDRESS"), NULL, 16);
	memcpy(memory + CODE, payload->start, payload->end - payload->start);
}

static void is(const char *what, int got, int wanted)
{
	printf("%sok - device: %s: %s", got == wanted ? "" : "not ", what,
	       wanted ? strerror(wanted) : "works");
	if (got != wanted)
		printf(", not %s", got ? strerror(got) : "success");
	putchar('\n');
}

/* What a request or a read of so many bytes says: 0 or an error. */
static int ask(int fd, const void *request, size_t bytes)
{
	return write(fd, request, bytes) == (ssize_t)bytes ? 0 : errno;
}

/* The kernel may have had work for us, which is no signal of anybody's. */
static int get(int fd, size_t bytes)
{
	struct lguest_event event;
	ssize_t got;

	do {
		got = read(fd, &event, bytes);
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)bytes ? 0 : errno;
}

#define REFUSE(what, field, value, wanted) do { \
	struct lguest_initialize other = *good; \
	other.field = value; \
	is(what, ask(fd, &other, sizeof(other)), wanted); \
} while (0)

static void refuse_to_start(int fd, const struct lguest_initialize *good)
{
	is("a read before all", get(fd, sizeof(struct lguest_event)), EINVAL);
	is("an empty write", write(fd, good, 0) < 0 ? errno : 0, EINVAL);
	is("half a number", ask(fd, good, 4), EINVAL);
	is("half a request", ask(fd, good, sizeof(*good) - 8), EINVAL);
	REFUSE("an unknown request", request, 77, EINVAL);
	REFUSE("an irq before all", request, LHREQ_IRQ, EINVAL);
	REFUSE("another ABI", abi, LGUEST_ABI + 1, EINVAL);
	REFUSE("memory off its page", memory, good->memory + 8, EINVAL);
	REFUSE("memory of the kernel", memory, 0xffff888000000000, EINVAL);
	REFUSE("no memory", bytes, 0, EINVAL);
	REFUSE("half a page", bytes, 2048, EINVAL);
	REFUSE("all the memory there is", bytes, ~0xfffULL, EINVAL);
	REFUSE("a page table outside", cr3, MEMORY, EINVAL);
	REFUSE("a non-canonical entry", entry, 1ULL << 63, EINVAL);
}

static void refuse_to_run(int fd, const struct lguest_initialize *good)
{
	__u64 irq[] = { LHREQ_IRQ, LGUEST_NR_IRQS };
	struct lguest_event event;
	int other = open("/dev/lguest", O_RDWR), status;

	is("a Guest", ask(fd, good, sizeof(*good)), 0);
	is("a second one in this file", ask(fd, good, sizeof(*good)), EBUSY);
	is("a second one in this process", ask(other, good, sizeof(*good)),
	   EBUSY);
	is("an irq that there is not", ask(fd, irq, sizeof(irq)), EINVAL);
	is("half an event", get(fd, sizeof(event) - 8), EINVAL);
	if (!fork())
		_exit(get(fd, sizeof(event)));
	wait(&status);
	is("another process", WEXITSTATUS(status), EPERM);
	is("its own process", get(fd, sizeof(event)), 0);
	close(other);
}

static long set_thread_area(struct user_desc *desc)
{
	long answer;

	asm volatile("int $0x80" : "=a" (answer)
		     : "a" (243), "b" (desc)
		     : "memory", "r8", "r9", "r10", "r11");
	return answer;
}

/*
 * A selector whose descriptor goes while it is loaded. Linux clears those of
 * this thread, but looks for RPL 3 only.
 */
static void load_stale_selector(void)
{
	struct user_desc *desc = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
				      -1, 0);
	unsigned short selector;
	unsigned int entry;

	*desc = (struct user_desc){ .entry_number = -1, .limit = 0xfffff,
				    .seg_32bit = 1, .limit_in_pages = 1 };
	if (set_thread_area(desc))
		exit(2);
	entry = desc->entry_number;
	selector = entry * 8;
	asm volatile("mov %0, %%es" : : "r" (selector));
	*desc = (struct user_desc){ .entry_number = entry, .read_exec_only = 1,
				    .seg_not_present = 1 };
	if (set_thread_area(desc))
		exit(2);
}

/*
 * Reads with a selector in FS whose descriptor has a base, and then looks there.
 * In one piece, because the C library's variables are behind FS as well.
 */
static long read_with_fs(int fd, struct lguest_event *event)
{
	unsigned long *there = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
				    -1, 0);
	struct user_desc *desc = (struct user_desc *)(there + 64);
	unsigned long base, word = 0;
	long answer;

	*there = 4711;
	*desc = (struct user_desc){ .entry_number = -1, .limit = 0xfffff,
				    .base_addr = (unsigned long)there,
				    .seg_32bit = 1, .limit_in_pages = 1 };
	if (syscall(SYS_arch_prctl, ARCH_GET_FS, &base) ||
	    set_thread_area(desc))
		exit(2);
	asm volatile("mov %w[selector], %%fs\n 1: xor %%eax, %%eax\n syscall\n"
		     "cmp %[again], %%eax\n je 1b\n mov %%rax, %%rbx\n"
		     "mov %%fs:0, %[word]\n mov %[set], %%edi\n"
		     "mov %[base], %%rsi\n mov %[prctl], %%eax\n syscall\n"
		     : "=b" (answer), [word] "=&r" (word), "+D" (fd),
		       "+S" (event)
		     : [selector] "r" (desc->entry_number * 8 + 3),
		       "d" (sizeof(*event)), [again] "i" (-EINTR),
		       [set] "i" (ARCH_SET_FS), [base] "r" (base),
		       [prctl] "i" (SYS_arch_prctl)
		     : "rax", "rcx", "r11", "memory");
	if (word != 4711)
		printf("its FS leads to %lu\n", word);
	return answer;
}

static void *make_ldt(void *seconds)
{
	struct user_desc desc = { .limit = 0xfffff, .seg_32bit = 1,
				  .limit_in_pages = 1 };

	sleep((unsigned long)seconds);
	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)))
		exit(2);
	return NULL;
}

/* Two breakpoints of each CPU of the Host's: nowhere, and at this address. */
static void watch_cpus(__u64 address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X, .bp_len = sizeof(long),
	};
	long cpu, n, cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (cpu = 0; cpu < cpus; cpu++) {
		for (n = 0; n < 2; n++) {
			attr.bp_addr = n ? address : 0x12345000;
			if (syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
				    0) < 0) {
				perror("perf_event_open");
				exit(2);
			}
		}
	}
}

/* Who has an LDT is refused, as often as it asks. */
static void be_refused(int fd, const struct lguest_initialize *args)
{
	int i, refused = 0;

	make_ldt(NULL);
	for (i = 0; i < 1000; i++)
		refused += ask(fd, args, sizeof(*args)) == EOPNOTSUPP;
	printf("refused: %d times\n", refused);
}

static volatile sig_atomic_t time_is_up;

static void note(int signal)
{
	time_is_up = signal;
}

int main(int argc, char *argv[])
{
	struct lguest_initialize args = {
		.request = LHREQ_INITIALIZE, .abi = LGUEST_ABI,
		.bytes = MEMORY, .cr3 = PML4, .entry = CODE,
	};
	int fd = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	struct lguest_event event;
	pthread_t thread;
	char *memory;
	bool device = argc == 2 && !strcmp(argv[1], "device");
	size_t i;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; argc > 1 && i < sizeof(payloads) / sizeof(*payloads); i++)
		if (device || !strcmp(argv[1], payloads[i].name))
			break;
	if (argc < 2 || i == sizeof(payloads) / sizeof(*payloads) || fd < 0 ||
	    memory == MAP_FAILED) {
		fprintf(stderr, "payload NAME [SECONDS]: %s\n",
			strerror(errno));
		return 2;
	}
	build(memory, &payloads[i]);
	args.memory = (unsigned long)memory;
	if (device) {
		refuse_to_start(fd, &args);
		refuse_to_run(fd, &args);
		return 0;
	}
	if (!strcmp(argv[1], "refused")) {
		be_refused(fd, &args);
		return 0;
	}
	if (write(fd, &args, sizeof(args)) != sizeof(args)) {
		perror("write");
		return 2;
	}
	if (!strcmp(argv[1], "late_ldt") &&
	    pthread_create(&thread, NULL, make_ldt, (void *)1ul))
		return 2;
	if (!strcmp(argv[1], "stale_selector"))
		load_stale_selector();
	if (!strcmp(argv[1], "passed_breakpoint"))
		watch_cpus(CODE + (watched - passed_breakpoint));
	if (argc > 2) {
		struct sigaction action = { .sa_handler = note };

		sigaction(SIGALRM, &action, NULL);
		alarm(atoi(argv[2]));
	}
	while ((!strcmp(argv[1], "fs_selector") ?
		read_with_fs(fd, &event) :
		read(fd, &event, sizeof(event))) != sizeof(event)) {
		if (errno == EINTR &&
		    (!time_is_up || !strcmp(argv[1], "late_ldt")))
			continue;
		printf("%s: %s\n", argv[1], strerror(errno));
		return errno == EINTR ? 0 : 1;
	}
	printf("%s: event %llu value %llu: %s\n", argv[1], event.kind,
	       event.value, event.text);
	return 0;
}
