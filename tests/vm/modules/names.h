/* SPDX-License-Identifier: GPL-2.0 */
/* What newer kernels call by another name. */
#include <linux/hrtimer.h>
#include <linux/version.h>
#include <asm/msr.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define rdmsrq			rdmsrl
#define rdmsrq_safe		rdmsrl_safe
#define wrmsrq			wrmsrl
#endif

/* For KVM only, since 6.19; whoever asks by name gets it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#include <asm/tlbflush.h>
static inline unsigned long lent_cr4_read_shadow(void)
{
	typeof(cr4_read_shadow) *lent = __symbol_get("cr4_read_shadow");

	return lent ? lent() : 0;
}
#define cr4_read_shadow		lent_cr4_read_shadow
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*rings)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = rings;
}
#endif
