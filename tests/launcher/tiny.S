/* SPDX-License-Identifier: GPL-2.0 */
/* As much Guest code as a linker's test needs: one of each relocation. */
	.text
	.globl lguest_entry, lguest_iret
lguest_entry:
	call	x86_64_start_reservations	/* PLT32 */
	mov	pv_ops(%rip), %rax		/* PC32 */
	movq	$lguest_boot, %rdi		/* 32S */
	mov	boot_cpu_data, %eax		/* 32S */
lguest_iret:
	jmp	lguest_iret
	.weak	nobody_has_this

	.section .rodata, "a"
	.globl numbers
numbers:
	.quad	pv_ops				/* 64 */
	.quad	nobody_has_this
	.quad	lguest_boot + 8
	.quad	pv_ops - .			/* PC64 */
	.long	small				/* 32 */
	.set	small, 0x12345678

	.data
	.globl lguest_boot
lguest_boot:
	.fill	64

	.bss
	.balign 4096
	.globl lguest_console
lguest_console:
	.fill	4096

	.section .discard.nothing, "a"
	.quad	a_symbol_that_no_kernel_has
	.section .note.nothing, "a", @note
	.fill	16

#ifdef EXTRA
	EXTRA
#endif
