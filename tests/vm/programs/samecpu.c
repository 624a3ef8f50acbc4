// SPDX-License-Identifier: GPL-2.0
/*
 * What a program can see of its CPU. Each row is a few instructions that a
 * child runs at a fixed address, from registers that are known; one line tells
 * what came of it: each signal with all that its frame says, and the registers
 * that changed. Nothing is judged here: a test runs this on the bare machine
 * and in a Guest, and compares the lines. An argument: only rows named so.
 */
#include "check.h"
#include <asm/ldt.h>
#include <linux/perf_event.h>
#include <sys/io.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <ucontext.h>
#include <stdbool.h>

#define CODE	0x10000000	/* where a row runs, */
#define STACK	0x20008000	/* on this stack, */
#define DATA	0x30000000	/* with a page of words, */
#define FRESH	0x40000000	/* and pages that nobody has touched. */
#define PORT	0x2e0		/* nobody is there */

/* What a row needs before it starts. */
#define STEP	1		/* the trap flag */
#define LDT	2		/* our descriptors */
#define STACK16	4		/* SS is the first of them */
#define PORTS	8		/* ioperm() for PORT to PORT + 3 */
#define ALL	16		/* iopl(3) */
#define CODE32	32		/* starts in the 32-bit code segment */
#define CODE16	64		/* in a 16-bit one of the LDT */
#define BREAKS	128		/* a debugger, with four breakpoints */
#define GS17	256		/* GS is what sigreturn makes of 0x17 */

struct row {
	const uint8_t *code, *end;
	const char *name;
	long how;
};

#ifdef __x86_64__
#define WORD	".quad "
#define IP	REG_RIP
#define SP	REG_RSP
#else
#define WORD	".long "
#define IP	REG_EIP
#define SP	REG_ESP
#endif

/* ROW("name", how, "code"): the assembler makes the table. */
#define ROW(name, how, code)						\
	asm(".pushsection .rodata.row_code, \"a\"\n"			\
	    "71:\t" code "\n72:\n\t.popsection\n"			\
	    "\t.pushsection .rodata.row_names, \"a\"\n"			\
	    "73:\t.asciz \"" name "\"\n\t.popsection\n"			\
	    "\t.pushsection rows, \"aw\"\n"				\
	    WORD "71b, 72b, 73b\n" WORD NUMBER(how) "\n\t.popsection\n")
#define NUMBER(n)	NUMBER_(n)
#define NUMBER_(n)	#n
#ifdef __x86_64__
#define ROW64(...)	ROW(__VA_ARGS__)
#define ROW32(...)
#define WIDE(register)	"%r" #register
#else
#define ROW64(...)
#define ROW32(...)	ROW(__VA_ARGS__)
#define WIDE(register)	"%e" #register
#endif
#define AX		WIDE(ax)
#define BX		WIDE(bx)
#define SI		WIDE(si)
#define DI		WIDE(di)
#define FLAGS(f)	"push $" #f "; popf; "
#define SEE_FLAGS	"pushf; pop " BX "; "

#include "samecpu-rows.h"

extern const struct row __start_rows[], __stop_rows[];

/* Text without the C library: a row may have taken its thread's base away. */
static char line[8192];
static unsigned int used;

static void put(const char *text)
{
	while (*text && used < sizeof(line) - 2)
		line[used++] = *text++;
}

static void put_hex(uint64_t value)
{
	char digits[17];
	int i = 16;

	digits[i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	put(digits + i);
}

static void put_field(const char *name, uint64_t value)
{
	put(" ");
	put(name);
	put("=");
	put_hex(value);
}

static long bare_call(long nr, long a, long b, long c)
{
	long result;

#ifdef __x86_64__
	asm volatile("syscall" : "=a"(result)
		     : "a"(nr), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
#else
	asm volatile("int $0x80" : "=a"(result)
		     : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
#endif
	return result;
}

static void __attribute__((noreturn)) end_line(void)
{
	line[used++] = '\n';
	bare_call(SYS_write, 1, (long)line, used);
	bare_call(SYS_exit_group, 0, 0, 0);
	__builtin_unreachable();
}

#ifdef __x86_64__
static const struct {
	const char *name;
	int greg;
} registers[] = {
	{ "ax", REG_RAX }, { "bx", REG_RBX }, { "cx", REG_RCX },
	{ "dx", REG_RDX }, { "si", REG_RSI }, { "di", REG_RDI },
	{ "bp", REG_RBP }, { "sp", REG_RSP }, { "8", REG_R8 },
	{ "9", REG_R9 }, { "10", REG_R10 }, { "11", REG_R11 },
	{ "12", REG_R12 }, { "13", REG_R13 }, { "14", REG_R14 },
	{ "15", REG_R15 },
};
#else
static const struct {
	const char *name;
	int greg;
} registers[] = {
	{ "ax", REG_EAX }, { "bx", REG_EBX }, { "cx", REG_ECX },
	{ "dx", REG_EDX }, { "si", REG_ESI }, { "di", REG_EDI },
	{ "bp", REG_EBP }, { "sp", REG_ESP }, { "ds", REG_DS },
	{ "es", REG_ES }, { "fs", REG_FS }, { "gs", REG_GS },
};
#endif

static greg_t before[NGREG];
static long how_now;
static unsigned int code_bytes, signals;

/* The bits of RSP above the 32nd come from the kernel's own map. */
static uint64_t seen(int i, uint64_t value)
{
	if (registers[i].greg == SP && (how_now & STACK16))
		return (uint32_t)value;
	return value;
}

/* A handler keeps AC and NT, and then trips over its own stack. */
static void calm_flags(void)
{
#ifdef __x86_64__
	asm volatile("sub $128, %%rsp; pushf; andl $0xfffbbfff, (%%rsp); popf; "
		     "add $128, %%rsp" : : : "cc");
#else
	asm volatile("pushf; andl $0xfffbbfff, (%%esp); popf" : : : "cc");
#endif
}

static void tell(int sig, siginfo_t *info, void *context)
{
	greg_t *now = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned long at = now[IP];
	unsigned int i;

	calm_flags();
	put(" |");
	if (sig == SIGILL && at == CODE + code_bytes) {
		put(" end");
	} else {
		put_field("sig", sig);
		put_field("code", (uint32_t)info->si_code);
		put_field("addr", (uintptr_t)info->si_addr);
		put_field("trap", now[REG_TRAPNO]);
		put_field("err", now[REG_ERR]);
		put_field("ip", at - CODE);
		if (now[REG_TRAPNO] == 14)
#ifdef __x86_64__
			put_field("cr2", now[REG_CR2]);
#else
			put_field("cr2", ((ucontext_t *)context)
				  ->uc_mcontext.cr2);
#endif
	}
	put_field("fl", now[REG_EFL]);
#ifdef __x86_64__
	if (now[REG_CSGSFS] != before[REG_CSGSFS])
		put_field("segs", now[REG_CSGSFS]);
#else
	if (now[REG_CS] != before[REG_CS])
		put_field("cs", now[REG_CS]);
	if (now[REG_SS] != before[REG_SS])
		put_field("ss", now[REG_SS]);
#endif
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (seen(i, now[registers[i].greg]) !=
		    seen(i, before[registers[i].greg]))
			put_field(registers[i].name,
				  seen(i, now[registers[i].greg]));
	memcpy(before, now, sizeof(before));
	if (sig != SIGTRAP || ++signals == 24 || at == CODE + code_bytes)
		end_line();
}

/* The child is in here when it becomes the row. */
static void start(int sig, siginfo_t *info, void *context)
{
	greg_t *now = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned int i;

	(void)sig;
	(void)info;
	for (i = 0; i < ARRAY_SIZE(registers); i++)
#ifdef __x86_64__
		now[registers[i].greg] = 0x1111111111111111ul * (i + 1);
	now[REG_RDX] = PORT;
	now[REG_RSI] = now[REG_RDI] = DATA;
	if (how_now & CODE32)
		now[REG_CSGSFS] = (now[REG_CSGSFS] & ~0xffff) | 0x23;
	if (how_now & CODE16)
		now[REG_CSGSFS] = (now[REG_CSGSFS] & ~0xffff) | (3 << 3 | 7);
	if (how_now & STACK16)
		now[REG_CSGSFS] = (now[REG_CSGSFS] & 0xffffffffffff) |
				  (7ull << 48);
#else
		if (i < 8)
			now[registers[i].greg] = 0x11111111 * (i + 1);
	now[REG_EAX] = 0x11111111;
	now[REG_EDX] = PORT;
	now[REG_ESI] = now[REG_EDI] = DATA;
	if (how_now & CODE16)
		now[REG_CS] = 3 << 3 | 7;
	if (how_now & STACK16)
		now[REG_SS] = 7;
	if (how_now & GS17)
		now[REG_GS] = 0x17;
#endif
	now[SP] = STACK;
#ifndef __x86_64__
	now[REG_UESP] = STACK;
#endif
	now[IP] = how_now & CODE16 ? 0 : CODE;
	now[REG_EFL] = how_now & STEP ? 0x302 : 0x202;
	memcpy(before, now, sizeof(before));
}

/* As a kernel without them: so that it can be compared with one that has them. */
static bool no16;

static long set_ldt(int entry, int base, int limit, int contents, int wide,
		    int absent, int read_only)
{
	struct user_desc d = {
		.entry_number = entry,
		.base_addr = base,
		.limit = limit,
		.seg_32bit = wide,
		.contents = contents,
		.read_exec_only = read_only,
		.seg_not_present = absent,
		.useable = 1,
	};

	/* A kernel without 16-bit segments refuses: then none has them. */
	return !wide && no16 ? -1 : syscall(SYS_modify_ldt, 0x11, &d, sizeof(d));
}

/* Data in 16 bits, in 32, absent; code in 16, in 32; read-only; small. */
static void set_ldts(void)
{
	set_ldt(0, STACK - 0x8000, 0xffff, 0, 0, 0, 0);
	set_ldt(1, DATA, 0xfff, 0, 1, 0, 0);
	set_ldt(2, DATA, 0xfff, 0, 1, 1, 0);
	set_ldt(3, CODE, 0xffff, 2, 0, 0, 0);
	set_ldt(4, CODE, 0xffff, 2, 1, 0, 0);
	set_ldt(5, DATA, 0xfff, 0, 1, 0, 1);
	set_ldt(6, DATA, 15, 0, 1, 0, 0);
	set_ldt(7, CODE, 0xffff, 3, 1, 0, 0);
	set_ldt(8, STACK - 0x8000, 0x7fff, 1, 1, 0, 0);
}

static void map(uintptr_t at, size_t bytes, int rights)
{
	need(mmap((void *)at, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS |
		  MAP_FIXED, -1, 0) == (void *)at);
}

/* For fxrstor: control words as they are at first, all else zero. */
static const uint32_t fresh_fpu[128] __attribute__((aligned(16))) = {
	[0] = 0x37f, [6] = 0x1f80,
};

static void become(const uint8_t *code, unsigned int bytes, long how)
{
	static char other_stack[65536];
	stack_t stack = { .ss_sp = other_stack, .ss_size = 65536 };
	static const int sigs[] = { SIGSEGV, SIGILL, SIGBUS, SIGTRAP, SIGFPE,
				    SIGSYS };
	unsigned int i;

	map(CODE, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(STACK - 0x8000, 0x10000, PROT_READ | PROT_WRITE);
	map(DATA, 4096, PROT_READ | PROT_WRITE);
	map(FRESH, 65536, PROT_READ | PROT_WRITE);
	for (i = 0; i < 1024; i++)
		((uint32_t *)DATA)[i] = 0xda7a0000 + i;
	/* QEMU makes some user accesses with the kernel's rights: no faults. */
	memset((void *)(STACK - 0x8000), 0, 0x10000);
	memcpy((void *)CODE, code, bytes);
	memcpy((void *)(CODE + (uintptr_t)bytes), "\x0f\x0b", 2);
	code_bytes = bytes;
	how_now = how;
	if (how & (LDT | STACK16 | CODE16 | GS17))
		set_ldts();
	if (how & PORTS)
		need(!ioperm(PORT, 4, 1));
	if (how & ALL)
		need(!iopl(3));
	need(!sigaltstack(&stack, NULL));
	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		on_signal(sigs[i], SA_ONSTACK | SA_NODEFER, tell);
	on_signal(SIGUSR1, 0, start);
	alarm(20);
	if (how & BREAKS) {
		need(!ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
	}
	/* What the C library left there depends on what it knows of the CPU. */
#ifdef __x86_64__
	asm volatile("fxrstor64 %0" : : "m" (fresh_fpu));
#else
	asm volatile("fxrstor %0" : : "m" (fresh_fpu));
#endif
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
}

static void set_debugreg(pid_t child, unsigned int n, unsigned long value)
{
	need(!ptrace(PTRACE_POKEUSER, child,
		     offsetof(struct user, u_debugreg) + n * sizeof(long),
		     value));
}

/* To execute CODE + 32, write at DATA + 32, touch DATA + 64, push. */
static void set_breakpoints(pid_t child)
{
	set_debugreg(child, 0, CODE + 32);
	set_debugreg(child, 1, DATA + 32);
	set_debugreg(child, 2, DATA + 64);
	set_debugreg(child, 3, STACK - 4);
	set_debugreg(child, 7, 0xdfd00055);
}

/* All of its signals are for itself; what DR6 says with each is ours. */
static int debug(pid_t child, const char *name)
{
	char text[512];
	int status, sig, used = 0;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		sig = WSTOPSIG(status);
		if (sig == SIGSTOP) {
			set_breakpoints(child);
			sig = 0;
		} else if (sig == SIGTRAP) {
			long dr6 = ptrace(PTRACE_PEEKUSER, child,
				offsetof(struct user, u_debugreg[6]), 0);

			used += snprintf(text + used, sizeof(text) - used,
					 " %lx", dr6);
			set_debugreg(child, 6, 0);
		}
		need(!ptrace(PTRACE_CONT, child, 0, sig));
	}
	text[used] = 0;
	printf("%s, dr6:%s\n", name, text);
	return status;
}

static const char *only;

/* run(): in a child, so that whatever happens, it happens to nobody else. */
static void run(const char *name, const uint8_t *code, unsigned int bytes,
		long how)
{
	pid_t child;
	int status;

	if (only && strcmp(only, name))
		return;
	fflush(stdout);
	child = fork();
	need(child >= 0);
	if (!child) {
		put(name);
		put(":");
		become(code, bytes, how);
		put(" came back");
		end_line();
	}
	status = how & BREAKS ? debug(child, name) : wait_for(child);
	if (status)
		printf("%s: ended with %d\n", name, status);
}

/* All of `int n`: as a whole one row a vector would be a long table. */
static void run_interrupts(void)
{
	char name[32];
	int n;

	for (n = 0; n < 256; n++) {
		uint8_t code[] = { 0x83, 0xc8, 0xff, 0xcd, n };

		snprintf(name, sizeof(name), "int %#x", n);
		run(name, code, sizeof(code), 0);
	}
}

/* What the four questions about a selector answer, for those that exist. */
static void ask_selectors(const char *when)
{
	unsigned int selector, rights, limit;
	unsigned char lar, lsl, reads, writes;

	if (only)
		return;
	for (selector = 0; selector < 0x10000; selector++) {
		rights = limit = 0;
		asm volatile("lar %2, %0; setz %1"
			     : "+r"(rights), "=q"(lar) : "r"(selector) : "cc");
		asm volatile("lsl %2, %0; setz %1"
			     : "+r"(limit), "=q"(lsl) : "r"(selector) : "cc");
		asm volatile("verr %w1; setz %0"
			     : "=q"(reads) : "r"(selector) : "cc");
		asm volatile("verw %w1; setz %0"
			     : "=q"(writes) : "r"(selector) : "cc");
		if (selector >> 3 == 15)
			limit = 0;	/* the CPU's number */
		if (lar | lsl | reads | writes)
			printf("selector %#x %s: %d %x %d %x %d %d\n",
			       selector, when, lar, rights, lsl, limit, reads,
			       writes);
	}
}

static void load_selectors(void)
{
	static const uint8_t opcodes[] = { 0xd8, 0xc0, 0xe0, 0xe8, 0xd0 };
	static const char *const names[] = { "ds", "es", "fs", "gs", "ss" };
	char name[32];
	unsigned int i, selector;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		for (selector = 0; selector < 0x90; selector++) {
			uint8_t code[] = { 0xb8, selector, 0, 0, 0,
					   0x8e, opcodes[i] };

			/* iretq may or may not clear a null selector's RPL */
			if ((selector & 3) == 1 || (selector & 3) == 2 ||
			    selector == 3)
				continue;
			snprintf(name, sizeof(name), "mov %#x to %s",
				 selector, names[i]);
			run(name, code, sizeof(code), LDT);
		}
}

/* Every single byte, with and without 0x0f, that needs no more. */
static void run_opcodes(void)
{
	char name[32];
	int i, prefix;

	for (prefix = 0; prefix < 2; prefix++)
		for (i = 0; i < 256; i++) {
			uint8_t code[] = { 0x0f, i, 0xc8, 0x90, 0x90, 0x90,
					   0x90, 0x90, 0x90, 0x90, 0x90 };

			/* rdtsc, rdpmc, cpuid: numbers of their own */
			if (!prefix && (i == 0x31 || i == 0xa2))
				continue;
			snprintf(name, sizeof(name), "opcode %s%02x",
				 prefix ? "" : "0f", i);
			run(name, code + prefix, sizeof(code) - prefix, 0);
		}
}

/*
 * Breakpoints are events of perf's, and with the first and behind the last of them
 * Linux rewrites its scheduler. QEMU 7.2 may run that while it is written: so once.
 */
static void keep_perf_on(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(attr),
	};

	need(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0);
}

int main(int argc, char **argv)
{
	const struct row *row;
	pid_t child;

	no16 = argc > 1 && !strcmp(argv[1], "no16");
	only = argc > 1 + no16 ? argv[1 + no16] : NULL;
	keep_perf_on();
	child = fork();
	need(child >= 0);
	if (!child)
		_exit(!!set_ldt(0, 0, 0xffff, 0, 0, 0, 0));
	printf("16-bit segments: %s\n", wait_for(child) ? "refused" : "yes");
	ask_selectors("at first");
	for (row = __start_rows; row < __stop_rows; row++)
		run(row->name, row->code, row->end - row->code, row->how);
	run_interrupts();
	load_selectors();
	run_opcodes();
	set_ldts();
	ask_selectors("with an LDT");
	return 0;
}
