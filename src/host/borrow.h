/* SPDX-License-Identifier: GPL-2.0 */
/* What newer kernels export to KVM alone. Only versions.h includes this. */
#ifndef _LG_BORROW_H
#define _LG_BORROW_H

#include <linux/entry-common.h>
#include <asm/cpu.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fsgsbase.h>
#include <asm/kvm_para.h>
#include <asm/tlbflush.h>

struct lg_borrowed {
	typeof(cr4_update_irqsoff) *cr4_update_irqsoff;
	typeof(cr4_read_shadow) *cr4_read_shadow;
	typeof(__flush_tlb_all) *__flush_tlb_all;
	typeof(current_save_fsgs) *current_save_fsgs;
	typeof(switch_fpu_return) *switch_fpu_return;
	typeof(fpu_alloc_guest_fpstate) *fpu_alloc_guest_fpstate;
	typeof(fpu_free_guest_fpstate) *fpu_free_guest_fpstate;
	typeof(fpu_swap_kvm_fpstate) *fpu_swap_kvm_fpstate;
	typeof(fpu_update_guest_xfd) *fpu_update_guest_xfd;
	typeof(hw_breakpoint_restore) *hw_breakpoint_restore;
	typeof(handle_guest_split_lock) *handle_guest_split_lock;
	typeof(kvm_read_and_reset_apf_flags) *kvm_read_and_reset_apf_flags;
	void (*kvm_async_pf_task_wait_schedule)(u32 token);
	typeof(x86_entry_from_kvm) *x86_entry_from_kvm;
};

extern struct lg_borrowed lg_borrowed;	/* does not change, once loaded */
const char *borrow_from_kvm(void);

#ifndef LG_BORROWER
#define cr4_update_irqsoff	lg_borrowed.cr4_update_irqsoff
#define cr4_read_shadow		lg_borrowed.cr4_read_shadow
#define __flush_tlb_all		lg_borrowed.__flush_tlb_all
#define current_save_fsgs	lg_borrowed.current_save_fsgs
#define switch_fpu_return	lg_borrowed.switch_fpu_return
#define fpu_alloc_guest_fpstate	lg_borrowed.fpu_alloc_guest_fpstate
#define fpu_free_guest_fpstate	lg_borrowed.fpu_free_guest_fpstate
#define fpu_swap_kvm_fpstate	lg_borrowed.fpu_swap_kvm_fpstate
#define fpu_update_guest_xfd	lg_borrowed.fpu_update_guest_xfd
#define hw_breakpoint_restore	lg_borrowed.hw_breakpoint_restore
#define handle_guest_split_lock	lg_borrowed.handle_guest_split_lock
#define kvm_read_and_reset_apf_flags \
				lg_borrowed.kvm_read_and_reset_apf_flags
#define kvm_async_pf_task_wait_schedule \
				lg_borrowed.kvm_async_pf_task_wait_schedule
#define x86_entry_from_kvm	lg_borrowed.x86_entry_from_kvm
#endif

#endif /* _LG_BORROW_H */
