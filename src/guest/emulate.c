// SPDX-License-Identifier: GPL-2.0
/* Instructions that the kernel executes bare, acted out one at a time. */
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/ptrace.h>
#include "guest.h"

/* What was read of an instruction, so far. */
struct instruction {
	struct pt_regs *regs;
	const u8 *ip;
	bool word;		/* 0x66: operands have 16 bits */
	bool repeated;		/* 0xf2 or 0xf3 */
	u64 segment_base;	/* of FS or GS, if it asked for one */
	u8 rex, modrm;
	bool undefined;		/* names a register that no CPU has */
};

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

/* The two registers that ModRM names, with REX's help. */
static unsigned int reg(const struct instruction *code)
{
	return ((code->modrm >> 3) & 7) | (code->rex & 4) << 1;
}

static unsigned int rm(const struct instruction *code)
{
	return (code->modrm & 7) | (code->rex & 1) << 3;
}

static bool read_prefix(struct instruction *code)
{
	switch (*code->ip) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		return true;
	case 0x64:
		return lguest_read_msr(MSR_FS_BASE, &code->segment_base);
	case 0x65:
		return lguest_read_msr(MSR_GS_BASE, &code->segment_base);
	case 0x66:
		code->word = true;
		return true;
	case 0xf2: case 0xf3:
		code->repeated = true;
		return true;
	}
	return false;
}

static unsigned int read_opcode(struct instruction *code)
{
	while (read_prefix(code))
		code->ip++;
	if ((*code->ip & 0xf0) == 0x40)
		code->rex = *code->ip++;
	if (*code->ip != 0x0f)
		return *code->ip++;
	code->ip += 2;
	return 0x0f00 | code->ip[-1];
}

static s64 displacement(struct instruction *code, int bytes)
{
	const u8 *at = code->ip;

	code->ip += bytes;
	switch (bytes) {
	case 1:
		return *(const s8 *)at;
	case 4:
		return *(const s32 *)at;
	}
	return 0;
}

static u64 scaled_index(struct instruction *code, u8 sib)
{
	unsigned int index = ((sib >> 3) & 7) | (code->rex & 2) << 2;

	return index == 4 ? 0 : *gpr(code->regs, index) << (sib >> 6);
}

static u64 operand_address(struct instruction *code)
{
	unsigned int mod = code->modrm >> 6, base = code->modrm & 7;
	bool next = base == 5;		/* counted from the next one */
	u64 address = code->segment_base;

	if (base == 4) {
		address += scaled_index(code, *code->ip);
		base = *code->ip++ & 7;
	}
	if (base == 5 && !mod) {
		address += displacement(code, 4);
		return next ? address + (u64)code->ip : address;
	}
	address += *gpr(code->regs, base | (code->rex & 1) << 3);
	return address + displacement(code, mod == 2 ? 4 : mod);
}

static bool put_word(struct instruction *code, u64 value)
{
	unsigned long *general = gpr(code->regs, rm(code));

	if (code->modrm < 0xc0)
		return !copy_to_kernel_nofault((void *)operand_address(code),
					       &value, 2);
	if (code->rex & 8)
		*general = value;
	else if (code->word)
		*(u16 *)general = value;
	else
		*general = (u32)value;
	return true;
}

static bool get_word(struct instruction *code, u16 *value)
{
	*value = *gpr(code->regs, rm(code));
	return code->modrm >= 0xc0 ||
	       !copy_from_kernel_nofault(value,
					 (void *)operand_address(code), 2);
}

static bool move_string(struct instruction *code, unsigned int opcode)
{
	struct pt_regs *regs = code->regs;
	bool in = opcode < 0x6e;
	int bytes = !(opcode & 1) ? 1 : code->word ? 2 : 4;
	int step = regs->flags & X86_EFLAGS_DF ? -bytes : bytes;
	unsigned long *index = in ? &regs->di : &regs->si;
	u32 ones = ~0, lost;

	while (!code->repeated || regs->cx) {
		if (in ? copy_to_kernel_nofault((void *)*index, &ones, bytes) :
			 copy_from_kernel_nofault(&lost, (void *)*index, bytes))
			return false;
		*index += step;
		if (!code->repeated)
			break;
		regs->cx--;
	}
	return true;
}

static bool move_numbered(struct instruction *code, unsigned int opcode)
{
	unsigned long *general = gpr(code->regs, rm(code));
	unsigned int number = reg(code);

	code->undefined = opcode & 1 ? number > 7 :
			  number == 1 || (number > 4 && number != 8);
	if (code->undefined)
		return false;
	if (opcode & 1) {
		number += number == 4 || number == 5 ? 2 : 0;
		if (opcode == 0x0f21)
			*general = lguest_get_debugreg(number);
		else
			lguest_set_debugreg(number, *general);
		return true;
	}
	if (opcode == 0x0f20)
		*general = lguest_read_cr(number);
	else
		lguest_write_cr(number, *general);
	return true;
}

static bool move_selector(struct instruction *code)
{
	u16 value;

	switch ((code->modrm >> 3) & 7) {
	case 0:
		return put_word(code, lguest_ldt_selector());
	case 1:
		return put_word(code, GDT_ENTRY_TSS * 8);
	case 2:
		return get_word(code, &value) &&
		       value == lguest_ldt_selector();
	}
	return false;
}

static bool put_table(const struct desc_ptr *table, u64 address)
{
	return !copy_to_kernel_nofault((void *)address, table, sizeof(*table));
}

static bool load_table(void (*load)(const struct desc_ptr *), u64 address)
{
	struct desc_ptr table;

	if (copy_from_kernel_nofault(&table, (void *)address, sizeof(table)))
		return false;
	load(&table);
	return true;
}

static bool move_status_word(struct instruction *code, bool load)
{
	u16 word;

	if (!load)
		return put_word(code, lguest_read_cr(0));
	if (!get_word(code, &word))
		return false;
	lguest_write_cr(0, (lguest_read_cr(0) & ~0xeul) | (word & 0xf));
	return true;
}

static bool act_on_memory(struct instruction *code, unsigned int which)
{
	bool bent = code->regs->ip == lguest_sgdt;
	u64 address = operand_address(code);

	switch (bent ? 0 : which) {
	case 0:
		return put_table(&lguest_gdt, address);
	case 1:
		return put_table(&lguest_idt, address);
	case 2:
		return load_table(lguest_load_gdt, address);
	case 3:
		return load_table(lguest_load_idt, address);
	case 7:
		lguest_flush_tlb_one_user(address);
		return true;
	}
	return false;
}

static bool act_on_register(struct instruction *code)
{
	struct pt_regs *regs = code->regs;
	u64 own, other;

	switch (code->modrm) {
	case 0xd1:
		return !(u32)regs->cx &&
		       lguest_set_xcr0((u32)regs->ax | regs->dx << 32);
	case 0xf8:
		lguest_read_msr(MSR_GS_BASE, &own);
		lguest_read_msr(MSR_KERNEL_GS_BASE, &other);
		return lguest_write_msr(MSR_KERNEL_GS_BASE, own) &&
		       lguest_write_msr(MSR_GS_BASE, other);
	}
	return false;
}

static bool act_on_machine(struct instruction *code)
{
	unsigned int which = (code->modrm >> 3) & 7;

	if (which == 4 || which == 6)
		return move_status_word(code, which == 6);
	if (code->modrm >= 0xc0)
		return act_on_register(code);
	return act_on_memory(code, which);
}

/*G:080 What a CPU does in a few transistors. False: it is none of ours. */
static bool act_out(struct instruction *code)
{
	unsigned int opcode = read_opcode(code);
	struct pt_regs *regs = code->regs;
	u64 value;

	switch (opcode) {
	case 0xe4: case 0xe5:
		code->ip++;
		fallthrough;
	case 0xec: case 0xed:
		if (!(opcode & 1))
			regs->ax |= 0xff;
		else if (code->word)
			regs->ax |= 0xffff;
		else
			regs->ax = 0xffffffff;
		break;
	case 0xe6: case 0xe7:
		code->ip++;
		fallthrough;
	case 0xee: case 0xef:
		break;
	case 0x6c: case 0x6d: case 0x6e: case 0x6f:
		if (!move_string(code, opcode))
			return false;
		break;
	case 0xfa:
		regs->flags &= ~X86_EFLAGS_IF;
		break;
	case 0xfb:
		regs->flags |= X86_EFLAGS_IF;
		if (*code->ip != 0xf4)
			break;
		code->ip++;
		fallthrough;
	case 0xf4:
		if (regs->flags & X86_EFLAGS_IF)
			lguest_safe_halt();
		else
			lguest_halt();
		lguest_data.irq_enabled = 0;
		break;
	case 0x0f06:
		lguest_write_cr(0, lguest_read_cr(0) & ~X86_CR0_TS);
		break;
	case 0x0f08: case 0x0f09:
		break;
	case 0x0f20: case 0x0f21: case 0x0f22: case 0x0f23:
		code->modrm = *code->ip++;
		if (!move_numbered(code, opcode))
			return false;
		break;
	case 0x0f30:
		if (!lguest_write_msr(regs->cx, (u32)regs->ax | regs->dx << 32))
			return false;
		break;
	case 0x0f32:
		if (!lguest_read_msr(regs->cx, &value))
			return false;
		regs->ax = (u32)value;
		regs->dx = value >> 32;
		break;
	case 0x0f00:
		code->modrm = *code->ip++;
		if (!move_selector(code))
			return false;
		break;
	case 0x0f01:
		code->modrm = *code->ip++;
		if (!act_on_machine(code))
			return false;
		break;
	default:
		return false;
	}
	regs->ip = (u64)code->ip;
	return true;
}

/* Where to go from an instruction that was acted out. */
unsigned long lguest_step(struct pt_regs *regs)
{
	regs->flags &= ~X86_EFLAGS_RF;
	if (!(regs->flags & X86_EFLAGS_TF))
		return (unsigned long)lguest_gp_done;
	lguest_data.dr6 = DR6_RESERVED | DR_STEP;
	return (unsigned long)lguest_gp_step;
}

/* A fault of the kernel's in regs, interrupts off. Returns where to jump. */
unsigned long lguest_emulate(struct pt_regs *regs)
{
	struct instruction code = { .regs = regs, .ip = (u8 *)regs->ip };
	u64 *frame;

	if (!__is_canonical_address(regs->ip, 48))
		return lguest_gp_handler;
	if (regs->orig_ax == __KERNEL_CS && code.ip[0] == 0x48 &&
	    code.ip[1] == 0xcf) {
		frame = (u64 *)regs->sp;
		regs->ip = frame[0];
		regs->cs = frame[1];
		regs->flags = frame[2];
		regs->sp = frame[3];
		regs->ss = frame[4];
		return (unsigned long)lguest_gp_done;
	}
	if (regs->orig_ax)
		return lguest_gp_handler;
	if (act_out(&code))
		return lguest_step(regs);
	return code.undefined ? (unsigned long)lguest_gp_undefined :
				lguest_gp_handler;
}
/*:*/
