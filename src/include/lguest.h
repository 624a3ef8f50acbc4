/* SPDX-License-Identifier: GPL-2.0 */
/* The contract between the Guest, its Host and its Launcher. */
#ifndef _LGUEST_H
#define _LGUEST_H

#define LGUEST_ABI		5

/* nr: arguments. The answer is 0 where nothing else is said. */
#define LHCALL_INIT		0	/* gpa of lguest_data, LGUEST_ABI */
#define LHCALL_SHUTDOWN		1	/* LGUEST_SHUTDOWN_*, gpa of a text */
#define LHCALL_LOAD_IDT		2	/* gva of the table, bytes */
#define LHCALL_SET_GATE		3	/* vector, low 8 bytes, high 8 */
#define LHCALL_NEW_PGTABLE	4	/* the value for CR3, all 64 bits */
#define LHCALL_FLUSH_TLB	5	/* 0: this PCID; 1: global too, all */
#define LHCALL_FLUSH_PAGE	6	/* gva */
#define LHCALL_LOAD_TLS		7	/* three descriptors */
#define LHCALL_LOAD_LDT		8	/* gva, number of descriptors */
#define LHCALL_LOAD_GS		9	/* selector, for user mode */
#define LHCALL_SET_BASE		10	/* LGUEST_BASE_*, value */
#define LHCALL_CLOCKEVENT	11	/* ns from now; 0: now; ~0: never */
#define LHCALL_GET_TIME		12	/* answers ns since 1970 */
#define LHCALL_HALT		13	/* until an interrupt is pending */
#define LHCALL_INTERRUPTS	14	/* IF was set and irq_pending is set */
#define LHCALL_IRET		15	/* to lguest_data.iret */
#define LHCALL_NOTIFY		16	/* LGUEST_NOTIFY_*, for the Launcher */
#define LHCALL_SET_DEBUGREG	17	/* number, value */
#define LHCALL_BIND_DMA		18	/* key, gpa of a ring or 0, irq */
					/* answers 0, -EBUSY, -ENOSPC or */
					/* -ENOMEM */
#define LHCALL_SEND_DMA		19	/* key, gpa of buffers or 0 */
					/* answers bytes that arrived, or */
					/* -ENOTCONN, -EAGAIN, -EMSGSIZE */
#define LHCALL_SET_CR4		20	/* the kernel's CR4 */
#define LHCALL_SET_XCR0		21	/* value; answers 0 or -EINVAL */
#define LHCALL_GET_BASE		22	/* LGUEST_BASE_*; answers it */

#define LGUEST_SHUTDOWN_POWEROFF	0
#define LGUEST_SHUTDOWN_RESTART		1
#define LGUEST_SHUTDOWN_CRASH		2

#define LGUEST_BASE_FS			0
#define LGUEST_BASE_GS			1

#define LGUEST_NOTIFY_CONSOLE		0
#define LGUEST_NR_IRQS		16
#define LGUEST_FIRST_VECTOR	0x30	/* of irq 0: where Linux has ISA's */

#ifndef __ASSEMBLY__
#include <linux/types.h>

/* What a return to user mode, or a slow one to the kernel, hands over. */
struct lguest_iret {
	__u64 rax, rcx, r11;
	__u64 rip, cs, rflags, rsp, ss;
};

/* Exactly one page, page-aligned, in the Guest code's data. */
struct lguest_data {
	/* Set by the Guest, cleared by injection: 0x200 or 0, as IF. */
	__u64 irq_enabled;
	/* Set by the Host: irq_enable should call LHCALL_INTERRUPTS. */
	__u64 irq_pending;
	/* Set by the Guest: a bit for each irq that must not come. */
	__u64 blocked_irqs;
	/* Set by the Host before it injects a page fault. */
	__u64 cr2;
	/* Both: DR6. Set by the Host before it injects a #DB. */
	__u64 dr6;
	/* Set by the Guest: the kernel stack for the way in from user. */
	__u64 sp0;
	/* Set by Host or Switcher: user mode's stack at its `syscall`. */
	__u64 user_rsp;
	/* Both: the GS base of user mode while the kernel runs. */
	__u64 user_gs_base;
	struct lguest_iret iret;
	__u64 iret_scratch;

	/* Set by the Guest before LHCALL_INIT, read once then. */
	__u64 gp_entry;		/* where #GP goes that an instruction made */
	__u64 syscall_entry;	/* where `syscall` in user mode goes: rsp is */
				/* sp0, IF is off, nothing was pushed. */
	__u64 iret_start;	/* [start, end): nothing is injected here, */
	__u64 iret_end;		/* but rip is moved to */
	__u64 iret_slow;	/* this, which calls LHCALL_IRET. */
	__u64 espfix;		/* 1: its kernel knows 16-bit stacks */

	/* Set by the Host in LHCALL_INIT. */
	__u64 tsc_khz;		/* of the TSC, for delays too */
	__u64 tsc_reliable;	/* 1: it can be the clock */
	__u64 fsgsbase;		/* 1: wrfsbase and friends work here */
	__u64 umip;		/* 1: sgdt and friends fault here */
	__u64 base_bits;	/* of an address that FS and GS can have */
	__u64 xcr0;		/* the most that LHCALL_SET_XCR0 takes */

	/*
	 * Set by the Host in LHCALL_INIT and, unless tsc_reliable, at entries:
	 * when this CPU's TSC was clock_tsc, it was clock_ns. clock_changes
	 * counts.
	 */
	__u64 clock_changes, clock_tsc, clock_ns;

	/* Counted by the Host, with an irq 0: LHCALL_GET_TIME has jumped. */
	__u64 date_changes;
} __attribute__((aligned(4096)));
#endif
#ifndef __ASSEMBLY__
/* Symbol lguest_boot: written by the Launcher before the Guest starts. */
struct lguest_boot {
	__u64 code_gpa;		/* of the Guest code, which is mapped at */
	__u64 code_gva;		/* this address, in the module area, */
	__u64 code_bytes;	/* whole pages. */
	__u64 boot_params_gpa;
	__u64 memory_bytes;	/* of normal memory, from gpa 0 */
};

#define LGUEST_CONSOLE_OUT	2048
#define LGUEST_CONSOLE_IN	1024	/* a power of two */
#define LGUEST_CONSOLE_IRQ	1

/*
 * Symbol lguest_console: exactly one page. Out: the Guest fills out[],
 * sets out_bytes and calls LHCALL_NOTIFY; when that returns, all is taken.
 * In: a ring; the Launcher moves in_head, raises the irq, the Guest moves
 * in_tail. Both counters only grow; in_head - in_tail bytes wait.
 */
struct lguest_console {
	__u32 out_bytes;
	__u32 in_head;
	__u32 in_tail;
	__u16 rows, columns;	/* of the terminal, 0 if there is none */
	__u32 sysrq;		/* a key for the kernel, or 0: it was taken */
	char out[LGUEST_CONSOLE_OUT];
	char in[LGUEST_CONSOLE_IN];
} __attribute__((aligned(4096)));
#endif
#endif /* _LGUEST_H */
