/* SPDX-License-Identifier: GPL-2.0 */
/* Where kernels differ for the Host. Assembly includes it, too. */
#ifndef _LG_VERSIONS_H
#define _LG_VERSIONS_H

#include <linux/version.h>

/* The NMI entry that KVM calls after a VM exit: renamed in 6.8. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define LG_NMI_ENTRY	asm_exc_nmi_noist
#else
#define LG_NMI_ENTRY	asm_exc_nmi_kvm_vmx
#endif

/* Since 6.19 some of what we need is for KVM only; since 7.1 this, too. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define LG_BORROWS
#endif

#ifndef __ASSEMBLY__
#include <linux/hrtimer.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>

/* 6.13: a timer is made in one call. 6.16: MSRs are quads, cpuid moved. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#define rdmsrq			rdmsrl
#define wrmsrq			wrmsrl
#define cpuid_base_hypervisor	hypervisor_cpuid_base
#define hrtimer_setup(timer, fires, clock, mode) do {	\
	hrtimer_init(timer, clock, mode);		\
	(timer)->function = (fires);			\
} while (0)
#endif

/* Whoever signals an eventfd adds one to it: always so since 6.8. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define LG_EVENTFD_SIGNAL(eventfd)	eventfd_signal(eventfd, 1)
#else
#define LG_EVENTFD_SIGNAL(eventfd)	eventfd_signal(eventfd)
#endif

/* Threads of the kernel that work for a process: renamed in 6.4. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define LG_WORKER	(PF_KTHREAD | PF_IO_WORKER)
#else
#define LG_WORKER	(PF_KTHREAD | PF_USER_WORKER)
#endif

/* Who can wait for the CPU until the next tick: since 6.13, or real-time. */
#ifndef _TIF_NEED_RESCHED_LAZY
#define _TIF_NEED_RESCHED_LAZY	0
#endif

/* FRED, another way into the kernel, came with 6.9. */
#ifdef X86_FEATURE_FRED
#define LG_FRED		cpu_feature_enabled(X86_FEATURE_FRED)
#else
#define LG_FRED		false
#endif

/* LASS keeps ring 3 out of the upper half: 6.19. */
#ifdef X86_CR4_LASS
#define LG_CR4_LASS	X86_CR4_LASS
#else
#define LG_CR4_LASS	0
#endif

/*
 * A guest of KVM may have trained the predictors: mended in 2025. Linux's own
 * function for this is for KVM only since 6.19. It is a write to a register;
 * what some processors keep even then, return addresses, the Switcher drops.
 */
static inline void forget_kvm_guests(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER) &&
	    this_cpu_read(x86_ibpb_exit_to_user)) {
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
		this_cpu_write(x86_ibpb_exit_to_user, false);
	}
#endif
}

/* Shadow stacks for user space came with 6.6. */
#ifdef CONFIG_X86_USER_SHADOW_STACK
#include <uapi/asm/prctl.h>
#define launcher_has_shadow_stack() \
	(current->thread.features & ARCH_SHSTK_SHSTK)
#else
#define launcher_has_shadow_stack()	false
#endif

#ifdef LG_BORROWS
#include "borrow.h"
#define serve_nmi()	x86_entry_from_kvm(EVENT_TYPE_NMI, X86_TRAP_NMI)
#else
#define serve_nmi()	lg_call_nmi()
static inline const char *borrow_from_kvm(void)
{
	return NULL;
}
#endif
#endif /* __ASSEMBLY__ */
#endif /* _LG_VERSIONS_H */
