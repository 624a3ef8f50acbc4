// SPDX-License-Identifier: GPL-2.0
/* Never linked: kbuild makes offsets.h from what the compiler makes of it. */
#include <linux/kbuild.h>
#include "lg.h"

#define STATE(name, member) \
	OFFSET(STATE_##name, switcher_state, member)
#define REG(name)	STATE(regs_##name, guest.regs.name)
#define GUEST(name)	STATE(guest_##name, guest.name)
#define SAME(name)	STATE(name, name)
#define HOST(name)	OFFSET(HOST_##name, switcher_host, name)
#define DATA(name)	OFFSET(DATA_##name, lguest_data, name)
#define IRET(name)	OFFSET(DATA_iret_##name, lguest_data, iret.name)

static void __used shared_offsets(void)
{
	DATA(irq_enabled); DATA(irq_pending); DATA(sp0); DATA(user_rsp);
	DATA(user_gs_base); IRET(rax); IRET(rcx); IRET(r11); IRET(rip);
	IRET(cs); IRET(rflags); IRET(rsp); IRET(ss);
}

static void __used offsets(void)
{
	REG(r15); REG(r14); REG(r13); REG(r12); REG(rbp); REG(rbx);
	REG(r11); REG(r10); REG(r9); REG(r8); REG(rax); REG(rcx);
	REG(rdx); REG(rsi); REG(rdi); REG(trap); REG(error);
	REG(rip); REG(cs); REG(rflags); REG(rsp); REG(ss);
	DEFINE(STATE_regs_end, sizeof(struct lg_regs));
	GUEST(cr2); GUEST(fs_base); GUEST(gs_base); GUEST(kernel_gs_base);
	GUEST(user_mode); GUEST(direct);
	GUEST(ds); GUEST(es); GUEST(fs); GUEST(gs);
	SAME(guest_cr3); SAME(other_cr3); SAME(syscall_entry);
	SAME(direct_call); SAME(direct_return); SAME(verw_selector);
	SAME(fsgsbase); SAME(guest_dr7); SAME(nmi); SAME(machine_check);
	SAME(host_cr3); SAME(scratch); SAME(clones); SAME(entry_stack_end);
}

static void __used host_offsets(void)
{
	HOST(rsp); HOST(fs_base); HOST(gs_base); HOST(pkru); HOST(pku);
	HOST(ds); HOST(es); HOST(fs); HOST(gs); HOST(guest_ldt);
	HOST(writes_records); HOST(has_pebs); HOST(debugctl); HOST(pebs);
	HOST(kernel_ibrs); HOST(user_spec_ctrl); HOST(cr3_noflush);
	HOST(gdt); HOST(gdt_rw); HOST(idt); HOST(guest_gdt);
	HOST(guest_idt);
}
