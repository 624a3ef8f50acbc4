/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows: a name, what must be prepared, a few instructions. rdx is a port,
 * rsi and rdi point to words; all other registers are patterns.
 */

/* All flags that a program could set, and some that it could not. */
#define ALL_FLAGS	"push $0x257cd5; popf; "
#define INT80(nr)	"mov $" #nr ", %eax; int $0x80; "
#define SYSCALL(nr)	"mov $" #nr ", %eax; syscall; "
#define SPIN		"mov $0x1800000, %ecx; 1: loop 1b; "
#define FORK		SYSCALL(57) "mov $-1, %rdi; xor %esi, %esi; " \
			"xor %edx, %edx; xor %r10d, %r10d; " \
			SYSCALL(61) "xor %eax, %eax; "
#define SS_TO_SS	"mov %ss, %ebx; mov %ebx, %ss; "

ROW("nothing", 0, "nop");
ROW("flags", 0, ALL_FLAGS SEE_FLAGS);
ROW("flag NT", 0, FLAGS(0x4000) SEE_FLAGS);
ROW("flag AC", 0, FLAGS(0x40000) SEE_FLAGS);
ROW("flag ID", 0, FLAGS(0x200000) SEE_FLAGS);
ROW("flag IOPL", ALL, FLAGS(0x3000) SEE_FLAGS);
ROW("flag IF off", 0, FLAGS(0) SEE_FLAGS);
ROW("flags int80", 0, ALL_FLAGS INT80(-1) SEE_FLAGS);
ROW("flags fault", 0, ALL_FLAGS "hlt");
ROW("flags divide", 0, ALL_FLAGS "mov $0, %ecx; div %ecx");
ROW("flags int3", 0, ALL_FLAGS "int3; " SEE_FLAGS);
ROW("flags page fault", 0, ALL_FLAGS "mov $0x40000000, %ebx; "
    "mov %ecx, (" BX "); " SEE_FLAGS);
ROW("flags bad page", 0, ALL_FLAGS "mov %ecx, 0");
ROW("flags preempted", 0, ALL_FLAGS SPIN SEE_FLAGS);
ROW("flags yield", 0, ALL_FLAGS INT80(158) SEE_FLAGS);
ROW("flags ports", PORTS, ALL_FLAGS "in %dx, %al; out %al, %dx; " SEE_FLAGS);
ROW64("flags syscall", 0, ALL_FLAGS SYSCALL(-1) SEE_FLAGS);
ROW64("flags syscall yield", 0, ALL_FLAGS SYSCALL(24) SEE_FLAGS);
ROW64("NT syscall", 0, FLAGS(0x4000) SYSCALL(-1) SEE_FLAGS);
ROW64("NT syscalls", LDT, FLAGS(0x4000) SYSCALL(24) SYSCALL(24) SEE_FLAGS);
ROW("NT iret", 0, FLAGS(0x4000) "iretl");
ROW("flags step", STEP, ALL_FLAGS "nop; " SEE_FLAGS);

/* One step after the other. */
ROW("step", STEP, "nop; mov %eax, %ebx; inc %eax");
ROW("step int80", STEP, INT80(-1) "nop; nop");
ROW64("step syscall", STEP, SYSCALL(-1) "nop; nop");
ROW64("step syscall yield", STEP, SYSCALL(24) "nop; nop");
ROW("step pushf", STEP, SEE_FLAGS "nop");
ROW("step popf keeps", STEP, FLAGS(0x302) "nop; nop");
ROW("step popf ends", STEP, FLAGS(0x202) "nop; nop");
ROW("step popf begins", 0, FLAGS(0x302) "nop; nop; " FLAGS(0x202) "nop");
ROW("step begins syscalls", 0, FLAGS(0x302) INT80(-1) INT80(-1)
    FLAGS(0x202) "nop");
ROW("step page fault", STEP, "mov $0x40000000, %ebx; mov %ecx, (" BX "); nop");
ROW("step bad page", STEP, "mov %ecx, 0");
ROW("step string", STEP, "mov $3, %ecx; rep movsb; nop");
ROW("step int3", STEP, "nop; int3; nop");
ROW("step int $3", STEP, "nop; .byte 0xcd, 3; nop");
ROW("step icebp", STEP, "nop; .byte 0xf1; nop");
ROW("step hlt", STEP, "nop; hlt");
ROW("step ud2", STEP, "nop; ud2; nop");
ROW("step mov ss", STEP, "nop; " SS_TO_SS "nop; nop");
ROW("step pop ss", STEP, "nop; mov %ss, %ebx; push " BX "; "
#ifdef __x86_64__
    "pop %rbx; mov %ebx, %ss; nop; nop");
#else
    "pop %ss; nop; nop");
#endif
ROW("step mov ss int80", STEP, "mov $-1, %eax; " SS_TO_SS "int $0x80; nop");
ROW64("step mov ss syscall", STEP, "mov $-1, %eax; " SS_TO_SS "syscall; nop");
ROW("step mov ss int3", STEP, SS_TO_SS "int3; nop");
ROW("step mov ss icebp", STEP, SS_TO_SS ".byte 0xf1; nop");
ROW("step mov ss hlt", STEP, SS_TO_SS "hlt");
ROW("step mov ss page fault", STEP, SS_TO_SS "mov %ecx, 0");
ROW("step preempted", 0, SPIN FLAGS(0x302) "nop; nop");
ROW("step ports", STEP | PORTS, "in %dx, %al; in %dx, %eax; out %al, %dx; nop");
ROW("step ins", STEP | PORTS, "mov $3, %ecx; rep insb; nop");
ROW("step cli", STEP | ALL, "nop; cli; nop; sti; nop");

/*
 * Breakpoints: at CODE + 32 to execute, at DATA + 32 to write, at DATA + 64 to
 * read or write, all of four bytes; and to write the stack's first word. (None is
 * stepped over: QEMU 7.2 does that for ever, on the bare machine, too.)
 */
#define AT32		"jmp 1f; .org 71b + 32, 0x90; 1: "
ROW("break", BREAKS, "nop; " AT32 "nop; nop");
ROW("break step", BREAKS | STEP, "nop; " AT32 "nop; nop");
ROW("break twice", BREAKS, "mov $3, %ecx; " AT32 "nop; loop 1b");
ROW("break flags", BREAKS, ALL_FLAGS AT32 "nop; " SEE_FLAGS);
ROW("break int80", BREAKS, "mov $-1, %eax; " AT32 "int $0x80; nop");
ROW("break behind int80", BREAKS, "mov $-1, %eax; jmp 1f; "
    ".org 71b + 30, 0x90; 1: int $0x80; nop");
ROW64("break syscall", BREAKS, "mov $-1, %eax; " AT32 "syscall; nop");
ROW("break int3", BREAKS, AT32 "int3; nop");
ROW("break hlt", BREAKS, AT32 "hlt");
ROW("break ud2", BREAKS, AT32 "ud2");
ROW("break page fault", BREAKS, "mov $0x40000000, %ebx; " AT32
    "mov %ecx, (" BX "); nop");
ROW("break ports", BREAKS | PORTS, AT32 "in %dx, %al; nop");
ROW("break string", BREAKS, "mov $3, %ecx; " AT32 "rep movsb; nop");
ROW("break preempted", BREAKS, SPIN AT32 "nop; nop");
ROW("watch write", BREAKS, "mov %eax, 0x30000020; nop");
ROW("watch no read", BREAKS, "mov 0x30000020, %eax; nop");
ROW("watch read", BREAKS, "mov 0x30000040, %eax; nop");
ROW("watch both", BREAKS, "mov 0x30000040, %ebx; mov %ebx, 0x30000040; nop");
ROW("watch bytes", BREAKS, "movb $1, 0x3000001f; movb $1, 0x30000023; "
    "movb $1, 0x30000024; nop");
ROW("watch across", BREAKS, "movl $1, 0x3000001e; nop");
ROW("watch the same", BREAKS, "movl $0xda7a0008, 0x30000020; nop");
ROW("watch lock", BREAKS, "lock incl 0x30000020; nop");
ROW("watch xchg", BREAKS, "xchg %eax, 0x30000040; nop");
ROW("watch push", BREAKS, "push " AX "; nop; pop " BX "; nop");
ROW("watch call", BREAKS, "call 1f; 1: nop; nop");
ROW("watch string", BREAKS, "mov $4, %ecx; mov $0x3000001c, %edi; "
    "mov $0x30000080, %esi; rep movsl; nop");
ROW("watch string bytes", BREAKS, "mov $6, %ecx; mov $0x3000001e, %edi; "
    "mov $0x3000003e, %esi; rep movsb; nop");
ROW("watch string down", BREAKS, "std; mov $4, %ecx; mov $0x30000028, %edi; "
    "rep stosl; nop");
ROW("watch string reads", BREAKS, "mov $4, %ecx; mov $0x3000003c, %esi; "
    "rep lodsl; nop");
ROW("watch ins", BREAKS | PORTS, "mov $4, %ecx; mov $0x3000001c, %edi; "
    "rep insl; nop");
ROW("watch then int80", BREAKS, "mov $-1, %eax; mov %eax, 0x30000020; "
    "int $0x80; nop");
ROW64("watch then syscall", BREAKS, "mov $-1, %eax; mov %eax, 0x30000020; "
    "syscall; nop");
ROW("watch in int80", BREAKS, "mov $13, %eax; mov $0x30000020, %ebx; "
    "int $0x80; xor %eax, %eax; nop");
ROW64("watch in syscall", BREAKS, "mov $0x30000020, %edi; " SYSCALL(201)
    "xor %eax, %eax; nop");
ROW64("watch syscall reads", BREAKS, "mov $0x30000040, %edi; xor %esi, %esi; "
    SYSCALL(21) "nop");

/* A trap that waits for the end of the instruction behind a load of SS. */
#define WATCHED_SS(name, what)						\
	ROW("watch mov ss" name, BREAKS, "mov $-1, %eax; mov %ss, %ebx; " \
	    "mov %ss, 0x30000040; mov 0x30000040, %ss; " what)
WATCHED_SS("", "nop; nop");
WATCHED_SS(" int3", "int3; nop");
WATCHED_SS(" int $3", ".byte 0xcd, 3; nop");
WATCHED_SS(" int80", "int $0x80; nop");
WATCHED_SS(" hlt", "hlt");
WATCHED_SS(" ud2", "ud2");
WATCHED_SS(" page fault", "mov %ecx, 0");
WATCHED_SS(" write", "mov %ecx, 0x30000020; nop");
WATCHED_SS(" break", AT32 "nop; nop");
#ifdef __x86_64__
WATCHED_SS(" syscall", "syscall; nop");
#else
#define WATCHED_POP_SS(name, what)					\
	ROW("watch pop ss" name, BREAKS, "mov $-1, %eax; mov %esp, %ebp; " \
	    "mov %ss, %ebx; mov %ebx, 0x30000040; "			\
	    "mov $0x30000040, %esp; pop %ss; " what)
WATCHED_POP_SS("", "mov %ebp, %esp; nop");
WATCHED_POP_SS(" int3", "int3; mov %ebp, %esp; nop");
WATCHED_POP_SS(" int80", "int $0x80; mov %ebp, %esp; nop");
#endif
ROW("break behind mov ss", BREAKS, "mov %ss, %ebx; jmp 1f; "
    ".org 71b + 30, 0x90; 1: mov %ebx, %ss; nop; nop");

/* Faults and traps. */
ROW("int3", 0, "nop; int3; nop");
ROW("int $3", 0, ".byte 0xcd, 3");
ROW("int $4", 0, "int $4");
ROW("icebp", 0, ".byte 0xf1; nop");
ROW("ud2", 0, "nop; ud2; nop");
ROW("ud1", 0, ".byte 0x0f, 0xb9, 0xc0");
ROW("hlt", 0, "hlt");
ROW("cli", 0, "cli");
ROW("sti", 0, "sti");
ROW("cli with iopl", ALL, "nop; cli; " SEE_FLAGS "sti; " SEE_FLAGS "nop");
ROW("hlt with iopl", ALL, "hlt");
ROW("rdmsr", 0, "mov $0x10, %ecx; rdmsr");
ROW("wrmsr", 0, "mov $0x10, %ecx; wrmsr");
ROW("rdpmc", 0, "mov $0, %ecx; rdpmc");
ROW("invd", 0, "invd");
ROW("wbinvd", 0, "wbinvd");
ROW("invlpg", 0, "invlpg (" BX ")");
ROW("clts", 0, "clts");
ROW("lgdt", 0, "lgdt (%esi)");
ROW("lidt", 0, "lidt (%esi)");
ROW("lldt", 0, "lldt %ax");
ROW("ltr", 0, "ltr %ax");
ROW("lmsw", 0, "lmsw %ax");
#ifdef __x86_64__
ROW("mov from cr0", 0, "mov %cr0, %rax");
ROW("mov to cr0", 0, "mov %rax, %cr0");
ROW("mov from cr3", 0, "mov %cr3, %rax");
ROW("mov from cr8", 0, "mov %cr8, %rax");
ROW("mov from dr7", 0, "mov %dr7, %rax");
ROW("mov to dr0", 0, "mov %rax, %db0");
ROW("mov from cr1", 0, ".byte 0x0f, 0x20, 0xc8");
ROW("mov to cr5", 0, ".byte 0x0f, 0x22, 0xe8");
ROW("mov from cr9", 0, ".byte 0x44, 0x0f, 0x20, 0xc8");
ROW("swapgs", 0, "swapgs");
ROW("sysret", 0, "sysretq");
ROW("sysexit", 0, "sysexitq");
ROW("movs to kernel", 0, "mov $0xffffffff81000000, %rdi; movsb");
ROW("read the kernel", 0, "mov $0xffffffff81000000, %rbx; mov (%rbx), %al");
ROW("write the kernel", 0, "mov $0xffffffff81000000, %rbx; mov %al, (%rbx)");
ROW("run the kernel", 0, "mov $0xffffffff81000000, %rbx; jmp *%rbx");
ROW("read the hole", 0, "mov $0xffff800000002000, %rbx; mov (%rbx), %al");
ROW("write the hole", 0, "mov $0xffff800000002000, %rbx; mov %al, (%rbx)");
ROW("run the hole", 0, "mov $0xffff800000000000, %rbx; jmp *%rbx");
ROW("read the alias", 0, "mov $0xffff807f00000000, %rbx; mov (%rbx), %al");
ROW("call the kernel", 0, "mov $0xffffffff81000000, %rbx; call *%rbx");
ROW("read vsyscall", 0, "mov $0xffffffffff600000, %rbx; mov (%rbx), %al");
ROW("call vsyscall", 0, "mov $0xffffffffff600000, %rbx; xor %esi, %esi; "
    "call *%rbx; nop");
ROW("call vsyscall time", 0, "mov $0xffffffffff600400, %rbx; "
    "call *%rbx; xor %eax, %eax");
ROW("call in vsyscall", 0, "mov $0xffffffffff600001, %rbx; call *%rbx; nop");
ROW("vsyscall bad pointer", 0, "mov $0xffffffffff600000, %rbx; "
    "mov $0x1000, %edi; xor %esi, %esi; call *%rbx; nop");
ROW("step vsyscall", STEP, "mov $0xffffffffff600000, %rbx; xor %esi, %esi; "
    "call *%rbx; nop");
ROW("not canonical read", 0, "mov (%rbx), %al");
ROW("not canonical write", 0, "mov %al, (%rbx)");
ROW("not canonical jump", 0, "jmp *%rbx");
ROW("not canonical call", 0, "call *%rbx");
ROW("not canonical ret", 0, "push %rbx; ret");
ROW("not canonical push", 0, "mov %rbx, %rsp; push %rax");
ROW("not canonical pop", 0, "mov %rbx, %rsp; pop %rax");
ROW("not canonical stack", 0, "mov %rbx, %rsp; " SYSCALL(-1) "nop; int3; nop");
ROW("not canonical int80", 0, "mov %rbx, %rsp; " INT80(-1) "nop; int3; nop");
ROW("no stack", 0, "xor %esp, %esp; " SYSCALL(-1) "int3; push %rax");
ROW("kernel stack", 0, "mov $0xffffffff81000000, %rsp; " SYSCALL(-1)
    "int3; push %rax");
ROW("not canonical rbp", 0, "mov (%rbp), %al");
ROW("enter", 0, "mov %rbx, %rbp; enter $8, $1");
ROW("sysenter", 0, "sysenter");
ROW("pushf 32", 0, "pushfw; popw %bx");
ROW("rdfsbase", 0, "wrfsbase %rsi; rdfsbase %rax; mov %fs:4, %ebx");
ROW("rdgsbase", 0, "wrgsbase %rsi; rdgsbase %rax; mov %gs:4, %ebx");
ROW("wrfsbase bad", 0, "wrfsbase %rbx");
ROW("wrgsbase bad", 0, "wrgsbase %rbx");
#else
ROW("into", 0, "mov $0x7fffffff, %eax; inc %eax; into; nop");
ROW("into not", 0, "xor %eax, %eax; into; nop");
ROW("bound", 0, "bound %eax, (%esi)");
ROW("bound in", 0, "mov $-0x10000000, %eax; bound %eax, (%esi)");
ROW("arpl", 0, "mov $3, %ecx; mov $8, %eax; arpl %cx, %ax");
ROW("aam 0", 0, ".byte 0xd4, 0");
ROW("sysenter", 0, "mov %esp, %ebp; mov $-1, %eax; sysenter");
ROW("syscall", 0, "mov $-1, %eax; syscall");
ROW("lcall 7", 0, "lcall $7, $0");
ROW("lcall 27", 0, "lcall $0x27, $0");
ROW("mov from cr0", 0, "mov %cr0, %eax");
ROW("mov from dr7", 0, "mov %dr7, %eax");
ROW("read high", 0, "mov $0xfffff000, %ebx; mov (%ebx), %al");
ROW("read vdso less", 0, "mov $0xc0000000, %ebx; mov (%ebx), %al");
ROW("no stack", 0, "xor %esp, %esp; " INT80(-1) "int3; push %eax");
ROW("high stack", 0, "mov $0xfffffff0, %esp; " INT80(-1) "int3; push %eax");
ROW("vsyscall 32", 0, "mov $0xffffe400, %ebx; call *%ebx");
ROW("iret", 0, "pushf; push %cs; call 1f; 1: addl $5, (%esp); iretl; nop; nop");
ROW("iret 16", 0, "iretw");
#endif
ROW("divide", 0, "mov $0, %ecx; div %ecx");
ROW("divide overflow", 0, "mov $1, %ecx; div %ecx");
ROW("x87 divide", 0, "fninit; push $0x37b; fldcw (%esp); fld1; fldz; "
    "fdivrp; fwait; nop");
ROW("x87 divide again", 0, "fninit; push $0x37b; fldcw (%esp); fld1; fldz; "
    "fdivrp; nop; fld1; nop");
ROW("sse divide", 0, "push $0x1d80; ldmxcsr (%esp); push $0x3f800000; "
    "movss (%esp), %xmm0; xorps %xmm1, %xmm1; divss %xmm1, %xmm0; nop");
ROW("sse unaligned", 0, "movaps 4(%esi), %xmm0");
ROW("AC unaligned", 0, FLAGS(0x40000) "mov 1(%esi), %eax; nop");
ROW("AC unaligned stack", 0, "inc %esp; " FLAGS(0x40000) "push " AX "; nop");
ROW("lock nop", 0, ".byte 0xf0; nop");
ROW("lock mov", 0, ".byte 0xf0; mov %eax, (%esi)");
ROW("long instruction", 0, ".fill 15, 1, 0x66; nop");
ROW("long but right", 0, ".fill 14, 1, 0x66; nop");
ROW("run data", 0, "push $0xc3; jmp *" AX "; nop");
ROW("run no page", 0, "mov $0x50000000, %ebx; jmp *" BX);
ROW("run a page of data", 0, "jmp *" SI);
ROW("past the page", 0, "mov $0x10001ffe, %ebx; movl $0x0fff, (" BX "); "
    "jmp *" BX);
ROW("write code", 0, "mov $0x10000000, %ebx; movb $0x90, (" BX ")");
ROW("page fault twice", 0, "mov $0x40001000, %ebx; mov (" BX "), %eax; "
    "mov %eax, (" BX "); mov $0x50000000, %ebx; mov %eax, (" BX ")");
ROW("read no page", 0, "mov $0x50000123, %ebx; mov (" BX "), %eax");
ROW("write no page", 0, "mov $0x50000123, %ebx; mov %eax, (" BX ")");
ROW("rmw no page", 0, "mov $0x50000123, %ebx; lock incl (" BX ")");
ROW("string runs out", 0, "mov $0x2000, %ecx; mov $0x30000ff8, %edi; "
    "rep movsb");
ROW("sldt", 0, "sldt %eax");
ROW("str", 0, "str %eax");
ROW("smsw", 0, "smsw %eax");
ROW("sgdt", 0, "sgdt (%esi); mov (%esi), %eax; mov 4(%esi), %ebx");
ROW("sidt", 0, "sidt (%esi); mov (%esi), %eax; mov 4(%esi), %ebx");
ROW("sldt with an LDT", LDT, "sldt %eax");
ROW("step sldt", STEP, "sldt %eax; nop; nop");
ROW("monitor", 0, ".byte 0x0f, 0x01, 0xc8");
ROW("vmcall", 0, ".byte 0x0f, 0x01, 0xc1");
ROW("vmmcall", 0, ".byte 0x0f, 0x01, 0xd9");
ROW("vmrun", 0, ".byte 0x0f, 0x01, 0xd8");
ROW("clac", 0, "clac");
ROW("stac", 0, "stac");
ROW("xsetbv", 0, "mov $0, %ecx; xsetbv");
ROW("invpcid", 0, "invpcid (" BX "), " AX);
ROW("rsm", 0, "rsm");
ROW("getsec", 0, ".byte 0x0f, 0x37");

/* Ports. */
ROW("in", 0, "in %dx, %al");
ROW("out", 0, "out %al, %dx");
ROW("insb", 0, "insb");
ROW("outsb", 0, "outsb");
ROW("in 8", PORTS, "in %dx, %al");
ROW("in 16", PORTS, "in %dx, %ax");
ROW("in 32", PORTS, "in %dx, %eax");
ROW("in 32 past", PORTS, "inc %edx; in %dx, %eax");
ROW("in 16 past", PORTS, "add $3, %edx; in %dx, %ax");
ROW("in 8 past", PORTS, "add $4, %edx; in %dx, %al");
ROW("in 8 before", PORTS, "dec %edx; in %dx, %al");
ROW("in number", PORTS, "in $0xe0, %al");
ROW("in number with iopl", ALL, "in $0xe4, %al; in $0xe4, %ax; in $0xe4, %eax; "
    "out %al, $0xe4; out %ax, $0xe4; out %eax, $0xe4");
ROW("out all", PORTS, "out %al, %dx; out %ax, %dx; out %eax, %dx");
ROW("in last port", ALL, "mov $0xffff, %edx; in %dx, %al; in %dx, %ax");
ROW("in last ports", ALL, "mov $0xfffe, %edx; in %dx, %ax; in %dx, %eax");
ROW("ins all", PORTS, "insb; insw; insl; mov (%esi), %eax; mov 4(%esi), %ebx");
ROW("ins down", PORTS, "std; add $16, %edi; insb; insw; insl; "
    "mov 8(%esi), %eax; mov 12(%esi), %ebx; mov 16(%esi), %ecx");
ROW("outs all", PORTS, "outsb; outsw; outsl");
ROW("rep ins", PORTS, "mov $5, %ecx; rep insw; mov 8(%esi), %eax; "
    "mov 4(%esi), %ebx");
ROW("rep ins none", PORTS, "xor %ecx, %ecx; rep insw; nop");
ROW("rep outs", PORTS, "mov $5, %ecx; rep outsl; nop");
ROW("repne ins", PORTS, "mov $5, %ecx; .byte 0xf2; insb; nop");
ROW("ins fresh", PORTS, "mov $0x40000ffe, %edi; mov $2, %ecx; rep insl; "
    "mov -4(%edi), %eax");
ROW("ins no page", PORTS, "mov $0x50000000, %edi; insl");
ROW("ins runs out", PORTS, "mov $0x30000ffc, %edi; mov $9, %ecx; rep insb");
ROW("ins across the end", PORTS, "mov $0x30000ffe, %edi; insl");
ROW("outs no page", PORTS, "mov $0x50000000, %esi; outsl");
ROW("outs fresh", PORTS, "mov $0x40002000, %esi; outsl");
ROW("ins 16-bit address", PORTS, "mov $0xffff, %ecx; .byte 0x67; insb");
ROW("outs fs", PORTS | LDT, "mov $0xf, %eax; mov %eax, %fs; "
    "mov $8, %esi; fs outsl; nop");
ROW("outs fs too far", PORTS | LDT, "mov $0xf, %eax; mov %eax, %fs; "
    "mov $0x1000, %esi; fs outsl; nop");
ROW("ports preempted", PORTS, SPIN "in %dx, %al; " SPIN "out %al, %dx");
ROW("lock in", PORTS, ".byte 0xf0; in %dx, %al");
ROW("prefixes in", PORTS, ".byte 0x2e, 0x65, 0xf3, 0x66; in %dx, %eax");
#ifdef __x86_64__
ROW("rex in", PORTS, "rex.w in %dx, %eax");
ROW("ins not canonical", PORTS, "mov %rbx, %rdi; insb");
ROW("outs not canonical", PORTS, "mov %rbx, %rsi; outsb");
ROW("ins kernel", PORTS, "mov $0xffffffff81000000, %rdi; insb");
ROW("outs kernel", PORTS, "mov $0xffffffff81000000, %rsi; outsb");
ROW("outs gs", PORTS, "wrgsbase %rsi; mov $8, %esi; gs outsl; nop");
ROW("ioperm forked", PORTS, FORK "mov $0x2e0, %edx; in %dx, %eax; nop");
#else
ROW("ins small segment", PORTS | LDT, "mov $0x37, %eax; mov %eax, %es; "
    "mov $8, %edi; insl; mov $14, %edi; insl");
ROW("ins read-only", PORTS | LDT, "mov $0x2f, %eax; mov %eax, %es; "
    "mov $8, %edi; insl");
ROW("ins null", PORTS, "mov $0, %eax; mov %eax, %es; insl");
ROW("ins down segment", PORTS | LDT, "mov $0x47, %eax; mov %eax, %es; "
    "mov $0x9000, %edi; insl; mov $0x7000, %edi; insl");
#endif

/* Stacks in 16 bits: the upper half of ESP is the program's. */
ROW("16-bit stack", STACK16, "mov %esp, %eax; nop");
ROW("16-bit stack int80", STACK16, INT80(-1) "mov %esp, %ebx");
ROW("16-bit stack int3", STACK16, "nop; int3; mov %esp, %ebx");
ROW("16-bit stack preempted", STACK16, SPIN "mov %esp, %ebx");
ROW("16-bit stack page fault", STACK16, "mov $0x40000000, %ebx; "
    "mov %ecx, (" BX "); mov %esp, %ebx");
ROW("16-bit stack push", STACK16, "push $0x1234; mov %esp, %ebx; pop " AX);
ROW("16-bit stack high", STACK16, "mov $0x87654320, %esp; " INT80(-1)
    "int3; mov %esp, %ebx; " SPIN "mov %esp, %ecx");
ROW("16-bit stack step", STEP | STACK16, "nop; mov $0xfedcba98, %esp; nop; "
    INT80(-1) "nop; mov %esp, %ebx");
ROW("16-bit stack loaded", LDT, "mov $7, %eax; mov %eax, %ss; "
    "mov $0x5678fff0, %esp; " INT80(-1) SPIN "mov %esp, %ebx; int3; "
    "mov %esp, %ecx");
ROW("16-bit stack bad return", STACK16, "hlt");
ROW("32-bit stack of the LDT", LDT, "mov $0xf, %eax; mov %eax, %ss; "
    "mov $0x800, %esp; " INT80(-1) SPIN "mov %esp, %ebx; int3; "
    "mov %esp, %ecx");
ROW64("16-bit stack, upper half", STACK16, "mov %rsp, %rax; shr $63, %rax; nop");
ROW64("16-bit stack syscall", STACK16, SYSCALL(-1) "mov %esp, %ebx");
ROW("16-bit stack, no segment", STACK16, "mov $123, %eax; mov $0x11, %ebx; "
    "mov $0x30000000, %ecx; mov $16, %edx; movl $0, 0x30000000; "
    "movl $0, 0x30000004; movl $0, 0x30000008; movl $0x28, 0x3000000c; "
    "int $0x80; nop");
ROW("16-bit code", CODE16, ".byte 0xb8, 0x34, 0x12; nop");
ROW("16-bit code and stack", CODE16 | STACK16, ".byte 0xb8, 0x34, 0x12; nop; "
    ".byte 0x50; nop");
ROW("16-bit code ports", CODE16 | PORTS, ".byte 0x66, 0xba; .long 0x2e0; "
    "in %dx, %al; .byte 0x66; in %dx, %eax");
ROW("16-bit code int80", CODE16, ".byte 0x66, 0xb8; .long -1; int $0x80; nop");
ROW("16-bit code int3", CODE16, "nop; int3; nop");
ROW("16-bit code hlt", CODE16, "nop; hlt; nop");

/* Far: the selectors that the GDT has, and some that nobody has. */
#define FAR_BY(name, code, sel)						\
	ROW("far " name " " #sel, LDT, "movl $0x10000020, (" DI "); "	\
	    "movw $" #sel ", 4(" DI "); " code " *(" DI "); "		\
	    ".balign 32, 0x90; nop")
#define FAR(sel)							\
	FAR_BY("jump", "ljmp", sel);					\
	FAR_BY("call", "lcall", sel)
#ifdef __x86_64__
#define FAR_RETURN(sel)							\
	ROW("far return " #sel, LDT, "push $" #sel "; push $0x10000020; "\
	    "lretq; .balign 32, 0x90; nop");				\
	ROW("iret " #sel, LDT, "push $0x2b; push $0x20008000; pushf; "	\
	    "push $" #sel "; push $0x10000020; iretq; "			\
	    ".balign 32, 0x90; nop");					\
	ROW("iret to ss " #sel, LDT, "push $" #sel "; "			\
	    "push $0x20008000; pushf; "					\
	    "push $0x33; push $0x10000020; iretq; "			\
	    ".balign 32, 0x90; nop")
#else
#define FAR_RETURN(sel)							\
	ROW("far return " #sel, LDT, "push $" #sel "; push $0x10000020; "\
	    "lret; .balign 32, 0x90; nop");				\
	ROW("iret " #sel, LDT, "pushf; push $" #sel "; "			\
	    "push $0x10000020; iretl; .balign 32, 0x90; nop")
#endif
FAR(0); FAR(8); FAR(0x10); FAR(0x18); FAR(0x23); FAR(0x2b); FAR(0x33);
FAR(0x40); FAR(0x43); FAR(0x50); FAR(0x63); FAR(0x7b); FAR(0x83); FAR(0xf3);
FAR(0x7); FAR(0x17); FAR(0x3f); FAR(0x77); FAR(0xfff7);
FAR_RETURN(0); FAR_RETURN(3); FAR_RETURN(8); FAR_RETURN(0x10);
FAR_RETURN(0x2b); FAR_RETURN(0x40); FAR_RETURN(0x43); FAR_RETURN(0x50);
FAR_RETURN(0x53); FAR_RETURN(0x63); FAR_RETURN(0x7b); FAR_RETURN(0x83);
FAR_RETURN(0x7); FAR_RETURN(0x17); FAR_RETURN(0x77);

/* Segments and their bases. */
#define USER_DESC(entry, base, limit, flags)				\
	"movl $" #entry ", 0x30000100; movl $" #base ", 0x30000104; "	\
	"movl $" #limit ", 0x30000108; movl $" #flags ", 0x3000010c; "
#define SET_THREAD_AREA							\
	"mov $243, %eax; mov $0x30000100, %ebx; int $0x80; "
#define MODIFY_LDT							\
	"mov $123, %eax; mov $0x11, %ebx; mov $0x30000100, %ecx; "	\
	"mov $16, %edx; int $0x80; "
#define SET_TLS(entry, base, flags)					\
	USER_DESC(entry, base, 0xfffff, flags) SET_THREAD_AREA
#define SET_LDT(entry, base, flags)					\
	USER_DESC(entry, base, 0xfff, flags) MODIFY_LDT
/* LDT_empty(), in Linux: all zero, but read-only and not present. */
#define EMPTY_TLS(entry)	USER_DESC(entry, 0, 0, 0x28) SET_THREAD_AREA
#define EMPTY_LDT(entry)	USER_DESC(entry, 0, 0, 0x28) MODIFY_LDT
#define LOAD(sel, seg)	"mov $" #sel ", %eax; mov %eax, %" #seg "; "
#define READ(seg, to)	"mov %" #seg ":4, %" #to "; "
/* A millisecond of sleep, in which the CPU turns to somebody else for sure. */
#define NAP								\
	"push " BX "; movl $0, 0x30000180; movl $1000000, 0x30000184; "	\
	"mov $162, %eax; mov $0x30000180, %ebx; xor %ecx, %ecx; "	\
	"int $0x80; pop " BX "; "
#define BASES(seg)							\
	ROW(#seg " LDT", LDT, LOAD(0xf, seg) READ(seg, ebx) NAP		\
	    READ(seg, ebp) "mov %" #seg ", %eax");			\
	ROW(#seg " LDT signal", LDT, LOAD(0xf, seg) "int3; " READ(seg, ebx)\
	    "mov %" #seg ", %eax");					\
	ROW(#seg " LDT moves", LDT, LOAD(0xf, seg)			\
	    SET_LDT(1, 0x30000010, 0x41) READ(seg, ebp) NAP		\
	    READ(seg, edi) "mov %" #seg ", %eax");			\
	ROW(#seg " LDT goes", LDT, LOAD(0xf, seg)			\
	    EMPTY_LDT(1) "mov %" #seg ", %ebp; " READ(seg, edi));	\
	ROW(#seg " LDT absent", LDT, LOAD(0xf, seg)			\
	    SET_LDT(1, 0x30000000, 0x61) "mov %" #seg ", %ebp; "	\
	    READ(seg, edi));						\
	ROW(#seg " TLS", 0, SET_TLS(13, 0x30000020, 0x51)		\
	    LOAD(0x6b, seg) READ(seg, ebx) NAP READ(seg, ebp));		\
	ROW(#seg " TLS signal", 0, SET_TLS(13, 0x30000020, 0x51)	\
	    LOAD(0x6b, seg) "int3; " READ(seg, ebp));			\
	ROW(#seg " TLS moves", 0, SET_TLS(13, 0x30000020, 0x51)		\
	    LOAD(0x6b, seg) SET_TLS(13, 0x30000040, 0x51) READ(seg, ebp)\
	    NAP READ(seg, edi));					\
	ROW(#seg " TLS goes", 0, SET_TLS(13, 0x30000020, 0x51)		\
	    LOAD(0x6b, seg) EMPTY_TLS(13)				\
	    "mov %" #seg ", %ebp; " READ(seg, edi));			\
	ROW(#seg " TLS goes, a nap", 0, SET_TLS(13, 0x30000020, 0x51)	\
	    LOAD(0x6b, seg) EMPTY_TLS(13) NAP				\
	    "mov %" #seg ", %ebp; " READ(seg, edi));			\
	ROW(#seg " TLS null", 0, SET_TLS(13, 0x30000020, 0x51)		\
	    LOAD(0x6b, seg) LOAD(0, seg) READ(seg, ebp));		\
	ROW(#seg " TLS null, a nap", 0, SET_TLS(13, 0x30000020, 0x51)	\
	    LOAD(0x6b, seg) LOAD(0, seg) NAP "mov %" #seg ", %ebx; "	\
	    READ(seg, ebp));						\
	ROW(#seg " TLS null 3", 0, SET_TLS(13, 0x30000020, 0x51)	\
	    LOAD(0x6b, seg) LOAD(3, seg) NAP "mov %" #seg ", %ebx; "	\
	    READ(seg, ebp));						\
	ROW(#seg " TLS to data", 0, SET_TLS(13, 0x30000020, 0x51)	\
	    LOAD(0x6b, seg) LOAD(0x2b, seg) NAP "mov %" #seg ", %ebx; "	\
	    READ(seg, ebp));						\
	ROW(#seg " rpl 0", 0, LOAD(0x28, seg) NAP			\
	    "mov %" #seg ", %ebx; " "int3; mov %" #seg ", %ecx");	\
	ROW(#seg " 16-bit TLS", 0, SET_TLS(13, 0x30000020, 0x50) "nop")
BASES(fs);
BASES(gs);
ROW32("gs absent at sigreturn", GS17, "mov %gs, %ebx; ljmp $0x33, $0x10000020; "
      ".org 71b + 32, 0x90; .code64; rdgsbase %rax; nop; .code32");
ROW("ds LDT", LDT, LOAD(0xf, ds) NAP "mov %ds, %ebx");
ROW("es LDT", LDT, LOAD(0xf, es) NAP "mov %es, %ebx");
ROW("es LDT goes", LDT, LOAD(0xf, es) EMPTY_LDT(1) "mov %es, %ebx");
ROW("es TLS goes", 0, SET_TLS(13, 0x30000020, 0x51) LOAD(0x6b, es)
    EMPTY_TLS(13) NAP "mov %es, %ebx");
#ifdef __x86_64__
#define PRCTL(what, value)						\
	"mov $158, %eax; mov $" #what ", %edi; mov $" #value ", %rsi; syscall; "
#define ARCH(seg, set, get)						\
	ROW(#seg " arch_prctl", 0, PRCTL(set, 0x30000020) READ(seg, ebx)\
	    NAP READ(seg, ebp) "mov %" #seg ", %r8d; "			\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9");		\
	ROW(#seg " arch_prctl high", 0, PRCTL(set, 0x7ff012345678) NAP	\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9");		\
	ROW(#seg " arch_prctl bad", 0, PRCTL(set, 0x30000020)		\
	    PRCTL(set, 0x800000000000)					\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9");		\
	ROW(#seg " arch_prctl null", 0, PRCTL(set, 0x30000020)		\
	    LOAD(0, seg) NAP PRCTL(get, 0x30000200) "mov 0x30000200, %r9; "\
	    READ(seg, ebx));						\
	ROW(#seg " arch_prctl, TLS", 0, PRCTL(set, 0x30000020)		\
	    SET_TLS(13, 0x30000040, 0x51) LOAD(0x6b, seg) READ(seg, r10d)\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9; " NAP		\
	    READ(seg, ebx) "mov %" #seg ", %r11d");			\
	ROW(#seg " TLS, arch_prctl", 0,					\
	    SET_TLS(13, 0x30000040, 0x51) LOAD(0x6b, seg)		\
	    PRCTL(set, 0x30000020) READ(seg, r10d) NAP			\
	    READ(seg, ebx) "mov %" #seg ", %r11d");			\
	ROW(#seg " wr base, TLS", 0, SET_TLS(13, 0x30000040, 0x51)	\
	    LOAD(0x6b, seg) "mov $0x30000060, %r12; wr" #seg "base %r12; "\
	    READ(seg, r10d) NAP READ(seg, ebx)				\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9");		\
	ROW(#seg " wr base, signal", 0, "mov $0x30000060, %r12; "	\
	    "wr" #seg "base %r12; int3; " READ(seg, r10d));		\
	ROW(#seg " LDT, arch_prctl", LDT, LOAD(0xf, seg)		\
	    PRCTL(get, 0x30000200) "mov 0x30000200, %r9; "		\
	    PRCTL(set, 0x30000080) NAP READ(seg, r10d)			\
	    "mov %" #seg ", %r11d");					\
	ROW(#seg " fork", 0, PRCTL(set, 0x30000020) FORK		\
	    READ(seg, ebx) "nop")
ARCH(fs, 0x1002, 0x1003);
ARCH(gs, 0x1001, 0x1004);

/* A 64-bit program's detour into 32-bit code. */
#define IN32(code)	".code32; " code " .code64"
ROW("32-bit code", CODE32, IN32("mov %esp, %eax; nop;"));
ROW("32-bit code int80", CODE32, IN32("mov $-1, %eax; int $0x80; nop;"));
ROW("32-bit code int3", CODE32, IN32("nop; int3; nop;"));
ROW("32-bit code hlt", CODE32, IN32("hlt;"));
ROW("32-bit code syscall", CODE32, IN32("mov $-1, %eax; syscall; nop;"));
ROW("32-bit code sysenter", CODE32,
    IN32("mov %esp, %ebp; mov $-1, %eax; sysenter; nop;"));
ROW("32-bit code step", CODE32 | STEP,
    IN32("mov $-1, %eax; int $0x80; nop;"));
ROW("32-bit code ports", CODE32 | PORTS,
    IN32("in %dx, %al; insl; outsl; nop;"));
ROW("32-bit code into", CODE32,
    IN32("mov $0x7fffffff, %eax; inc %eax; into; nop;"));
ROW("32-bit code cli", CODE32 | ALL, IN32("cli; sti; nop;"));
ROW("32-bit code 16-bit stack", CODE32 | STACK16,
    IN32("mov $0x87654320, %esp; mov $-1, %eax; int $0x80; mov %esp, %ebx;"
	 SPIN "mov %esp, %ebx; int3; mov %esp, %ecx;"));
ROW("32-bit code flags", CODE32,
    IN32("push $0x257cd5; popf; mov $-1, %eax; int $0x80; pushf; pop %ebx;"));
ROW("32-bit code to 64", CODE32,
    IN32("ljmp $0x33, $0x10000020; .balign 32, 0x90;") "; mov %rsp, %rax; nop");
#endif
