// SPDX-License-Identifier: GPL-2.0
/* Segments in a 64-bit process: LDT, FS and GS, their bases, int 0x80. */
#include "check.h"
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define PAGE		4096
#define PROCESSES	4
#define LDT(n)		((n) << 3 | 7)
#define HWCAP2_FSGSBASE	2

static sigjmp_buf after_fault;
static greg_t last_trap;

static void leave_fault(int sig, siginfo_t *info, void *context)
{
	(void)info;
	last_trap = ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO];
	siglongjmp(after_fault, sig);
}

static void set_ldt(int entry, void *base, int limit)
{
	struct user_desc d = {
		.entry_number = entry,
		.base_addr = (uintptr_t)base,
		.limit = limit,
		.seg_32bit = 1,
		.useable = 1,
	};

	need(!syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
}

static void *low_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	need(page != MAP_FAILED);
	return page;
}

static void load_gs(int selector)
{
	asm volatile("mov %0, %%gs" : : "r"(selector));
}

static int gs(void)
{
	int selector;

	asm volatile("mov %%gs, %0" : "=r"(selector));
	return selector & 0xffff;
}

static uint64_t read_gs(uint64_t offset)
{
	uint64_t value;

	asm volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset));
	return value;
}

static int data_selector(int set)
{
	int old;

	asm volatile("mov %%ds, %0" : "=r"(old));
	if (set >= 0)
		asm volatile("mov %0, %%ds" : : "r"(set));
	return old & 0xffff;
}

/*
 * The thread's own variables are found by FS, so between taking it away
 * and giving it back there is no C: read a word through the selector,
 * yield, read again, restore the base.
 */
static int fs_reads(int selector, uint64_t value)
{
	uint64_t base, first, second, seen, result;

	need(!syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	asm volatile("mov %[selector], %%fs\n\t"
		     "mov %%fs:8, %[first]\n\t"
		     "mov %[yield], %%eax\n\t"
		     "syscall\n\t"
		     "mov %%fs, %k[seen]\n\t"
		     "mov %%fs:8, %[second]\n\t"
		     "mov %[prctl], %%eax\n\t"
		     "mov %[set], %%edi\n\t"
		     "mov %[base], %%rsi\n\t"
		     "syscall"
		     : "=&a"(result), [first] "=&r"(first),
		       [second] "=&r"(second), [seen] "=&r"(seen)
		     : [selector] "r"(selector), [base] "r"(base),
		       [yield] "i"(SYS_sched_yield),
		       [prctl] "i"(SYS_arch_prctl), [set] "i"(ARCH_SET_FS)
		     : "rcx", "r11", "rdi", "rsi", "memory");
	return !result && first == value && second == value &&
	       (seen & 0xffff) == (uint64_t)selector;
}

/* Run it in several processes at once; answer how many fail. */
static int failing(int (*test)(int))
{
	pid_t pids[PROCESSES];
	int wrong = 0, i;

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		need(pids[i] >= 0);
		if (!pids[i])
			_exit(test(i));
	}
	for (i = 0; i < PROCESSES; i++)
		wrong += wait_for(pids[i]) != 0;
	return wrong;
}

static int ldt_by_gs(int me)
{
	uint64_t *words = low_page();
	int wrong = 0;

	words[2] = 7000 + me;
	set_ldt(me % 2, words, PAGE - 1);
	load_gs(LDT(me % 2));
	for (int i = 0; i < 300; i++) {
		sched_yield();
		wrong += read_gs(16) != words[2] || gs() != LDT(me % 2);
	}
	return wrong != 0;
}

static int ldt_by_fs(int me)
{
	uint64_t *words = low_page();
	int wrong = 0;

	words[1] = 8000 + me;
	set_ldt(4, words, PAGE - 1);
	for (int i = 0; i < 300; i++)
		wrong += !fs_reads(LDT(4), 8000 + me);
	return wrong != 0;
}

static int ldt_in_ds(int me)
{
	int wrong = 0, old = data_selector(-1);

	set_ldt(me, NULL, 0xfff);
	data_selector(LDT(me));
	for (int i = 0; i < 300; i++) {
		sched_yield();
		wrong += data_selector(-1) != LDT(me);
	}
	data_selector(old);
	return wrong != 0;
}

/* A base beyond 4 GB, where no descriptor reaches. */
static int base_by_prctl(int me)
{
	uint64_t words[2] = { 0, 6000 + me }, base;
	int wrong = 0;

	need(!syscall(SYS_arch_prctl, ARCH_SET_GS, words));
	for (int i = 0; i < 300; i++) {
		sched_yield();
		need(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		wrong += read_gs(8) != words[1] || base != (uintptr_t)words;
	}
	return wrong != 0;
}

static int base_by_instruction(int me)
{
	uint64_t words[2] = { 0, 5000 + me }, base, asked, fs_base, fs_asked;
	int wrong = 0;

	asm volatile("wrgsbase %0" : : "r"(words));
	for (int i = 0; i < 300; i++) {
		sched_yield();
		asm volatile("rdgsbase %0" : "=r"(base));
		need(!syscall(SYS_arch_prctl, ARCH_GET_GS, &asked));
		asm volatile("rdfsbase %0" : "=r"(fs_base));
		need(!syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_asked));
		wrong += read_gs(8) != words[1] || base != (uintptr_t)words ||
			 asked != base || fs_base != fs_asked;
		/* To another value, unknown to the kernel, and back. */
		asm volatile("wrfsbase %[new]\n\t"
			     "mov %[yield], %%eax\n\t"
			     "syscall\n\t"
			     "rdfsbase %[seen]\n\t"
			     "wrfsbase %[old]"
			     : [seen] "=&r"(base)
			     : [new] "r"(words), [old] "r"(fs_base),
			       [yield] "i"(SYS_sched_yield)
			     : "rax", "rcx", "r11", "memory");
		wrong += base != (uintptr_t)words;
	}
	return wrong != 0;
}

static int same_after_fork(int me)
{
	uint64_t *words = low_page();
	pid_t pid;

	words[3] = 4000 + me;
	set_ldt(9, words, PAGE - 1);
	load_gs(LDT(9));
	pid = fork();
	if (!pid)
		_exit(read_gs(24) != words[3] || gs() != LDT(9));
	return wait_for(pid);
}

static void check_descriptors(void)
{
	uint64_t table[4] = { 0 };
	struct user_desc clear = {
		.entry_number = 1,
		.read_exec_only = 1,
		.seg_not_present = 1,
	};
	int n, sig;

	set_ldt(1, (void *)0x12345678, 0x4321);
	n = syscall(SYS_modify_ldt, 0, table, sizeof(table));
	check(n == sizeof(table) && table[1] == 0x1240f33456784321,
	      "modify_ldt reads back what was written",
	      "%d bytes, entry %#llx", n, (unsigned long long)table[1]);
	load_gs(LDT(1));
	need(!syscall(SYS_modify_ldt, 1, &clear, sizeof(clear)));
	load_gs(0);
	sig = sigsetjmp(after_fault, 1);
	if (!sig)
		load_gs(LDT(1));
	check(sig == SIGSEGV && (last_trap == 13 || last_trap == 11),
	      "a cleared descriptor cannot be loaded", "signal %d, trap %lld",
	      sig, (long long)last_trap);
	sig = sigsetjmp(after_fault, 1);
	if (!sig)
		load_gs(0x10);
	check(sig == SIGSEGV && last_trap == 13,
	      "nor one of the kernel's", "signal %d, trap %lld", sig,
	      (long long)last_trap);
}

static long int80(long nr, long a)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"(nr), "b"(a)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/*
 * A thread's slot is emptied while FS and GS refer to it: Linux loads both
 * again, and they are null. As above, no C while FS has a base of its own.
 */
static void check_emptied_slot(void)
{
	struct user_desc *slot = low_page(), *empty = slot + 1;
	uint64_t base, fs_base = 1, gs_base = 1, fs;
	int selector;

	*slot = (struct user_desc){ .entry_number = -1, .limit = 0xfff,
		.base_addr = (uintptr_t)slot, .seg_32bit = 1, .useable = 1 };
	need(!int80(243, (uintptr_t)slot));	/* set_thread_area */
	*empty = (struct user_desc){ .entry_number = slot->entry_number,
		.read_exec_only = 1, .seg_not_present = 1 };
	selector = slot->entry_number << 3 | 3;
	load_gs(selector);
	need(!syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	asm volatile("mov %[selector], %%fs\n\t"
		     "mov $243, %%eax\n\t"
		     "int $0x80\n\t"
		     "mov %%fs, %k[fs]\n\t"
		     "mov %[prctl], %%eax\n\t"
		     "mov %[get], %%edi\n\t"
		     "mov %[to], %%rsi\n\t"
		     "syscall\n\t"
		     "mov %[prctl], %%eax\n\t"
		     "mov %[set], %%edi\n\t"
		     "mov %[base], %%rsi\n\t"
		     "syscall"
		     : [fs] "=&r"(fs)
		     : [selector] "r"(selector), "b"(empty),
		       [base] "r"(base), [to] "r"(&fs_base),
		       [prctl] "i"(SYS_arch_prctl), [get] "i"(ARCH_GET_FS),
		       [set] "i"(ARCH_SET_FS)
		     : "rax", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11",
		       "memory");
	need(!syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_base));
	check(!(fs & 0xffff) && !fs_base && !gs() && !gs_base,
	      "a thread's slot is emptied, fs and gs with it",
	      "fs %llx, base %llx; gs %x, base %llx",
	      (unsigned long long)(fs & 0xffff), (unsigned long long)fs_base,
	      gs(), (unsigned long long)gs_base);
}

int main(void)
{
	int n;

	on_signal(SIGSEGV, 0, leave_fault);
	check_descriptors();
	check_emptied_slot();
	n = failing(ldt_by_gs);
	check(!n, "gs from the LDT, in several processes", "%d fail", n);
	n = failing(ldt_by_fs);
	check(!n, "fs from the LDT, in several processes", "%d fail", n);
	n = failing(ldt_in_ds);
	check(!n, "ds from the LDT keeps its selector", "%d fail", n);
	n = failing(base_by_prctl);
	check(!n, "gs base by arch_prctl", "%d fail", n);
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
		n = failing(base_by_instruction);
		check(!n, "fs and gs bases by wrfsbase, wrgsbase", "%d fail",
		      n);
	}
	n = failing(same_after_fork);
	check(!n, "a forked child has the LDT and gs", "%d fail", n);
	/* 20 and 6 are getpid and close for 32-bit programs. */
	check(int80(20, 0) == getpid() && int80(6, 9999) == -EBADF,
	      "int 0x80 from 64-bit code", "%ld, %ld", int80(20, 0),
	      int80(6, 9999));
	return done();
}
