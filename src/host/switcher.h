/* SPDX-License-Identifier: GPL-2.0 */
/* What the Switcher and the Host's C code both know. */
#ifndef _LG_SWITCHER_H
#define _LG_SWITCHER_H

/* One CPU's area of the Switcher, in pages from its start. */
#define SWITCHER_TEXT_PAGES	2	/* code: the same frames everywhere */
#define SWITCHER_STATE_PAGE	2	/* struct switcher_state */
#define SWITCHER_IDT_PAGE	3	/* in use while a Guest runs */
#define SWITCHER_GDT_PAGE	4	/* the GDT, then the TSS */
#define SWITCHER_STACKS_PAGE	5	/* four stacks of 1 KB: NMI and kin */
#define SWITCHER_HOST_PAGE	6	/* struct switcher_host: no Guest's */
#define SWITCHER_DATA_PAGE	7	/* a window: the Guest's lguest_data */
#define SWITCHER_LDT_PAGE	16	/* a window of 16 pages */
#define SWITCHER_LDT_PAGES	16

#define SWITCHER_TSS_OFFSET	0x800	/* in the GDT's page */
#define SWITCHER_STACK_BYTES	0x400
#define SWITCHER_AREA_SHIFT	21	/* an area is one page table's worth */
#define SWITCHER_CLONES		0x7f00000000	/* the slot's last 4 GB */

/* PGD slot 256, "guard hole, reserved for hypervisor", in both layouts. */
#define SWITCHER_SLOT		256
#define SWITCHER_BASE		0xffff800000000000	/* four levels */
#define SWITCHER_BASE5		0xff00000000000000	/* five levels */


#define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || \
			   (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)
#define ON_OWN_STACK(v)	((v) == 1 || (v) == 2 || (v) == 8 || (v) == 18)

/* What `iretq` may restore of the flags, apart from IF. */
#define USER_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
		    X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF | \
		    X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_NT | \
		    X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)

#define LG_TRAP_SYSCALL		256	/* `syscall` in 64-bit code */
#define LG_TRAP_SYSCALL32	257	/* the same in 32-bit code: AMD */
#define LG_TRAP_NONE		258	/* the entry was turned round */
#define LG_TRAP_BROKEN		259	/* the Switcher has a bug */
#define LG_TRAP_IRET		0x1000	/* or'ed to the vector: iretq failed */

#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <asm/desc_defs.h>

/*
 * The order is that of the pushes in switcher.S: a trap itself pushes the
 * last five, the stub the two before, the common code the rest.
 */
struct lg_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	u64 rax, rcx, rdx, rsi, rdi;
	u64 trap, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* All that the Switcher loads on the way in and saves on the way out. */
struct lg_context {
	struct lg_regs regs;
	u64 cr2, fs_base, gs_base;
	u64 kernel_gs_base;	/* while in user mode */
	u64 direct;		/* how often it changed modes by itself */
	u16 ds, es, fs, gs;
	u8 user_mode;		/* else kernel mode: both ring 3 */
};
/* Read and written by the Switcher of this CPU and, IRQs off, its Host. */
struct switcher_state {
	struct lg_context guest;
	u64 guest_cr3, other_cr3;	/* for this mode, for the other */
	u64 syscall_entry;	/* of the Guest's kernel */
	u8 direct_call, direct_return;	/* 1: the Host is not needed */
	u16 verw_selector;	/* VERW empties CPU buffers: any will do */
	u8 fsgsbase;		/* 1: this CPU has instructions for bases */
	u64 guest_dr7;		/* 0: no breakpoint is armed */
	u8 nmi, machine_check;	/* came while in the Switcher */
	u64 host_cr3, scratch;
	u64 clones;		/* of the frame for iretq: 64 KB apart */
	u64 entry_stack[64] __aligned(16);
	u64 entry_stack_end[2];
};

/* The same, but for what is not touched while the Guest's tables are loaded. */
struct switcher_host {
	u64 rsp, fs_base, gs_base;
	u16 ds, es, fs, gs;
	u32 pkru;
	u8 pku;			/* this CPU has the instructions */
	u8 writes_records;	/* and this: a debug store, for BTS */
	u8 has_pebs;		/* and PEBS: either may be there alone */
	u8 kernel_ibrs;		/* Linux turns IBRS off for programs */
	u16 guest_ldt;		/* selector: 0, or GDT_ENTRY_LDT */
	u64 user_spec_ctrl;	/* what it then writes */
	u64 cr3_noflush;	/* bit 63, if CR3 has address-space numbers */
	u64 debugctl, pebs;	/* what was stopped, 0 if nothing was */
	struct desc_ptr gdt, gdt_rw, idt;
	struct desc_ptr guest_gdt, guest_idt;
};
extern const u8 switcher_text[], switcher_stubs[];
extern const u8 switch_to_guest[], switcher_syscall[], switcher_syscall32[];

void lg_cross(unsigned long switch_to_guest);
void lg_call_gate(unsigned long gate);
void lg_call_nmi(void);
#endif
#endif /* _LG_SWITCHER_H */
