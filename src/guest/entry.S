/* SPDX-License-Identifier: GPL-2.0 */
/* The Guest code's ways in and out, and what must not touch a register. */
#include <linux/linkage.h>
#include <asm/page_types.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <lguest.h>
#include "offsets.h"

	.text

/*G:010
 * The first instruction of the Guest's life. All registers are zero: there is
 * not even a stack. We take the one that the kernel's first task will have.
 */
SYM_CODE_START(lguest_entry)
	leaq	init_thread_union+THREAD_SIZE-STACK_TOP_ROOM(%rip), %rsp
	call	lguest_start
	ud2
SYM_CODE_END(lguest_entry)
/*:*/

/*G:030
 * An interrupt flag that is only a number. No trap, no hypercall: that is the
 * whole trick of paravirtualisation in two instructions.
 */
SYM_CODE_START(lguest_save_fl)
	movq	lguest_data+LG_IRQ_ENABLED(%rip), %rax
	ret
SYM_CODE_END(lguest_save_fl)

SYM_CODE_START(lguest_irq_disable)
	movq	$0, lguest_data+LG_IRQ_ENABLED(%rip)
	ret
SYM_CODE_END(lguest_irq_disable)
/*:*/

/*G:040
 * First open the door, then look for a note. The other way round, somebody
 * who leaves a note in between stands in the rain.
 */
SYM_CODE_START(lguest_irq_enable)
	movq	$X86_EFLAGS_IF, lguest_data+LG_IRQ_ENABLED(%rip)
	cmpq	$0, lguest_data+LG_IRQ_PENDING(%rip)
	jne	1f
	ret
1:	pushq	%rcx
	pushq	%r11
	movl	$LHCALL_INTERRUPTS, %eax
	syscall
	popq	%r11
	popq	%rcx
	ret
SYM_CODE_END(lguest_irq_enable)
/*:*/

SYM_CODE_START(lguest_read_cr2)
	movq	lguest_data+LG_CR2(%rip), %rax
	ret
SYM_CODE_END(lguest_read_cr2)


/*G:055
 * A program's `syscall`: on the kernel's stack, virtual interrupts off. The
 * way back is in rcx, the flags in r11; every other register is the program's.
 */
SYM_CODE_START(lguest_syscall)
	pushq	$__USER_DS
	pushq	lguest_data+LG_USER_RSP(%rip)
	pushq	%r11
	pushq	$__USER_CS
	pushq	%rcx
	jmp	entry_SYSCALL_64_after_hwframe
SYM_CODE_END(lguest_syscall)
/*:*/

/*G:060
 * The end of every exception, interrupt and system call. On the stack: rip,
 * cs, rflags, rsp, ss. The virtual interrupt flag is off.
 */
SYM_CODE_START(lguest_iret)
	testb	$3, 8(%rsp)
	jnz	.Lto_user
	movq	%rax, lguest_data+LG_IRET_SCRATCH(%rip)
	movl	16(%rsp), %eax
	andl	$X86_EFLAGS_IF, %eax
	movq	$__USER_CS, 8(%rsp)
	movq	$__USER_DS, 32(%rsp)
SYM_INNER_LABEL(lguest_iret_start, SYM_L_GLOBAL)
	movq	%rax, lguest_data+LG_IRQ_ENABLED(%rip)
	testl	%eax, %eax
	jz	1f
	cmpq	$0, lguest_data+LG_IRQ_PENDING(%rip)
	jne	lguest_iret_slow
1:	movq	lguest_data+LG_IRET_SCRATCH(%rip), %rax
	iretq
SYM_INNER_LABEL(lguest_iret_slow, SYM_L_GLOBAL)
	movq	$0, lguest_data+LG_IRQ_ENABLED(%rip)
SYM_INNER_LABEL(lguest_iret_end, SYM_L_GLOBAL)
	movq	lguest_data+LG_IRET_SCRATCH(%rip), %rax
	movq	$__KERNEL_CS, 8(%rsp)
	movq	$__KERNEL_DS, 32(%rsp)
.Lto_user:
	movq	%rax, lguest_data+LG_IRET_RAX(%rip)
	movq	%rcx, lguest_data+LG_IRET_RCX(%rip)
	movq	%r11, lguest_data+LG_IRET_R11(%rip)
	popq	lguest_data+LG_IRET_RIP(%rip)
	popq	lguest_data+LG_IRET_CS(%rip)
	popq	lguest_data+LG_IRET_RFLAGS(%rip)
	popq	lguest_data+LG_IRET_RSP(%rip)
	popq	lguest_data+LG_IRET_SS(%rip)
	movl	$LHCALL_IRET, %eax
	syscall
	ud2
SYM_CODE_END(lguest_iret)
/*:*/

/* Goes where @act says, with the registers as @act leaves them in memory. */
.macro ACT_OUT act:req
	cld
	.irp	register, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, \
			rbx, rbp, r12, r13, r14, r15
	pushq	%\register
	.endr
	movq	%rsp, %rdi
	call	\act
	movq	%rax, lguest_gp_next(%rip)
	.irp	register, r15, r14, r13, r12, rbp, rbx, \
			r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
	popq	%\register
	.endr
	jmp	*lguest_gp_next(%rip)
.endm

/*G:070
 * Most faults in here are not faults: they are the kernel, talking to a
 * machine that it does not have. lguest_emulate() plays the machine.
 */
SYM_CODE_START(lguest_gp)
	testb	$3, 16(%rsp)		/* whose CS? */
	jnz	lguest_program_gp
	ACT_OUT	lguest_emulate
SYM_INNER_LABEL(lguest_gp_step, SYM_L_GLOBAL)
	addq	$8, %rsp		/* a trap has no error code */
	jmp	asm_xenpv_exc_debug
SYM_INNER_LABEL(lguest_gp_undefined, SYM_L_GLOBAL)
	addq	$8, %rsp
	jmp	asm_exc_invalid_op
SYM_INNER_LABEL(lguest_gp_done, SYM_L_GLOBAL)
	addq	$8, %rsp
	jmp	lguest_iret
SYM_CODE_END(lguest_gp)
/*:*/

/*G:149 The same for a program, which may have been talking to a device. */
SYM_CODE_START_LOCAL(lguest_program_gp)
	ACT_OUT	lguest_play_ports
SYM_CODE_END(lguest_program_gp)
/*:*/
