/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the Guest code know of each other. */
#ifndef _LGUEST_GUEST_H
#define _LGUEST_GUEST_H

#include <lguest.h>

struct pt_regs;

static inline unsigned long hcall(unsigned long number, unsigned long arg1,
				  unsigned long arg2, unsigned long arg3)
{
	asm volatile("syscall"
		     : "+a" (number)
		     : "D" (arg1), "S" (arg2), "d" (arg3)
		     : "rcx", "r11", "memory");
	return number;
}

extern struct lguest_data lguest_data;
extern struct lguest_boot lguest_boot;
extern struct lguest_console lguest_console;

void lguest_start(void);
void lguest_gp(void);
void lguest_gp_step(void);
void lguest_gp_undefined(void);
void lguest_gp_done(void);
void lguest_syscall(void);
void lguest_iret_start(void);
void lguest_iret_end(void);
void lguest_iret_slow(void);
void lguest_save_fl(void);
void lguest_irq_disable(void);
void lguest_irq_enable(void);
void lguest_read_cr2(void);
unsigned long lguest_emulate(struct pt_regs *regs);
unsigned long lguest_step(struct pt_regs *regs);
unsigned long lguest_play_ports(struct pt_regs *regs);
u64 lguest_fs_base(void);
extern unsigned long lguest_gp_next;
extern unsigned long lguest_gp_handler;
unsigned long lguest_gpa(const void *p);

unsigned long lguest_read_cr(unsigned int number);
void lguest_write_cr(unsigned int number, unsigned long value);
bool lguest_read_msr(u32 number, u64 *value);
bool lguest_write_msr(u32 number, u64 value);
bool lguest_set_xcr0(u64 value);
unsigned long lguest_get_debugreg(int number);
void lguest_set_debugreg(int number, unsigned long value);
void lguest_flush_tlb_one_user(unsigned long address);
void lguest_safe_halt(void);
void lguest_halt(void);

struct desc_ptr;
extern struct desc_ptr lguest_gdt, lguest_idt;
extern unsigned long lguest_sgdt;
extern u8 get_desc[];		/* a function, in bytes */
void lguest_load_gdt(const struct desc_ptr *table);
void lguest_load_idt(const struct desc_ptr *table);
u16 lguest_ldt_selector(void);

void lguest_console_early_init(void);
int lguest_console_init(void);

#endif /* _LGUEST_GUEST_H */
