/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that we are built for. */
#ifndef _LGUEST_KERNELS_H
#define _LGUEST_KERNELS_H

#include <linux/types.h>
#include <linux/version.h>

/* 6.8 taught terminals that characters are unsigned and sizes are sizes. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
typedef u8 hvc_char_t;
typedef size_t hvc_size_t;
typedef ssize_t hvc_ssize_t;
typedef bool hvc_raise_t;
#else
typedef char hvc_char_t;
typedef int hvc_size_t;
typedef int hvc_ssize_t;
typedef int hvc_raise_t;
#endif

/* 6.9 named the search for a table of processors after the table. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define LG_FIND_MPTABLE	find_mptable
#else
#define LG_FIND_MPTABLE	find_smp_config
#endif

#endif /* _LGUEST_KERNELS_H */
