// SPDX-License-Identifier: GPL-2.0
/* in, out, ins and outs of programs that asked their kernel for ports. */
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/idtentry.h>
#include <asm/ldt.h>
#include <asm/mmu_context.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/trap_pf.h>
#include "guest.h"

enum { ES, CS, SS, DS, FS, GS };	/* as the CPU counts */

struct port_code {
	struct pt_regs *regs;
	unsigned long start, fs_base;
	unsigned int length, opcode, bytes;
	int segment, port;
	bool wide;		/* 64-bit code */
	bool other_operand, other_address, repeated;
	unsigned long address;	/* a mask: how many bits one has */
};

/* Context: interrupts off. A selector that leads nowhere: all zero. */
static struct desc_struct descriptor(u16 selector)
{
	const struct ldt_struct *ldt = current->mm->context.ldt;
	unsigned int i = selector >> 3;

	if (selector & 4 && ldt && i < ldt->nr_entries)
		return ldt->entries[i];
	if (selector & 4 || i >= GDT_ENTRIES)
		return (struct desc_struct) { };
	if (i >= GDT_ENTRY_TLS_MIN && i <= GDT_ENTRY_TLS_MAX)
		return current->thread.tls_array[i - GDT_ENTRY_TLS_MIN];
	return get_current_gdt_rw()[i];
}

static unsigned long base_of(const struct port_code *code, int segment)
{
	struct desc_struct desc;
	u16 selector;

	if (code->wide)
		return segment == FS ? code->fs_base :
		       segment == GS ? lguest_data.user_gs_base : 0;
	switch (segment) {
	case ES:
		savesegment(es, selector);
		break;
	case CS:
		selector = code->regs->cs;
		break;
	case SS:
		selector = code->regs->ss;
		break;
	case DS:
		savesegment(ds, selector);
		break;
	case FS:
		savesegment(fs, selector);
		break;
	case GS:
		savesegment(gs, selector);
		break;
	}
	desc = descriptor(selector);
	return get_desc_base(&desc);
}

static unsigned long linear(const struct port_code *code, int segment,
			    unsigned long offset)
{
	unsigned long address = base_of(code, segment) + offset;

	return code->wide ? address : (u32)address;
}

/* The next byte of it, or -1. */
static int next_byte(struct port_code *code)
{
	unsigned long from = code->start + code->length;
	u8 byte;

	if (code->length++ == 15 ||
	    copy_from_user_nofault(&byte, (void __user *)from, 1))
		return -1;
	return byte;
}

static bool read_prefix(struct port_code *code, int byte)
{
	static const u8 segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	int i;

	for (i = 0; i < ARRAY_SIZE(segments); i++)
		if (byte == segments[i])
			code->segment = i;
	code->other_operand |= byte == 0x66;
	code->other_address |= byte == 0x67;
	code->repeated |= byte == 0xf2 || byte == 0xf3;
	return byte == 0x66 || byte == 0x67 || byte == 0xf0 ||
	       byte == 0xf2 || byte == 0xf3 || memchr(segments, byte, 6);
}

static bool read_port_code(struct port_code *code)
{
	struct desc_struct cs = descriptor(code->regs->cs);
	int byte;

	code->wide = code->regs->cs == __USER_CS;
	code->segment = DS;
	code->start = linear(code, CS, code->regs->ip);
	do
		byte = next_byte(code);
	while (byte >= 0 && read_prefix(code, byte));
	if (code->wide && (byte & 0xf0) == 0x40)
		byte = next_byte(code);		/* REX changes nothing here */
	code->opcode = byte;
	code->port = (u16)code->regs->dx;
	if ((byte & 0xfc) == 0xe4)
		code->port = next_byte(code);	/* -1 is no port, either */
	else if ((byte & 0xfc) != 0xec && (byte & 0xfc) != 0x6c)
		return false;
	code->bytes = !(byte & 1) ? 1 :
		      (cs.d || code->wide) != code->other_operand ? 4 : 2;
	if (code->wide)
		code->address = code->other_address ? U32_MAX : ULONG_MAX;
	else
		code->address = cs.d != code->other_address ? U32_MAX : U16_MAX;
	return code->port >= 0;
}
/*:*/
static unsigned long advance(const struct port_code *code,
			     unsigned long value, int step)
{
	unsigned long next = (value + step) & code->address;

	return code->address == U16_MAX ? (value & ~0xfffful) | next : next;
}

/* Returns false if there is no such memory: a page fault is what is left. */
static bool move_element(struct port_code *code, bool in)
{
	unsigned long *index = in ? &code->regs->di : &code->regs->si;
	void __user *at = (void __user *)linear(code, in ? ES : code->segment,
						*index & code->address);
	int step = code->regs->flags & X86_EFLAGS_DF ? -code->bytes :
						       code->bytes;
	u32 ones = ~0, lost;

	lguest_data.cr2 = (unsigned long)at;
	if (in ? copy_to_user_nofault(at, &ones, code->bytes) :
		 copy_from_user_nofault(&lost, at, code->bytes))
		return false;
	*index = advance(code, *index, step);
	return true;
}

static unsigned long fault_on_element(struct port_code *code, bool in)
{
	u64 cr2 = lguest_data.cr2;
	u8 byte;

	if (!__is_canonical_address(cr2, 48))
		return lguest_gp_handler;
	code->regs->orig_ax = X86_PF_USER | (in ? X86_PF_WRITE : 0);
	if (!copy_from_user_nofault(&byte, (void __user *)cr2, 1))
		code->regs->orig_ax |= X86_PF_PROT;
	lguest_data.cr2 = cr2;
	return (unsigned long)asm_exc_page_fault;
}

/*G:145
 * May the program that faulted touch these ports? As the CPU asks: bits of the
 * map, two bytes of them at a time. SDM volume 1, "I/O Permission Bit Map".
 */
static bool may_touch(unsigned int port, unsigned int bytes)
{
	const struct x86_hw_tss *tss = &this_cpu_ptr(&cpu_tss_rw)->x86_tss;
	unsigned int at = tss->io_bitmap_base + port / 8;
	const u8 *map = (const u8 *)tss + at;

	if (at + 1 > __KERNEL_TSS_LIMIT)
		return false;
	return !((map[0] | map[1] << 8) >> (port % 8) & (BIT(bytes) - 1));
}
/*:*/
static bool more_to_move(struct port_code *code)
{
	struct pt_regs *regs = code->regs;

	regs->cx = advance(code, regs->cx, -1);
	return regs->cx & code->address;
}

static void play_in(struct port_code *code)
{
	unsigned long *ax = &code->regs->ax;

	*ax = code->bytes == 4 ? U32_MAX : *ax | (BIT(code->bytes * 8) - 1);
}

/*G:147 Interrupts off, a program's fault in regs. Returns where to jump. */
unsigned long lguest_play_ports(struct pt_regs *regs)
{
	struct port_code code = { .regs = regs };
	bool in, again = false;

	code.fs_base = lguest_fs_base();
	if (regs->orig_ax || !read_port_code(&code) ||
	    !may_touch(code.port, code.bytes))
		return lguest_gp_handler;
	in = !(code.opcode & 2);
	if ((code.opcode & 0xfc) != 0x6c) {
		if (in)
			play_in(&code);
	} else if (!code.repeated || regs->cx & code.address) {
		if (!move_element(&code, in))
			return fault_on_element(&code, in);
		again = code.repeated && more_to_move(&code);
	}
	if (!again)
		regs->ip += code.length;
	return lguest_step(regs);
}
/*:*/
