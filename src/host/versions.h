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

#ifndef __ASSEMBLY__
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>

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

/* FRED, another way into the kernel, came with 6.9. */
#ifdef X86_FEATURE_FRED
#define LG_FRED		cpu_feature_enabled(X86_FEATURE_FRED)
#else
#define LG_FRED		false
#endif

/* A guest of KVM may have trained the predictors: mended in 2025. */
static inline void forget_kvm_guests(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER) &&
	    this_cpu_read(x86_ibpb_exit_to_user)) {
		indirect_branch_prediction_barrier();
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
#endif /* __ASSEMBLY__ */
#endif /* _LG_VERSIONS_H */
