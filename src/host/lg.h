/* SPDX-License-Identifier: GPL-2.0 */
/* What the Host's files share. */
#ifndef _LG_H
#define _LG_H

#include <linux/hrtimer.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <asm/fpu/types.h>
#include <asm/io.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>
#include "lguest.h"
#include "lguest_launcher.h"
#include "switcher.h"
#include "versions.h"

#define LG_MAX_BYTES	(1ull << 39)	/* an array of its pages is 1 GB */

/* Thread flags that only a return to user space clears. */
#define WORK_IN_USER_SPACE (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | \
			    _TIF_NOTIFY_RESUME | _TIF_UPROBE | \
			    _TIF_PATCH_PENDING | _TIF_USER_RETURN_NOTIFY)

/*
 * Owned by the Guest's thread. The lower half is one for both modes; the
 * kernel's upper half is shared by all roots (lg->upper).
 */
struct shadow_root {
	u64 cr3;		/* the Guest's: frame and PCID */
	u64 *kernel, *user;	/* fourth-level tables, NULL if never used */
	u64 *low;		/* has the lower half: user, or its own */
	u64 *kernel5, *user5;	/* five levels only: what is above them */
	bool hides;		/* lower half has pages without USER, */
	bool has_global;	/* or with GLOBAL */
	unsigned long used;	/* when, for choosing a victim */
};

#define SHADOW_ROOTS	8
#define LOCAL_PAGES	64

/*M:030
 * A Guest has one of these, and the road to more begins here. The shadow looks
 * like the hard part: eight CPUs that fill and drop the same tables, and locks
 * everywhere. But what is the shadow? A TLB. And where are TLBs? In each CPU,
 * one. :*/

struct lg_cpu {
	struct lguest *lg;
	struct task_struct *task;	/* the initialising thread */
	struct lg_context context;
	bool prepared;			/* this CPU is, while we are on it */
	unsigned long hidden_cr4;	/* what it lacks, while it is */
	bool tells_time, clock_is_stale;
	u64 clock_tsc, clock_changes;	/* of the last note to the Guest */
	ktime_t date;			/* less the monotonic clock, then */
	u64 date_changes;
	bool async_fault;		/* the last exit was a note from KVM */

	u64 cr3, cr4, xcr0;		/* as the Guest wrote them */
	struct shadow_root *root;	/* that goes with it */
	u64 awaited_gva;		/* user mode faulted here, or 0 */
	bool steps, steps_itself;	/* one instruction; the Guest's wish */
	u64 step_gva[2], step_rip;	/* which writes to nowhere */
	gate_desc gates[256];
	unsigned long irqs_with_gate;	/* the others wait */
	u64 gp_entry, syscall_entry;
	u64 iret_start, iret_end, iret_slow;
	bool espfix;			/* its kernel's; see espfix_64.c */
	u64 tls[GDT_ENTRY_TLS_ENTRIES], tls_own[GDT_ENTRY_TLS_ENTRIES];
	u64 *ldt;
	unsigned int ldt_own, ldt_entries; /* with borrowed ones */
	unsigned int ldt_borrowed[4];	/* index + 1 */
	bool borrowed;			/* tables hold other's descriptors */
	u64 dr[8];			/* the Guest's; 6: at its last trap */

	unsigned long irqs_pending;	/* atomic: anyone raises */
	struct rcuwait halted;		/* where its thread sleeps */
	struct hrtimer timer;
	struct preempt_notifier notifier;
	struct fpu_guest fpu;

	struct lguest_event event;	/* valid when */
	bool event_ready;
	unsigned long exits[LG_TRAP_BROKEN + 1];
	unsigned long hypercalls[LHCALL_GET_BASE + 1];
};
struct lguest {
	struct mm_struct *mm;		/* the Launcher's, which pays */
	struct mmu_notifier notifier;	/* of its end; holds it, too */
	bool hung_in, ended;		/* of lguest_user.c, under its lock */
	unsigned long memory;		/* the Launcher's address of gpa 0 */
	u64 nr_pages;
	struct page **pages;		/* by gfn, pinned; NULL: not yet */
	struct lguest_data *data;	/* hostile: the Guest writes it */
	void *first_data;		/* what stood in for it at first */
	void *nowhere;			/* ones: where there is no memory */

	struct shadow_root roots[SHADOW_ROOTS];
	u64 upper[256];			/* the kernel's half, for all roots */
	u64 local[LOCAL_PAGES];		/* its pages that are not global */
	unsigned int nr_local;		/* more than fit: too many */
	unsigned long clock;		/* counts CR3 loads */
	u64 *free_tables;		/* linked by their first words */
	unsigned long nr_tables, max_tables;
	struct hlist_head ports;	/* of io.c, under its lock; */
	unsigned int nr_ports;		/* so many */

	struct lg_cpu cpu;
};
/* What a register of the CPU is in the one world, and in the other. */
struct lg_msr {
	u32 number;
	u64 host, guest;
};

/* One for each CPU; changed only on that CPU with IRQs off, once built. */
struct lg_area {
	unsigned long address;	/* in the Switcher's slot */
	unsigned long enter;	/* address of switch_to_guest there */
	u64 slot;		/* PGD entry: how a Guest sees it */
	struct switcher_state *state;
	struct switcher_host *host;
	struct desc_struct *gdt;
	u64 *ptes;		/* of the Guest's view: with windows */
	struct page *pages[SWITCHER_HOST_PAGE + 1];
	struct page *tables[4];	/* PTEs, PMDs, PUDs, P4Ds */
	struct page *host_ptes, *clones[2];	/* the latter: PTEs and PMDs */
	bool described;
	int nr_msrs;		/* how many to exchange */
	struct lg_msr msrs[6];
	u64 host_xcr0, guest_xcr0;
};

DECLARE_PER_CPU(struct lg_area, lg_areas);

extern bool five_levels;	/* of page tables, on this machine */

/* What a CPU with four levels of them calls an address. */
static inline bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/* What this one takes as a segment's base. Those are told in data, too. */
static inline bool can_be_base(u64 value)
{
	return __is_canonical_address(value, five_levels ? 57 : 48);
}

/* core.c */
int run_guest(struct lg_cpu *cpu, struct lguest_event *event);
__printf(2, 3) void kill_guest(struct lg_cpu *cpu, const char *format, ...);
int init_cpu(struct lg_cpu *cpu, struct lguest *lg, u64 entry);
void free_cpu(struct lg_cpu *cpu);
int hang_in_switcher(struct mm_struct *mm);
void take_out_switcher(struct mm_struct *mm);

/* lguest_user.c */
int lguest_device_init(void);
void lguest_device_remove(void);

/* hypercalls.c */
void answer_hypercall(struct lg_cpu *cpu);

/* segments.c */
void build_gdt(struct lg_area *area, int cpu);
void load_guest_tls(struct lg_cpu *cpu, u64 a, u64 b, u64 c);
void load_guest_ldt(struct lg_cpu *cpu, u64 gva, u64 n);
void free_ldt(struct lg_cpu *cpu);
void return_borrowed_descriptors(struct lg_cpu *cpu);
void see_what_null_does(void);
void load_guest_gs(struct lg_cpu *cpu, u16 selector);
void set_guest_base(struct lg_cpu *cpu, u64 which, u64 value);
void load_guest_segments(struct lg_cpu *cpu, struct lg_area *area);
/* page_tables.c */
extern atomic_long_t pinned_pages;
void *guest_page(struct lguest *lg, u64 gfn);
struct page *pinned_page(struct lguest *lg, u64 gpa);
int init_memory(struct lguest *lg, u64 memory, u64 bytes);
void free_memory(struct lguest *lg);
int init_shadow(struct lguest *lg, u64 cr3);
void free_shadow(struct lguest *lg);
void load_guest_cr3(struct lg_cpu *cpu, u64 cr3);
void flush_shadow(struct lg_cpu *cpu, bool all);
void flush_shadow_page(struct lg_cpu *cpu, u64 gva);
void answer_page_fault(struct lg_cpu *cpu);
bool end_step(struct lg_cpu *cpu);
void expect_fault_again(struct lg_cpu *cpu);
void hide_from_user_mode(struct lg_cpu *cpu);
bool read_guest(struct lg_cpu *cpu, u64 gva, void *to, size_t bytes);
bool push_guest(struct lg_cpu *cpu, u64 rsp, const u64 *words, int n);
u64 shadow_cr3(struct lg_cpu *cpu, struct lg_area *area, bool user);
/* interrupts_and_traps.c */
void inject_at(struct lg_cpu *cpu, u64 rip, bool has_error, u64 error);
void inject(struct lg_cpu *cpu, unsigned int vector, u64 error);
u64 enter_kernel_mode(struct lg_cpu *cpu);
void load_guest_idt(struct lg_cpu *cpu, u64 gva, u64 bytes);
void set_guest_gate(struct lg_cpu *cpu, u64 vector, u64 low, u64 high);
void enter_guest_syscall(struct lg_cpu *cpu);
void return_to_frame(struct lg_cpu *cpu);
void answer_bad_return(struct lg_cpu *cpu);
void raise_irq(struct lg_cpu *cpu, unsigned int irq);
bool interrupt_is_due(struct lg_cpu *cpu);
void announce_interrupts(struct lg_cpu *cpu);
void inject_pending_interrupt(struct lg_cpu *cpu);
void halt_guest(struct lg_cpu *cpu);
void init_clockevent(struct lg_cpu *cpu);
void set_clockevent(struct lg_cpu *cpu, u64 ns);
void set_guest_debugreg(struct lg_cpu *cpu, u64 n, u64 value);

/* io.c */
long bind_dma(struct lg_cpu *cpu, u64 key, u64 ring, u64 irq);
int bind_for_launcher(struct lguest *lg, u64 key, u64 ring, int fd);
long send_dma(struct lg_cpu *cpu, u64 key, u64 gpa);
u64 get_dma(struct lguest *lg, u64 key);
void close_ports(struct lguest *lg);
void init_ports(void);
#endif /* _LG_H */
