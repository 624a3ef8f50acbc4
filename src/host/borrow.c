// SPDX-License-Identifier: GPL-2.0
/* What newer kernels export to KVM alone, asked for by name. */
#define LG_BORROWER
#include <linux/cache.h>
#include <linux/module.h>
#include "lg.h"

#ifdef LG_BORROWS
struct lg_borrowed lg_borrowed __ro_after_init;

#define LOAN(f)	{ .name = #f, .to = (void **)&lg_borrowed.f }
static const struct {
	const char *name;
	void **to;
} loans[] = {
	LOAN(cr4_update_irqsoff), LOAN(cr4_read_shadow),
	LOAN(__flush_tlb_all), LOAN(current_save_fsgs),
	LOAN(switch_fpu_return), LOAN(fpu_alloc_guest_fpstate),
	LOAN(fpu_free_guest_fpstate), LOAN(fpu_swap_kvm_fpstate),
	LOAN(fpu_update_guest_xfd), LOAN(hw_breakpoint_restore),
	LOAN(handle_guest_split_lock), LOAN(kvm_read_and_reset_apf_flags),
	LOAN(kvm_async_pf_task_wait_schedule), LOAN(x86_entry_from_kvm),
};

/* Context: while the module loads. Returns NULL, or why lg can't run here. */
const char *borrow_from_kvm(void)
{
	static char reason[80];
	int i;

	static_assert(ARRAY_SIZE(loans) * sizeof(void *) ==
		      sizeof(lg_borrowed));
	for (i = 0; i < ARRAY_SIZE(loans); i++) {
		*loans[i].to = __symbol_get(loans[i].name);
		if (*loans[i].to)
			continue;
		snprintf(reason, sizeof(reason),
			 "this kernel does not lend %s", loans[i].name);
		return reason;
	}
	return NULL;
}
#endif
