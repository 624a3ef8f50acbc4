/* SPDX-License-Identifier: GPL-2.0 */
/*P:900
 * The Switcher is where Host and Guest become each other. There has to be one
 * place that looks the same in both worlds, and this is it: the first slot of
 * the upper half of memory, from 0xffff800000000000 on, a hole that Linux
 * leaves for a hypervisor. (In 2007 it was the last 4 MB of what 32 bits reach,
 * from 0xFFC00000 on.) The code there exchanges the page tables, and the next
 * instruction is still the next instruction.
 *
 * Page tables alone don't make a world. Registers go over, and the tables of
 * segments and interrupts, and the stack; the Host's are kept, the Guest's
 * taken, and on the way back all of it once more. The order matters in every
 * line, and an interrupt that no one can turn off may strike between any two.
 * It is as simple as we could make it. It is still very x86.
 *
 * Here ends the flight, and part I. Seen from above it was not that much, was
 * it? Now put on your boots. The way on foot begins with: make Guest :*/

#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>
#include <lguest.h>
#include "../host/offsets.h"
#include "../host/switcher.h"
#include "../host/versions.h"

#define AT(page, offset)	(.Ltext + page * 4096 + (offset))(%rip)
#define AREA(page, offset)	AT(SWITCHER_##page##_PAGE, offset)
#define STATE_AT(field, more)	AREA(STATE, STATE_##field + (more))
#define STATE(field)		STATE_AT(field, 0)
#define HOST_AT(field, more)	AREA(HOST, HOST_##field + (more))
#define HOST(field)		HOST_AT(field, 0)
#define DATA(field)		AREA(DATA, DATA_##field)
.macro LOAD_BASES page fs gs		/* and offsets in that page */
	cmpb	$0, STATE(fsgsbase)
	je	.Lmsr\@
	movq	AT(\page, \fs), %rax
	wrfsbase %rax
	movq	AT(\page, \gs), %rax
	wrgsbase %rax
	jmp	.Ldone\@
.Lmsr\@:
	movl	$MSR_FS_BASE, %ecx
	movl	AT(\page, \fs), %eax
	movl	AT(\page, \fs + 4), %edx
	wrmsr
	movl	$MSR_GS_BASE, %ecx
	movl	AT(\page, \gs), %eax
	movl	AT(\page, \gs + 4), %edx
	wrmsr
.Ldone\@:
.endm
.macro SAVE_BASES fs gs
	cmpb	$0, STATE(fsgsbase)
	je	.Lmsr\@
	rdfsbase %rax
	movq	%rax, AREA(STATE, \fs)
	rdgsbase %rax
	movq	%rax, AREA(STATE, \gs)
	jmp	.Ldone\@
.Lmsr\@:
	movl	$MSR_FS_BASE, %ecx
	rdmsr
	movl	%eax, AREA(STATE, \fs)
	movl	%edx, AREA(STATE, \fs + 4)
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, AREA(STATE, \gs)
	movl	%edx, AREA(STATE, \gs + 4)
.Ldone\@:
.endm
.macro RESTORE_PKRU
	cmpb	$0, HOST(pku)
	je	.Ldone\@
	xorl	%ecx, %ecx
	rdpkru				/* zeroes %edx */
	cmpl	%eax, HOST(pkru)
	je	.Ldone\@
	movl	HOST(pkru), %eax
	wrpkru
.Ldone\@:
.endm
/*S:070 On the way in and home, where no NMI's handler can run. */
.macro STOP_RECORDS
	cmpb	$0, HOST(writes_records)
	je	.Ldone\@
	movl	$MSR_IA32_DEBUGCTLMSR, %ecx
	rdmsr
	testl	$DEBUGCTLMSR_TR, %eax
	jz	.Lpebs\@
	movl	%eax, HOST(debugctl)
	movl	%edx, HOST_AT(debugctl, 4)
	andl	$~DEBUGCTLMSR_TR, %eax
	wrmsr
.Lpebs\@:
	cmpb	$0, HOST(has_pebs)
	je	.Ldone\@
	movl	$MSR_IA32_PEBS_ENABLE, %ecx
	rdmsr
	movl	%eax, HOST(pebs)
	movl	%edx, HOST_AT(pebs, 4)
	orl	%edx, %eax
	jz	.Ldone\@
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
.Ldone\@:
.endm
.macro RESUME_MSR number value		/* an offset, too */
	movl	AREA(HOST, \value), %eax
	movl	AREA(HOST, \value + 4), %edx
	movl	%eax, %ecx
	orl	%edx, %ecx
	jz	.Ldone\@
	movl	$\number, %ecx
	wrmsr
.Ldone\@:
.endm

.macro RESUME_RECORDS
	RESUME_MSR MSR_IA32_DEBUGCTLMSR, HOST_debugctl
	RESUME_MSR MSR_IA32_PEBS_ENABLE, HOST_pebs
.endm
.macro LEAVE_IBRS
	cmpb	$0, HOST(kernel_ibrs)
	je	.Ldone\@
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	movl	HOST(user_spec_ctrl), %eax
	movl	HOST_AT(user_spec_ctrl, 4), %edx
	wrmsr
.Ldone\@:
.endm
.macro FORGET_RETURNS			/* one register, 16 bytes of stack */
	movl	$16, %eax
.Lcall\@:
	call	.Lagain\@
	int3				/* a guess that ends at once */
.Lagain\@:
	call	.Ldrop\@
	int3
.Ldrop\@:
	addq	$16, %rsp
	decl	%eax
	jnz	.Lcall\@
	lfence				/* and no guess past the loop */
.endm
	.section .rodata, "a"
	.balign	PAGE_SIZE
SYM_INNER_LABEL(switcher_text, SYM_L_GLOBAL)
.Ltext:
/*S:010
 * Out of the Host. Called in this CPU's area, IRQs off, by run_guest_once();
 * returns when something has stopped the Guest.
 */
SYM_INNER_LABEL(switch_to_guest, SYM_L_GLOBAL)
	endbr64
	pushfq				/* flags first: popped last */
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, HOST(rsp)
	leaq	STATE(entry_stack_end), %rsp
	movq	%cr3, %rax
	orq	HOST(cr3_noflush), %rax
	movq	%rax, STATE(host_cr3)
	sgdt	HOST(gdt)
	sidt	HOST(idt)
/*:*/
	lidt	HOST(guest_idt)
.Lentry:				/* from here an NMI turns us round */
	STOP_RECORDS
	LEAVE_IBRS
	lgdt	HOST(guest_gdt)
	andb	$~2, AREA(GDT, GDT_ENTRY_TSS * 8 + 5)	/* not busy */
	movl	$(GDT_ENTRY_TSS * 8), %eax
	ltr	%ax
	movzwl	HOST(guest_ldt), %eax
	lldt	%ax
	FORGET_RETURNS			/* the Host's addresses */
	movq	STATE(guest_cr3), %rax
	movq	%rax, %cr3		/* the world changes here */
	movq	STATE(guest_dr7), %rax
	testq	%rax, %rax
	jz	.Lselectors
	movq	%rax, %db7		/* from here its breakpoints hit */
.Lselectors:
	movzwl	STATE(guest_ds), %eax
	movl	%eax, %ds
	movzwl	STATE(guest_es), %eax
	movl	%eax, %es
	movzwl	STATE(guest_fs), %eax
	movl	%eax, %fs
	movzwl	STATE(guest_gs), %eax
	movl	%eax, %gs
.Lselectors_end:
	cmpb	$0, STATE(nmi)		/* one that struck in our own fault */
	jne	.Lhome
	cmpb	$0, STATE(machine_check)
	jne	.Lhome
.Lbases:
	LOAD_BASES SWITCHER_STATE_PAGE, STATE_guest_fs_base, STATE_guest_gs_base
/*S:020 Into the Guest: where, with which flags, on which stack. */
	pushq	STATE(regs_ss)
	pushq	STATE(regs_rsp)
	pushq	STATE(regs_rflags)
	pushq	STATE(regs_cs)
	pushq	STATE(regs_rip)
/*:*/
/*S:022
 * A stack segment of 16 bits? Then iretq keeps all of RSP above them, and so
 * RSP must have the user's bits 16 to 31 before. The frame is at all those
 * addresses: the clones begin at a multiple of 4 GB.
 */
	cmpw	$__USER_DS, STATE(regs_ss)
	je	1f			/* flat: as nearly always */
	movl	STATE(regs_rsp), %eax
	andl	$0xffff0000, %eax
	orq	STATE(clones), %rax
	movq	%rax, %rsp
1:
/*:*/
/*S:024 Into the Guest: from its registers in memory to its registers. */
	movq	STATE(regs_r15), %r15
	movq	STATE(regs_r14), %r14
	movq	STATE(regs_r13), %r13
	movq	STATE(regs_r12), %r12
	movq	STATE(regs_rbp), %rbp
	movq	STATE(regs_rbx), %rbx
	movq	STATE(regs_r11), %r11
	movq	STATE(regs_r10), %r10
	movq	STATE(regs_r9), %r9
	movq	STATE(regs_r8), %r8
	movq	STATE(regs_rax), %rax
	movq	STATE(regs_rcx), %rcx
	movq	STATE(regs_rdx), %rdx
	movq	STATE(regs_rsi), %rsi
	movq	STATE(regs_rdi), %rdi
	verw	STATE(verw_selector)
.Liretq:
	iretq
/*:*/

.Lturn:
	cmpb	$0, STATE(nmi)
	jne	.Lhome
	cmpb	$0, STATE(machine_check)
	jne	.Lhome
	movq	STATE(guest_cr3), %rax
	movq	%rax, %cr3
	jmp	.Lbases
.Lentry_end:

/*S:050
 * The CPU comes here by itself when the Guest executes `syscall`, in ring 0
 * but on the Guest's stack: not one push before that is changed.
 */
SYM_INNER_LABEL(switcher_syscall, SYM_L_GLOBAL)
	endbr64
	movq	%rsp, STATE(scratch)
	leaq	STATE(regs_end), %rsp
	pushq	$__USER_DS
	pushq	STATE(scratch)
	pushq	%r11			/* the flags, says the manual */
	pushq	$__USER_CS
	pushq	%rcx			/* the next instruction */
	pushq	$0
	pushq	$LG_TRAP_SYSCALL
	jmp	.Lsave
/*:*/
SYM_INNER_LABEL(switcher_syscall32, SYM_L_GLOBAL)
	endbr64
	movq	%rsp, STATE(scratch)
	leaq	STATE(regs_end), %rsp
	pushq	$__USER_DS
	pushq	STATE(scratch)
	pushq	%r11
	pushq	$__USER32_CS
	pushq	%rcx
	pushq	$0
	pushq	$LG_TRAP_SYSCALL32
	jmp	.Lsave
/*S:030
 * Out of the Guest: whose trap is it? Then the registers, in the order in
 * which struct lg_regs has them, last first.
 */
.Ltrap:
	testb	$3, 24(%rsp)		/* whose CS? */
	jz	.Lown_fault
.Lsave:
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
/*:*/
.Lsave_selectors:
	movl	%ds, %eax
	movw	%ax, STATE(guest_ds)
	movl	%es, %eax
	movw	%ax, STATE(guest_es)
	movl	%fs, %eax
	movw	%ax, STATE(guest_fs)
	movl	%gs, %eax
	movw	%ax, STATE(guest_gs)
	SAVE_BASES STATE_guest_fs_base, STATE_guest_gs_base
	movq	%cr2, %rax		/* before the Host faults itself */
	movq	%rax, STATE(guest_cr2)
/*S:055
 * A turn at the door. All of the Guest is in memory: it can still go either
 * way, and if the slightest thing is unusual, it goes home.
 */
	cmpq	$LG_TRAP_SYSCALL, STATE(regs_trap)
	jne	.Lhome
	leaq	STATE(entry_stack_end), %rsp
	cmpb	$0, STATE(guest_user_mode)
	je	.Lreturn
	cmpb	$0, STATE(direct_call)
	je	.Lhome
	movq	STATE(guest_gs_base), %rax
	movq	%rax, DATA(user_gs_base)
	movq	STATE(guest_kernel_gs_base), %rax
	movq	%rax, STATE(guest_gs_base)
	movq	STATE(regs_rsp), %rax
	movq	%rax, DATA(user_rsp)
	movq	DATA(sp0), %rax
	movq	%rax, STATE(regs_rsp)
	movq	STATE(syscall_entry), %rax
	movq	%rax, STATE(regs_rip)
	movl	STATE(regs_rflags), %eax
	andl	$X86_EFLAGS_ID, %eax
	orl	$(X86_EFLAGS_IF | X86_EFLAGS_FIXED), %eax
	movq	%rax, STATE(regs_rflags)
	movq	$0, DATA(irq_enabled)
	movb	$0, STATE(guest_user_mode)
	FORGET_RETURNS			/* the program's */
	jmp	.Lother
.Lreturn:
	cmpb	$0, STATE(direct_return)
	je	.Lhome
	cmpq	$LHCALL_IRET, STATE(regs_rax)
	jne	.Lhome
	cmpq	$0, DATA(irq_pending)
	jne	.Lhome
	cmpq	$__USER_CS, DATA(iret_cs)
	jne	.Lhome
	cmpq	$__USER_DS, DATA(iret_ss)
	jne	.Lhome
	movq	DATA(user_gs_base), %rax
	movq	%rax, %rcx
	shlq	$16, %rcx
	sarq	$16, %rcx
	cmpq	%rax, %rcx
	jne	.Lhome			/* not canonical */
	movq	STATE(guest_gs_base), %rcx
	movq	%rcx, STATE(guest_kernel_gs_base)
	movq	%rax, STATE(guest_gs_base)
	movl	DATA(iret_rflags), %eax
	andl	$USER_FLAGS, %eax
	orl	$(X86_EFLAGS_IF | X86_EFLAGS_FIXED), %eax
	movq	%rax, STATE(regs_rflags)
	movq	DATA(iret_rax), %rax
	movq	%rax, STATE(regs_rax)
	movq	DATA(iret_rcx), %rax
	movq	%rax, STATE(regs_rcx)
	movq	DATA(iret_r11), %rax
	movq	%rax, STATE(regs_r11)
	movq	DATA(iret_rip), %rax
	movq	%rax, STATE(regs_rip)
	movq	DATA(iret_rsp), %rax
	movq	%rax, STATE(regs_rsp)
	movq	$X86_EFLAGS_IF, DATA(irq_enabled)
	movb	$1, STATE(guest_user_mode)
.Lother:
	movq	$LG_TRAP_NONE, STATE(regs_trap)
	incq	STATE(guest_direct)
	movq	STATE(guest_cr3), %rax
	movq	STATE(other_cr3), %rcx
	movq	%rax, STATE(other_cr3)
	movq	%rcx, STATE(guest_cr3)
	jmp	.Lturn
/*:*/
/*S:040
 * Home. No register is needed, none is kept.
 */
.Lhome:
	cmpq	$0, STATE(guest_dr7)
	je	1f
	xorl	%eax, %eax
	movq	%rax, %db7		/* before anything of the Host's */
1:	leaq	STATE(entry_stack_end), %rsp
	movq	STATE(host_cr3), %rax
	movq	%rax, %cr3
	FORGET_RETURNS			/* the Guest's */
	RESUME_RECORDS
	lgdt	HOST(gdt_rw)
	movq	HOST_AT(gdt_rw, 2), %rax
	andb	$~2, (GDT_ENTRY_TSS * 8 + 5)(%rax)	/* not busy */
	movl	$(GDT_ENTRY_TSS * 8), %eax
	ltr	%ax
	lgdt	HOST(gdt)
	xorl	%eax, %eax
	lldt	%ax			/* Launchers have no LDT: checked */
	movl	$__KERNEL_DS, %eax
	movl	%eax, %ss
/*:*/
.Lhost_selectors:
	movzwl	HOST(ds), %eax
	movl	%eax, %ds
	movzwl	HOST(es), %eax
	movl	%eax, %es
	movzwl	HOST(fs), %eax
	movl	%eax, %fs
	movzwl	HOST(gs), %eax
	movl	%eax, %gs
.Lhost_selectors_end:
	LOAD_BASES SWITCHER_HOST_PAGE, HOST_fs_base, HOST_gs_base
	RESTORE_PKRU
	lidt	HOST(idt)
	movq	HOST(rsp), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	popfq				/* IRQs stay off */
	popq	%rcx			/* the address */
	pushq	$__KERNEL_CS
	pushq	%rcx
	lretq
	int3
/*S:060
 * Faults of the Switcher's own: at a selector, at the iretq, or a bug.
 */
.Lown_fault:
	movq	16(%rsp), %rcx		/* where */
	leaq	.Liretq(%rip), %rax
	cmpq	%rax, %rcx
	je	.Liretq_failed
	leaq	.Lselectors(%rip), %rax
	cmpq	%rax, %rcx
	jb	.Lbroken
	leaq	.Lselectors_end(%rip), %rax
	cmpq	%rax, %rcx
	jb	.Lnull
	leaq	.Lhost_selectors(%rip), %rax
	cmpq	%rax, %rcx
	jb	.Lbroken
	leaq	.Lhost_selectors_end(%rip), %rax
	cmpq	%rax, %rcx
	jae	.Lbroken
.Lnull:
	xorl	%eax, %eax		/* the load is "movl %eax, ..." */
	addq	$16, %rsp
	iretq

.Liretq_failed:
	popq	%rax
	orl	$LG_TRAP_IRET, %eax
	movq	%rax, STATE(regs_trap)
	popq	STATE(regs_error)
	jmp	.Lsave_selectors
/*:*/
.Lbroken:
	movq	$LG_TRAP_BROKEN, STATE(regs_trap)
	movq	16(%rsp), %rax
	movq	%rax, STATE(scratch)
	jmp	.Lhome
.Lown_stack:
	testb	$3, 24(%rsp)
	jz	.Lown_stack_in_switcher
	movq	%rax, STATE(scratch)
	movq	%rsp, %rax
	leaq	STATE(regs_end), %rsp
	pushq	48(%rax)		/* ss, rsp, rflags, cs, rip, */
	pushq	40(%rax)
	pushq	32(%rax)
	pushq	24(%rax)
	pushq	16(%rax)
	pushq	8(%rax)			/* the error code, */
	pushq	(%rax)			/* the vector */
	movq	STATE(scratch), %rax
	jmp	.Lsave
.Lown_stack_in_switcher:
	pushq	%rax
	pushq	%rcx
	movq	16(%rsp), %rax		/* the vector */
	cmpl	$X86_TRAP_DF, %eax
	je	.Lno_way_back
	cmpl	$X86_TRAP_DB, %eax
	je	.Ldebug_trap
	cmpl	$X86_TRAP_NMI, %eax
	jne	.Lnote_machine_check
	movb	$1, STATE(nmi)
	jmp	.Lturn_round
.Lnote_machine_check:
	movb	$1, STATE(machine_check)
.Lturn_round:
	movq	32(%rsp), %rax		/* where it struck */
	leaq	.Lentry(%rip), %rcx
	cmpq	%rcx, %rax
	jb	.Lback
	leaq	.Lentry_end(%rip), %rcx
	cmpq	%rcx, %rax
	jae	.Lback
	leaq	.Lhome(%rip), %rax
	movq	%rax, 32(%rsp)
.Lback:
	popq	%rcx
	popq	%rax
	addq	$16, %rsp		/* the vector, the error code */
	iretq

.Ldebug_trap:
	leaq	(16 + .Lstubs)(%rip), %rcx
	movq	32(%rsp), %rax
	subq	%rcx, %rax
	cmpq	$16, %rax
	jae	.Lback			/* not in the stub of vector 1 */
.Lno_way_back:
	addq	$16, %rsp
	jmp	.Lbroken
	.balign	16
SYM_INNER_LABEL(switcher_stubs, SYM_L_GLOBAL)
.Lstubs:
	vector = 0
	.rept	256
	.balign	16
	endbr64
	.if	HAS_ERROR_CODE(vector) == 0
	pushq	$0
	.endif
	.byte	0x68			/* pushq $imm32, whatever fits */
	.long	vector
	.if	ON_OWN_STACK(vector)
	jmp	.Lown_stack
	.else
	jmp	.Ltrap
	.endif
	vector = vector + 1
	.endr
	/* The rest is empty; too much code is an error here. */
	.org	.Ltext + SWITCHER_TEXT_PAGES * PAGE_SIZE, 0xcc
#ifdef LG_BORROWS
.macro LG_UNTRAIN_RET
	CALL_UNTRAIN_RET
	ALTERNATIVE "jmp .Lno_ibpb\@", "", X86_FEATURE_ENTRY_IBPB
	movl	$MSR_IA32_PRED_CMD, %ecx
	movl	$PRED_CMD_IBPB, %eax
	xorl	%edx, %edx
	wrmsr
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_BUG_IBPB_NO_RET
.Lno_ibpb\@:
	ALTERNATIVE "", __stringify(RESET_CALL_DEPTH), X86_FEATURE_CALL_DEPTH
.endm

.macro LG_CLEAR_BRANCH_HISTORY
	ALTERNATIVE "", "call lg_clear_bhb_loop", X86_FEATURE_CLEAR_BHB_LOOP
.endm

	.text
SYM_FUNC_START_LOCAL(lg_clear_bhb_loop)
	ANNOTATE_NOENDBR
	pushq	%rbp
	movq	%rsp, %rbp
	movl	$5, %ecx
	ANNOTATE_INTRA_FUNCTION_CALL
	call	1f
	jmp	5f
	.balign	64, 0xcc
	.skip	32 - (.Lret1 - 1f), 0xcc
	ANNOTATE_INTRA_FUNCTION_CALL
1:	call	2f
.Lret1:	RET
	.balign	64, 0xcc
	.skip	32 - 18, 0xcc		/* for the one below */
2:	movl	$5, %eax
3:	jmp	4f
	nop
4:	subl	$1, %eax
	jnz	3b
	subl	$1, %ecx
	jnz	1b
	RET
5:	lfence
	popq	%rbp
	RET
SYM_FUNC_END(lg_clear_bhb_loop)
STACK_FRAME_NON_STANDARD(lg_clear_bhb_loop)
#else
#define LG_UNTRAIN_RET		UNTRAIN_RET
#define LG_CLEAR_BRANCH_HISTORY	CLEAR_BRANCH_HISTORY
#endif
	.text
SYM_FUNC_START(lg_cross)		/* %rdi: switch_to_guest, over there */
	CALL_NOSPEC rdi
	ALTERNATIVE "jmp .Lno_ibrs", "", X86_FEATURE_KERNEL_IBRS
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	movq	PER_CPU_VAR(x86_spec_ctrl_current), %rdx
	movl	%edx, %eax
	shrq	$32, %rdx
	wrmsr
.Lno_ibrs:
	LG_UNTRAIN_RET
	LG_CLEAR_BRANCH_HISTORY
	RET
SYM_FUNC_END(lg_cross)
.macro CALL_AS_INTERRUPT irqs_on:req how:req target:req
	pushq	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp		/* as the CPU aligns it */
	pushq	$__KERNEL_DS
	pushq	%rbp			/* rsp, as it is when we are back */
	pushfq
	.if	\irqs_on
	orq	$X86_EFLAGS_IF, (%rsp)
	.endif
	pushq	$__KERNEL_CS
	\how	\target			/* pushes rip */
	movq	%rbp, %rsp
	popq	%rbp
	RET
.endm

SYM_FUNC_START(lg_call_gate)
	CALL_AS_INTERRUPT 1 CALL_NOSPEC rdi
SYM_FUNC_END(lg_call_gate)

#ifndef LG_BORROWS			/* which have a function for it */
SYM_FUNC_START(lg_call_nmi)
	CALL_AS_INTERRUPT 0 call LG_NMI_ENTRY
SYM_FUNC_END(lg_call_nmi)
#endif
