/* SPDX-License-Identifier: GPL-2.0 */
/* Where kernels differ for the Guest code. */
#ifndef _LGUEST_GUEST_VERSIONS_H
#define _LGUEST_GUEST_VERSIONS_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/version.h>
#include <asm/cpufeatures.h>
#include "guest.h"

static inline u64 read_msr(u32 number)
{
	u64 value;

	lguest_read_msr(number, &value);
	return value;
}

/* 7.0, or some time before: a register's value is passed in one piece. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
static inline void write_msr(u32 number, u64 value)
{
	lguest_write_msr(number, value);
}

static inline int read_msr_safe(u32 number, u64 *value)
{
	return lguest_read_msr(number, value) ? 0 : -EIO;
}

static inline int write_msr_safe(u32 number, u64 value)
{
	return lguest_write_msr(number, value) ? 0 : -EIO;
}
#else
static inline void write_msr(unsigned int number, u32 low, u32 high)
{
	lguest_write_msr(number, (u64)high << 32 | low);
}

static inline u64 read_msr_safe(unsigned int number, int *err)
{
	u64 value;

	*err = lguest_read_msr(number, &value) ? 0 : -EIO;
	return value;
}

static inline int write_msr_safe(unsigned int number, u32 low, u32 high)
{
	return lguest_write_msr(number, (u64)high << 32 | low) ? 0 : -EIO;
}
#endif

/* 7.0: AMD's and Intel's quick ways in for 32-bit programs are one feature. */
#ifdef X86_FEATURE_SYSFAST32
#define LG_FEATURE_SYSENTER32	X86_FEATURE_SYSFAST32
#else
#define LG_FEATURE_SYSENTER32	X86_FEATURE_SYSENTER32
#endif

/* 6.15: gone, and so 0 to whoever asks. See where GS gets its first base. */
extern char __per_cpu_load[] __attribute__((weak));

#endif /* _LGUEST_GUEST_VERSIONS_H */
