// SPDX-License-Identifier: GPL-2.0
/*
 * What a program gets for each instruction that is privileged, wants IOPL or
 * UMIP's leave, or reads the state of the system: one line each, to be compared
 * with the same on another machine. "what: value" or "what: signal ...".
 */
#include "check.h"
#include <setjmp.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <ucontext.h>

/* What is worth comparing of the result. */
enum show { NOTHING, RAX, MEMORY };

static const struct row {
	const char *what;
	enum show show;
	unsigned char code[6];	/* rdi points to memory */
	unsigned long rax;
} rows[] = {
	{ "sgdt", MEMORY, { 0x0f, 0x01, 0x07 } },
	{ "sidt", MEMORY, { 0x0f, 0x01, 0x0f } },
	{ "sldt to memory", MEMORY, { 0x0f, 0x00, 0x07 } },
	{ "sldt", RAX, { 0x0f, 0x00, 0xc0 } },
	{ "sldt, 16 bits", RAX, { 0x66, 0x0f, 0x00, 0xc0 }, 0x12345678 },
	{ "str to memory", MEMORY, { 0x0f, 0x00, 0x0f } },
	{ "str", RAX, { 0x0f, 0x00, 0xc8 } },
	{ "smsw to memory", MEMORY, { 0x0f, 0x01, 0x27 } },
	{ "smsw", RAX, { 0x0f, 0x01, 0xe0 } },
	{ "smsw, 16 bits", RAX, { 0x66, 0x0f, 0x01, 0xe0 }, 0x12345678 },
	{ "lgdt", NOTHING, { 0x0f, 0x01, 0x17 } },
	{ "lidt", NOTHING, { 0x0f, 0x01, 0x1f } },
	{ "lldt", NOTHING, { 0x0f, 0x00, 0xd0 } },
	{ "ltr", NOTHING, { 0x0f, 0x00, 0xd8 } },
	{ "lmsw", NOTHING, { 0x0f, 0x01, 0xf0 } },
	{ "clts", NOTHING, { 0x0f, 0x06 } },
	{ "invd", NOTHING, { 0x0f, 0x08 } },
	{ "wbinvd", NOTHING, { 0x0f, 0x09 } },
	{ "invlpg", NOTHING, { 0x0f, 0x01, 0x3f } },
	{ "invpcid", NOTHING, { 0x66, 0x0f, 0x38, 0x82, 0x07 } },
	{ "mov from cr0", RAX, { 0x0f, 0x20, 0xc0 } },
	{ "mov from cr2", RAX, { 0x0f, 0x20, 0xd0 } },
	{ "mov from cr3", RAX, { 0x0f, 0x20, 0xd8 } },
	{ "mov from cr4", RAX, { 0x0f, 0x20, 0xe0 } },
	{ "mov to cr0", NOTHING, { 0x0f, 0x22, 0xc0 } },
	{ "mov to cr3", NOTHING, { 0x0f, 0x22, 0xd8 } },
	{ "mov to cr4", NOTHING, { 0x0f, 0x22, 0xe0 } },
#ifdef __x86_64__
	{ "mov from cr8", RAX, { 0x44, 0x0f, 0x20, 0xc0 } },
	{ "swapgs", NOTHING, { 0x0f, 0x01, 0xf8 } },
#endif
	{ "mov from dr0", RAX, { 0x0f, 0x21, 0xc0 } },
	{ "mov from dr7", RAX, { 0x0f, 0x21, 0xf8 } },
	{ "mov to dr7", NOTHING, { 0x0f, 0x23, 0xf8 } },
	{ "rdmsr", RAX, { 0x0f, 0x32 } },
	{ "wrmsr", NOTHING, { 0x0f, 0x30 } },
	{ "rdpmc", NOTHING, { 0x0f, 0x33 } },
	{ "xsetbv", NOTHING, { 0x0f, 0x01, 0xd1 }, 3 },
	{ "monitor", NOTHING, { 0x0f, 0x01, 0xc8 } },
	{ "mwait", NOTHING, { 0x0f, 0x01, 0xc9 } },
	{ "clac", NOTHING, { 0x0f, 0x01, 0xca } },
	{ "stac", NOTHING, { 0x0f, 0x01, 0xcb } },
	{ "sysret", NOTHING, { 0x0f, 0x07 } },
	{ "sysexit", NOTHING, { 0x0f, 0x35 } },
	{ "rsm", NOTHING, { 0x0f, 0xaa } },
	{ "xsaves", NOTHING, { 0x0f, 0xc7, 0x2f } },
	{ "in al, 0x80", RAX, { 0xe4, 0x80 } },
	{ "in eax, dx", RAX, { 0xed } },
	{ "out 0x80, al", NOTHING, { 0xe6, 0x80 } },
	{ "out dx, al", NOTHING, { 0xee } },
	{ "insb", NOTHING, { 0x6c } },
	{ "outsb", NOTHING, { 0x6e } },
	{ "rep insd, 0 times", NOTHING, { 0xf3, 0x6d } },
	{ "hlt", NOTHING, { 0xf4 } },
	{ "cli", NOTHING, { 0xfa } },
	{ "sti", NOTHING, { 0xfb } },
	{ "int 0x20", NOTHING, { 0xcd, 0x20 } },
	{ "int3", NOTHING, { 0xcc } },
	{ "int1", NOTHING, { 0xf1 } },
	{ "ud2", NOTHING, { 0x0f, 0x0b } },
	{ "mov ss, the kernel's", NOTHING, { 0x8e, 0xd0 }, 0x18 },
	{ "mov ds, the TSS", NOTHING, { 0x8e, 0xd8 }, 0x40 },
	{ "mov from cs", RAX, { 0x8c, 0xc8 } },
	{ "mov from ss", RAX, { 0x8c, 0xd0 } },
	{ "lar of the kernel's code", RAX, { 0x0f, 0x02, 0xc0 }, 0x10 },
	{ "lar of the program's data", RAX, { 0x0f, 0x02, 0xc0 }, 0x2b },
	{ "lsl of the TSS", RAX, { 0x0f, 0x03, 0xc0 }, 0x40 },
	{ "cpuid", RAX, { 0x53, 0x0f, 0xa2, 0x5b } },
	{ "rdtsc", NOTHING, { 0x0f, 0x31 } },
	{ "rdtscp", NOTHING, { 0x0f, 0x01, 0xf9 } },
};

static sigjmp_buf back;
static char caught[80];

static void note_signal(int sig, siginfo_t *info, void *where)
{
	const greg_t *regs = ((ucontext_t *)where)->uc_mcontext.gregs;

	snprintf(caught, sizeof(caught), "signal %d code %d trap %d error %lx",
		 sig, info->si_code, (int)regs[REG_TRAPNO],
		 (unsigned long)regs[REG_ERR]);
	siglongjmp(back, 1);
}

static void try_row(const char *by, const struct row *row, unsigned char *page)
{
	static unsigned char memory[64];
	unsigned long rcx = 0, rdx = 0;
	static unsigned long rax;

	rax = row->rax;
	memset(memory, 0xaa, sizeof(memory));
	memcpy(page, row->code, sizeof(row->code));
	/* Every row that does not fault comes back by this. */
	for (int i = sizeof(row->code); i && !page[i - 1]; i--)
		page[i - 1] = 0xc3;
	page[sizeof(row->code)] = 0xc3;
	*caught = '\0';
	if (!sigsetjmp(back, 1))
		asm volatile("call *%[page]"
			     : "+a" (rax), "+c" (rcx), "+d" (rdx)
			     : [page] "r" (page), "D" (memory), "S" (memory)
			     : "memory", "cc");
	printf("ROW %s%d %s:", by, BITS, row->what);
	if (*caught)
		printf(" %s", caught);
	else if (row->show == RAX)
		printf(" %lx", rax);
	else if (row->show == MEMORY)
		for (int i = 0; i < 12; i++)
			printf(" %02x", memory[i]);
	printf("\n");
}

int main(void)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGBUS, SIGTRAP,
				       SIGFPE };
	unsigned char *page;

	setvbuf(stdout, NULL, _IOLBF, 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(page != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		on_signal(signals[i], 0, note_signal);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try_row("program", &rows[i], page);
	need(!iopl(3));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code[0] == 0xfa || rows[i].code[0] == 0xfb)
			try_row("program with IOPL", &rows[i], page);
	return done();
}
