// SPDX-License-Identifier: GPL-2.0
/* Instructions that the kernel executes bare, acted out one at a time. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include "guest.h"

static unsigned long *gpr(struct pt_regs *regs, unsigned int number)
{
	unsigned long *const gprs[16] = {
		&regs->ax, &regs->cx, &regs->dx, &regs->bx,
		&regs->sp, &regs->bp, &regs->si, &regs->di,
		&regs->r8, &regs->r9, &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15,
	};

	return gprs[number];
}

/*G:080
 * What a processor does in a few transistors. True: it is done, and regs are
 * those after the instruction. False: it is none of ours.
 */
bool lguest_emulate(struct pt_regs *regs)
{
	const u8 *ip = (const u8 *)regs->ip;
	unsigned int opcode;
	bool word = false;
	u8 rex = 0;

	/* A wrong selector, and not a forbidden instruction. */
	if (regs->orig_ax)
		return false;

	for (; *ip == 0x66 || *ip == 0xf2 || *ip == 0xf3; ip++)
		word |= *ip == 0x66;
	if ((*ip & 0xf0) == 0x40)
		rex = *ip++;
	opcode = *ip++;
	if (opcode == 0x0f)
		opcode = 0x0f00 | *ip++;

	switch (opcode) {
	case 0xe4: case 0xe5:
		ip++;
		fallthrough;
	case 0xec: case 0xed:
		if (!(opcode & 1))
			regs->ax |= 0xff;
		else if (word)
			regs->ax |= 0xffff;
		else
			regs->ax = 0xffffffff;
		break;
	case 0xe6: case 0xe7:
		ip++;
		fallthrough;
	case 0xee: case 0xef:
		break;
	case 0xfa:
		regs->flags &= ~X86_EFLAGS_IF;
		break;
	case 0xfb:
		regs->flags |= X86_EFLAGS_IF;
		break;
	case 0xf4:
		lguest_halt();
		break;
	case 0x0f20:
		*gpr(regs, (*ip & 7) | (rex & 1) << 3) =
			lguest_read_cr(((*ip >> 3) & 7) | (rex & 4) << 1);
		ip++;
		break;
	case 0x0f22:
		lguest_write_cr(((*ip >> 3) & 7) | (rex & 4) << 1,
				*gpr(regs, (*ip & 7) | (rex & 1) << 3));
		ip++;
		break;
	case 0x0f30:
		lguest_write_msr(regs->cx, regs->ax, regs->dx);
		break;
	case 0x0f32:
		regs->dx = lguest_read_msr(regs->cx);
		regs->ax = (u32)regs->dx;
		regs->dx >>= 32;
		break;
	case 0x0f01:
		if (*ip++ != 0xd1 || (u32)regs->cx)
			return false;
		if (!lguest_set_xcr0((u32)regs->ax | regs->dx << 32))
			return false;
		break;
	default:
		return false;
	}
	regs->ip = (unsigned long)ip;
	return true;
}
/*:*/
