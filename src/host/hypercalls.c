// SPDX-License-Identifier: GPL-2.0
/*P:500
 * A process that wants something from its kernel makes a system call. A Guest's
 * kernel that wants something from its Host makes a hypercall, and the
 * instruction is the same: `syscall`, with a number in a register. The Host
 * tells them apart by what the Guest was doing, running its kernel or one of
 * its programs.
 *
 * There are twenty-three, and one switch answers them. Most take a line here,
 * as the work is done in the other files. include/lguest.h lists them, and has
 * the page that Guest and Host share, where a question costs nothing.
 *
 * Any argument can be a lie. What the Host reads, it reads once, into a copy,
 * and checks the copy. A Guest that talks nonsense dies of it, alone. :*/

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/types.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include "lg.h"

static bool tsc_is_trusted(void)
{
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) &&
	       boot_cpu_has(X86_FEATURE_NONSTOP_TSC) && !check_tsc_unstable();
}

#define XFEATURES_OFFERED	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | \
				 XFEATURE_MASK_AVX512 | \
				 XFEATURE_MASK_BNDREGS | \
				 XFEATURE_MASK_BNDCSR)

static u64 most_xcr0(void)
{
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return 0;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & XFEATURES_OFFERED;
}
/*H:210 Each field is read once, and here: the Guest can write it any time. */
static void init_guest_data(struct lg_cpu *cpu, u64 gpa, u64 abi)
{
	struct lguest_data *data = guest_page(cpu->lg, gpa >> PAGE_SHIFT);

	BUILD_BUG_ON(sizeof(*data) != PAGE_SIZE);
	if (!data || !PAGE_ALIGNED(gpa) || abi != LGUEST_ABI) {
		kill_guest(cpu, "LHCALL_INIT: bad page %llx or ABI %llu",
			   gpa, abi);
		return;
	}
	cpu->lg->data = data;
	cpu->gp_entry = READ_ONCE(data->gp_entry);
	cpu->syscall_entry = READ_ONCE(data->syscall_entry);
	cpu->iret_start = READ_ONCE(data->iret_start);
	cpu->iret_end = READ_ONCE(data->iret_end);
	cpu->iret_slow = READ_ONCE(data->iret_slow);
	cpu->espfix = READ_ONCE(data->espfix);
	if (!is_canonical(cpu->gp_entry) || !is_canonical(cpu->iret_slow) ||
	    !is_canonical(cpu->syscall_entry))
		kill_guest(cpu, "LHCALL_INIT: bad entry points");
	data->clock_tsc = rdtsc();
	data->clock_ns = ktime_get_ns();
	data->tsc_khz = tsc_khz;
	data->tsc_reliable = tsc_is_trusted();
	cpu->tells_time = !tsc_is_trusted();
	cpu->clock_is_stale = true;
	data->fsgsbase = !!(cr4_read_shadow() & X86_CR4_FSGSBASE);
	data->umip = !!(cr4_read_shadow() & X86_CR4_UMIP);
	data->base_bits = five_levels ? 57 : 48;
	data->xcr0 = most_xcr0();
}
/*:*/
static void shut_down(struct lg_cpu *cpu, u64 why, u64 text_gpa)
{
	char *text = cpu->event.text;
	size_t i, n = sizeof(cpu->event.text) - 1;
	const char *from;

	memset(&cpu->event, 0, sizeof(cpu->event));
	cpu->event.kind = LGUEST_EVENT_SHUTDOWN;
	cpu->event.value = why;
	cpu->event_ready = true;
	from = guest_page(cpu->lg, text_gpa >> PAGE_SHIFT);
	if (!text_gpa || !from)
		return;
	n = min_t(size_t, n, PAGE_SIZE - offset_in_page(text_gpa));
	memcpy(text, from + offset_in_page(text_gpa), n);
	for (i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			break;
	memset(text + i, 0, sizeof(cpu->event.text) - i);
}
/* Answers as the hypercall does. SDM volume 1, "Enabling the XSAVE feature". */
static long set_guest_xcr0(struct lg_cpu *cpu, u64 value)
{
	u64 avx512 = value & XFEATURE_MASK_AVX512;
	u64 bounds = value & (XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR);

	if (!(value & XFEATURE_MASK_FP) || value & ~most_xcr0() ||
	    (value & XFEATURE_MASK_YMM && !(value & XFEATURE_MASK_SSE)) ||
	    (avx512 && avx512 != XFEATURE_MASK_AVX512) ||
	    (avx512 && !(value & XFEATURE_MASK_YMM)) ||
	    (bounds && hweight64(bounds) != 2))
		return -EINVAL;
	cpu->xcr0 = value;
	return 0;
}
/*H:200
 * answer_hypercall() - the Guest's kernel executed `syscall`.
 *
 * Context: the Guest's thread; may sleep.
 */
void answer_hypercall(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;
	u64 nr = regs->rax, a = regs->rdi, b = regs->rsi, c = regs->rdx;

	if (nr < ARRAY_SIZE(cpu->hypercalls))
		cpu->hypercalls[array_index_nospec(nr,
					ARRAY_SIZE(cpu->hypercalls))]++;
	regs->rax = 0;
	switch (nr) {
	case LHCALL_INIT:
		init_guest_data(cpu, a, b);
		break;
	case LHCALL_NEW_PGTABLE:
		load_guest_cr3(cpu, a);
		break;
	case LHCALL_FLUSH_TLB:
		flush_shadow(cpu, a);
		break;
	case LHCALL_FLUSH_PAGE:
		flush_shadow_page(cpu, a);
		break;
	case LHCALL_SET_CR4:
		if ((cpu->cr4 ^ a) & ~(X86_CR4_OSXSAVE | X86_CR4_TSD))
			flush_shadow(cpu, true);
		cpu->cr4 = a;
		break;
	case LHCALL_SET_XCR0:
		regs->rax = set_guest_xcr0(cpu, a);
		break;
	case LHCALL_LOAD_IDT:
		load_guest_idt(cpu, a, b);
		break;
	case LHCALL_SET_GATE:
		set_guest_gate(cpu, a, b, c);
		break;
	case LHCALL_CLOCKEVENT:
		set_clockevent(cpu, a);
		break;
	case LHCALL_GET_TIME:
		regs->rax = ktime_get_real_ns();
		break;
	case LHCALL_HALT:
		halt_guest(cpu);
		break;
	case LHCALL_INTERRUPTS:
		break;		/* each entry injects what is pending */
	case LHCALL_IRET:
		return_to_frame(cpu);
		break;
	case LHCALL_SET_DEBUGREG:
		set_guest_debugreg(cpu, a, b);
		break;
	case LHCALL_LOAD_TLS:
		load_guest_tls(cpu, a, b, c);
		break;
	case LHCALL_LOAD_LDT:
		load_guest_ldt(cpu, a, b);
		break;
	case LHCALL_LOAD_GS:
		load_guest_gs(cpu, a);
		break;
	case LHCALL_SET_BASE:
		set_guest_base(cpu, a, b);
		break;
	case LHCALL_GET_BASE:
		regs->rax = a == LGUEST_BASE_FS ? cpu->context.fs_base :
						  cpu->context.gs_base;
		break;
	case LHCALL_BIND_DMA:
		regs->rax = bind_dma(cpu, a, b, c);
		break;
	case LHCALL_SEND_DMA:
		regs->rax = send_dma(cpu, a, b);
		break;
	case LHCALL_NOTIFY:
		cpu->event.kind = LGUEST_EVENT_NOTIFY;
		cpu->event.value = a;
		cpu->event_ready = true;
		break;
	case LHCALL_SHUTDOWN:
		shut_down(cpu, a, b);
		break;
	default:
		kill_guest(cpu, "unknown hypercall %llu", nr);
	}
}
/*:*/
