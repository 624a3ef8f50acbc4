// SPDX-License-Identifier: GPL-2.0
/* Where entry.S finds the fields of C structures. */
#include <linux/kbuild.h>
#include <linux/ptrace.h>
#include <linux/thread_info.h>
#include <lguest.h>

static void __used offsets(void)
{
	OFFSET(LG_IRQ_ENABLED, lguest_data, irq_enabled);
	OFFSET(LG_IRQ_PENDING, lguest_data, irq_pending);
	OFFSET(LG_CR2, lguest_data, cr2);
	OFFSET(LG_USER_RSP, lguest_data, user_rsp);
	OFFSET(LG_IRET_SCRATCH, lguest_data, iret_scratch);
	OFFSET(LG_IRET_RAX, lguest_data, iret.rax);
	OFFSET(LG_IRET_RCX, lguest_data, iret.rcx);
	OFFSET(LG_IRET_R11, lguest_data, iret.r11);
	OFFSET(LG_IRET_RIP, lguest_data, iret.rip);
	OFFSET(LG_IRET_CS, lguest_data, iret.cs);
	OFFSET(LG_IRET_RFLAGS, lguest_data, iret.rflags);
	OFFSET(LG_IRET_RSP, lguest_data, iret.rsp);
	OFFSET(LG_IRET_SS, lguest_data, iret.ss);
	DEFINE(STACK_TOP_ROOM,
	       TOP_OF_KERNEL_STACK_PADDING + sizeof(struct pt_regs));
}
