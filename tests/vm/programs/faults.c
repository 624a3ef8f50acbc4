// SPDX-License-Identifier: GPL-2.0
/* Each fault is a signal: the right one, with the right address in it. */
#include "check.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#define PAGE	4096
#ifdef __x86_64__
#define REG_IP	REG_RIP
#define STACK	"rsp"
#else
#define REG_IP	REG_EIP
#define STACK	"esp"
#endif

static sigjmp_buf after_fault;

#ifdef __x86_64__
#define GARBLES_INT80	"memory", "r8", "r9", "r10", "r11"
#else
#define GARBLES_INT80	"memory"
#endif

/* What the last handler was told. */
static struct {
	int sig, code;
	uintptr_t address, ip, cr2;
	long trap, error;
} last;

static void remember(int sig, siginfo_t *info, void *context)
{
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;

	last.sig = sig;
	last.code = info->si_code;
	last.address = (uintptr_t)info->si_addr;
	last.ip = m->gregs[REG_IP];
	last.trap = m->gregs[REG_TRAPNO];
	last.error = m->gregs[REG_ERR];
#ifdef __x86_64__
	last.cr2 = m->gregs[REG_CR2];
#else
	last.cr2 = m->cr2;
#endif
	siglongjmp(after_fault, 1);
}

/* Run it until it faults; without a fault, last.sig is 0. */
#define FAULT(...)						\
	do {							\
		memset(&last, 0, sizeof(last));			\
		if (!sigsetjmp(after_fault, 1)) {		\
			__VA_ARGS__;				\
		}						\
	} while (0)

/* The labels at and behind the instruction that faults. */
extern char div_at[], ud2_at[], hlt_at[], int3_end[], cd3_end[],
	fpu_at[], step_end[], int80_at[];

static void check_page_fault(const char *name, uintptr_t address, int code,
			     long error)
{
	check(last.sig == SIGSEGV && last.code == code &&
	      last.address == address && last.cr2 == address &&
	      last.trap == 14 && last.error == error, name,
	      "signal %d, code %d, address %#lx, cr2 %#lx, trap %ld, error %#lx",
	      last.sig, last.code, (long)last.address, (long)last.cr2,
	      last.trap, last.error);
}

static void check_general_protection(const char *name, long error)
{
	check(last.sig == SIGSEGV && last.code == SI_KERNEL &&
	      last.address == 0 && last.trap == 13 && last.error == error,
	      name, "signal %d, code %d, address %#lx, trap %ld, error %#lx",
	      last.sig, last.code, (long)last.address, last.trap, last.error);
}

/*
 * Bit 1 of the error code says that the rest is a vector. Which one is not
 * looked at: QEMU 7.2 shifts it by one bit too many.
 */
static void check_forbidden_gate(const char *name)
{
	long right = last.error > 7 ? (last.error & ~7L) | 2 : -1;

	check_general_protection(name, right);
}

static void read_from(uintptr_t address)
{
	FAULT((void)*(volatile char *)address);
}

static void write_to(uintptr_t address)
{
	FAULT(*(volatile char *)address = 1);
}

static void jump_to(uintptr_t address)
{
	FAULT(((void (*)(void))address)());
}

static uintptr_t map(int protection)
{
	void *p = mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	need(p != MAP_FAILED);
	return (uintptr_t)p;
}

/* Bits of the error code: 1 present, 2 write, 4 user, 0x10 fetch. */
static void check_mappings(void)
{
	uintptr_t none = map(PROT_NONE), read_only = map(PROT_READ);
	uintptr_t data = map(PROT_READ | PROT_WRITE), gone = map(PROT_READ);

	need(!munmap((void *)gone, PAGE));
	read_from(gone + 0x123);
	check_page_fault("a read of nothing", gone + 0x123, SEGV_MAPERR, 4);
	write_to(gone + 0xfff);
	check_page_fault("a write to nothing", gone + 0xfff, SEGV_MAPERR, 6);
	read_from(0);
	check_page_fault("a read of NULL", 0, SEGV_MAPERR, 4);
	read_from(none + 0x45);
	check_page_fault("a read of PROT_NONE", none + 0x45, SEGV_ACCERR, 4);
	write_to(read_only + 0x67);
	check_page_fault("a write to a page never touched that is read-only",
			 read_only + 0x67, SEGV_ACCERR, 6);
	read_from(read_only);
	write_to(read_only + 0x67);
	check_page_fault("and to one that was read", read_only + 0x67,
			 SEGV_ACCERR, 7);
	*(volatile char *)data = 1;
	jump_to(data + 0x10);
	check_page_fault("a jump into data", data + 0x10, SEGV_ACCERR, 0x15);
	check(last.ip == data + 0x10, "leaves rip there", "%#lx",
	      (long)last.ip);
	jump_to(gone);
	check_page_fault("a jump to nothing", gone, SEGV_MAPERR, 0x14);
}

#ifdef __x86_64__
static void check_kernel_addresses(void)
{
	/* Mapped or not must look alike. The third is the Switcher's slot. */
	static const uintptr_t addresses[] = {
		0xffffffff81000000, 0xffff888000001000, 0xffff800000000000,
		0xffff800000001000, 0xffffc90000000000, 0xfffffe0000000000,
		0xffffffffc0000000, 0xfffffffffffff000,
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		uintptr_t address = addresses[i];

		snprintf(name, sizeof(name), "a read of %#lx", address);
		read_from(address);
		check_page_fault(name, address, SEGV_MAPERR, 5);
		snprintf(name, sizeof(name), "a write to %#lx", address);
		write_to(address);
		check_page_fault(name, address, SEGV_MAPERR, 7);
		snprintf(name, sizeof(name), "a jump to %#lx", address);
		jump_to(address);
		check_page_fault(name, address, SEGV_MAPERR, 0x15);
	}
	read_from(0x8000000000000000);
	check_general_protection("a read of a non-canonical address", 0);
	write_to(0x0000900000000000);
	check_general_protection("a write to a non-canonical address", 0);
	read_from(0xffff000000000000 | (uintptr_t)name);
	check_general_protection("a read of low memory's alias", 0);
	write_to(0xffff000000000000 | (uintptr_t)name);
	check_general_protection("a write to low memory's alias", 0);
	read_from(0x0000ffff81000000);
	check_general_protection("a read of the kernel's alias", 0);
}

/* A CPU with five levels of tables takes this base, and so must its kernel. */
static void check_wide_base(void)
{
	unsigned long base = 0x0055443322110000, now;

	asm volatile("wrgsbase %0" : : "r"(base));
	usleep(100000);
	asm volatile("rdgsbase %0" : "=r"(now));
	check(now == base, "a GS base of more than 48 bits", "%#lx", now);
}
#endif

static void check_privileged(void)
{
	FAULT(asm volatile("hlt_at: hlt"));
	check_general_protection("hlt in user mode", 0);
	check(last.ip == (uintptr_t)hlt_at, "leaves rip at itself", "%#lx",
	      (long)last.ip);
	FAULT(asm volatile("cli"));
	check_general_protection("cli", 0);
	FAULT(asm volatile("sti"));
	check_general_protection("sti", 0);
	FAULT(asm volatile("inb $0x80, %%al" : : : "eax"));
	check_general_protection("in", 0);
	FAULT(asm volatile("outb %%al, $0x80" : : ));
	check_general_protection("out", 0);
	FAULT(asm volatile("mov %%cr0, %0" : "=r"(last.error)));
	check_general_protection("mov from cr0", 0);
	FAULT(asm volatile("mov %0, %%cr3" : : "r"(0L)));
	check_general_protection("mov to cr3", 0);
	FAULT(asm volatile("mov %0, %%dr7" : : "r"(0L)));
	check_general_protection("mov to dr7", 0);
	FAULT(asm volatile("rdmsr" : : "c"(0xc0000080) : "eax", "edx"));
	check_general_protection("rdmsr", 0);
	FAULT(asm volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0)));
	check_general_protection("wrmsr", 0);
	FAULT(asm volatile("lgdt %0" : : "m"(last)));
	check_general_protection("lgdt", 0);
	FAULT(asm volatile("ltr %0" : : "r"((short)0)));
	check_general_protection("ltr", 0);
	FAULT(asm volatile("invlpg %0" : : "m"(last)));
	check_general_protection("invlpg", 0);
	FAULT(asm volatile("mov %0, %%ds" : : "r"(0x1230)));
	check_general_protection("a selector beyond the GDT", 0x1230);
	FAULT(asm volatile("int $0x30"));
	check_forbidden_gate("int of an interrupt's gate");
	FAULT(asm volatile("int $14"));
	check_forbidden_gate("int of the page fault's gate");
	FAULT(asm volatile("int $2"));
	check_forbidden_gate("int of the NMI's gate");
}

static void check_arithmetic(void)
{
	static const uint16_t unmask_zero_divide = 0x37b;

	FAULT(asm volatile("div_at: divl %%ecx"
			   : : "a"(1), "d"(0), "c"(0)));
	check(last.sig == SIGFPE && last.code == FPE_INTDIV &&
	      last.address == (uintptr_t)div_at && last.ip == last.address &&
	      last.trap == 0, "a division by zero",
	      "signal %d, code %d, address %#lx, rip %#lx", last.sig,
	      last.code, (long)last.address, (long)last.ip);
	FAULT(asm volatile("fninit\n\t"
			   "fldcw %0\n\t"
			   "fld1\n\t"
			   "fldz\n\t"
			   "fdivrp\n\t"
			   "fpu_at: fwait"
			   : : "m"(unmask_zero_divide)));
	asm volatile("fninit");
	check(last.sig == SIGFPE && last.code == FPE_FLTDIV &&
	      last.address == (uintptr_t)fpu_at && last.trap == 16,
	      "an unmasked x87 division by zero",
	      "signal %d, code %d, address %#lx, trap %ld", last.sig,
	      last.code, (long)last.address, last.trap);
}

static void check_trap(const char *name, int code, uintptr_t ip, long trap)
{
	check(last.sig == SIGTRAP && last.code == code && last.ip == ip &&
	      last.trap == trap, name,
	      "signal %d, code %d, rip %#lx, not %#lx, trap %ld", last.sig,
	      last.code, (long)last.ip, (long)ip, last.trap);
}

static void check_traps(void)
{
	FAULT(asm volatile("ud2_at: ud2"));
	check(last.sig == SIGILL && last.code == ILL_ILLOPN &&
	      last.address == (uintptr_t)ud2_at && last.ip == last.address &&
	      last.trap == 6, "ud2", "signal %d, code %d, address %#lx",
	      last.sig, last.code, (long)last.address);
	FAULT(asm volatile("int3\nint3_end:"));
	check_trap("int3", SI_KERNEL, (uintptr_t)int3_end, 3);
	FAULT(asm volatile("int $3\ncd3_end:"));
	check_trap("int $3", SI_KERNEL, (uintptr_t)cd3_end, 3);
	FAULT(asm volatile("pushf\n\t"
			   "orl $0x100, (%%" STACK ")\n\t"
			   "popf\n\t"
			   "nop\n"
			   "step_end: nop" : : : "memory", "cc"));
	check_trap("the trap flag", TRAP_TRACE, (uintptr_t)step_end, 1);
	/* A kernel told ia32_emulation=off has no gate there. */
	static long pid = 20;

	FAULT(asm volatile("int80_at: int $0x80" : "+a"(pid) : :
			   GARBLES_INT80));
	check(last.sig ? last.ip == (uintptr_t)int80_at : pid == getpid(),
	      "int $0x80 is answered, or faults where it is",
	      "signal %d, rip %+ld", last.sig,
	      (long)(last.ip - (uintptr_t)int80_at));
#ifndef __x86_64__
	FAULT(asm volatile("movb $0x7f, %%al\n\tincb %%al\n\tinto"
			   : : : "eax", "cc"));
	check(last.sig == SIGSEGV && last.trap == 4, "into",
	      "signal %d, trap %ld", last.sig, last.trap);
	static const int bounds[2] = { 1, 2 };

	FAULT(asm volatile("bound %0, %1" : : "r"(3), "m"(bounds)));
	check(last.sig == SIGSEGV && last.trap == 5, "bound",
	      "signal %d, trap %ld", last.sig, last.trap);
#endif
}

static void check_bus_error(void)
{
	int fd = memfd_create("short", 0);
	char *p;

	need(fd >= 0 && !ftruncate(fd, PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED);
	read_from((uintptr_t)p);
	check(!last.sig, "a file's mapped page", "signal %d", last.sig);
	read_from((uintptr_t)p + PAGE + 5);
	check(last.sig == SIGBUS && last.code == BUS_ADRERR &&
	      last.address == (uintptr_t)p + PAGE + 5,
	      "behind the file's end is a SIGBUS",
	      "signal %d, code %d, address %#lx", last.sig, last.code,
	      (long)last.address);
}

/* Goes deep, and remembers how deep it came. */
static volatile uintptr_t deepest;

static __attribute__((noinline)) int descend(int depth)
{
	volatile char room[1024];

	room[0] = depth;
	deepest = (uintptr_t)room;
	if (!depth)
		return 0;
	return descend(depth - 1) + (room[0] != (char)depth);
}

static void check_stack(void)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct rlimit limit = { 8 << 20, 8 << 20 };
	uintptr_t top = (uintptr_t)__builtin_frame_address(0);
	int wrong = -1;

	need(!setrlimit(RLIMIT_STACK, &limit));
	need(!sigaltstack(&alternate, NULL));
	FAULT(wrong = descend(4000));
	check(!last.sig && !wrong && top - deepest > 4000 * 1024,
	      "the stack grows to 4 MB", "signal %d, %d frames wrong, %#lx",
	      last.sig, wrong, (long)(top - deepest));
	FAULT(descend(1 << 20));
	check(last.sig == SIGSEGV && last.address < deepest &&
	      last.address > deepest - 3 * PAGE &&
	      top - last.address > 7 << 20 && top - last.address < 9 << 20,
	      "and overflows at 8 MB, seen on the alternate stack",
	      "signal %d, %#lx below the top", last.sig,
	      (long)(top - last.address));
}

/* A handler that sends its process back to an impossible place. */
static int which;

static void go_astray(int sig, siginfo_t *info, void *context)
{
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;

	(void)sig, (void)info;
#ifdef __x86_64__
	uint64_t *selectors = (uint64_t *)&m->gregs[REG_CSGSFS];

	if (which == 0)
		*selectors = (*selectors & ~0xffffULL) | 0x1237;
	if (which == 1)
		*selectors = (*selectors & ~0xffffULL) | 0x10;
	if (which == 2)
		m->gregs[REG_RIP] = 0x8000000000000000;
	if (which == 3)
		m->gregs[REG_RIP] = 0xffffffff81000000;
#else
	if (which == 0)
		m->gregs[REG_CS] = 0x1237;
	if (which == 1)
		m->gregs[REG_SS] = 0x1237;
	if (which == 2)
		m->gregs[REG_EIP] = 0;
	if (which == 3)
		m->gregs[REG_CS] = 0x10;
#endif
}

static void check_returns(void)
{
	static const char * const names[] = {
#ifdef __x86_64__
		"sigreturn to a bad cs", "sigreturn to the kernel's cs",
		"sigreturn to a non-canonical rip",
		"sigreturn to the kernel's text",
#else
		"sigreturn to a bad cs", "sigreturn to a bad ss",
		"sigreturn to address 0", "sigreturn to the kernel's cs",
#endif
	};

	on_signal(SIGUSR1, 0, go_astray);
	for (which = 0; which < 4; which++) {
		FAULT(raise(SIGUSR1));
		check(last.sig == SIGSEGV, names[which],
		      "signal %d, code %d", last.sig, last.code);
	}
}

int main(void)
{
	on_signal(SIGSEGV, SA_ONSTACK, remember);
	on_signal(SIGBUS, 0, remember);
	on_signal(SIGFPE, 0, remember);
	on_signal(SIGILL, 0, remember);
	on_signal(SIGTRAP, 0, remember);
	check_mappings();
#ifdef __x86_64__
	check_kernel_addresses();
	if (getenv("FIVE"))
		check_wide_base();
#endif
	check_privileged();
	check_arithmetic();
	check_traps();
	check_bus_error();
	check_returns();
	check_stack();
	return done();
}
