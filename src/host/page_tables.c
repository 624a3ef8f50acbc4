// SPDX-License-Identifier: GPL-2.0
/*P:700
 * The Guest has page tables, and the CPU must never see them. The page numbers
 * in them count from the start of the Guest's own little world; and if they
 * were obeyed, a Guest could write down the number of any page of the Host.
 *
 * So the CPU is given other tables, which the Host writes. They follow the
 * Guest's like a shadow: the same addresses lead to the same contents, but
 * each number was looked at and replaced by a real one. To fill them is easy.
 * The CPU faults where an entry is missing, and then the Host looks it up in
 * the Guest's tables. The art is in knowing when to drop an entry, since the
 * Guest changes its tables without a word to us.
 *
 * But it does say a word to the hardware. A real CPU remembers translations,
 * in its TLB, and does not notice either when the tables change. All kernels
 * know it, and announce: forget this. We listen to the announcements. If you
 * keep one sentence of this file, keep this one: the shadow is a TLB. :*/

#include <linux/mm.h>
#include <linux/nospec.h>
#include <asm/debugreg.h>
#include <asm/trap_pf.h>
#include "lg.h"

#define PIN_PAGES	64	/* pinned at once */
#define FILL_PAGES	16	/* taught at once, at most */
#define FRAME_NUMBERS	(PTE_PFN_MASK >> PAGE_SHIFT)
#define SHADOW_TABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | \
			 _PAGE_ACCESSED)

/* In an entry that leads to a last table: it has pieces of a big page. */
#define SHADOW_PIECES	_PAGE_SOFTW1
#define LG_PCID		4095	/* a tag that is never Linux's own */

atomic_long_t pinned_pages;	/* of all Guests */

static bool is_memory(struct page *page);
static void keep_page(struct lguest *lg, u64 gfn, struct page *page);
static bool pin_around(struct lguest *lg, u64 gfn);
static bool pin_one(struct lguest *lg, u64 gfn);

/*M:040
 * What a Guest touches is pinned below, and stays. The last road leads away
 * from that. A page need not be pinned if we hear in time that it goes, and
 * Linux tells those who ask. :*/

/*H:300
 * guest_page() - the Host's address of page @gfn, or NULL if there is none.
 *
 * Context: the Guest's thread, since it may have to pin Launcher memory;
 * may sleep.
 */
void *guest_page(struct lguest *lg, u64 gfn)
{
	if (gfn >= lg->nr_pages)
		return NULL;
	gfn = array_index_nospec(gfn, lg->nr_pages);
	if (!lg->pages[gfn] && !pin_around(lg, gfn) && !pin_one(lg, gfn))
		return NULL;
	return page_address(lg->pages[gfn]);
}

static bool pin_around(struct lguest *lg, u64 gfn)
{
	u64 first = round_down(gfn, PIN_PAGES), n, i;
	struct page *pages[PIN_PAGES];
	int got;

	n = min_t(u64, PIN_PAGES, lg->nr_pages - first);
	got = pin_user_pages_fast(lg->memory + first * PAGE_SIZE, n,
				  FOLL_WRITE | FOLL_LONGTERM, pages);
	for (i = 0; got > 0 && i < got; i++) {
		if (lg->pages[first + i] || !is_memory(pages[i]))
			unpin_user_page(pages[i]);
		else
			keep_page(lg, first + i, pages[i]);
	}
	return lg->pages[gfn];
}
/*:*/
static void keep_page(struct lguest *lg, u64 gfn, struct page *page)
{
	WRITE_ONCE(lg->pages[gfn], page);
	atomic_long_inc(&pinned_pages);
}

static bool is_memory(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) || folio_test_swapbacked(folio) ||
	       folio_test_hugetlb(folio);
}

static bool pin_one(struct lguest *lg, u64 gfn)
{
	struct page *page;
	int got;

	got = pin_user_pages_fast(lg->memory + gfn * PAGE_SIZE, 1,
				  FOLL_WRITE | FOLL_LONGTERM, &page);
	if (got == 1 && is_memory(page)) {
		keep_page(lg, gfn, page);
		return true;
	}
	if (got == 1)
		unpin_user_page(page);
	kill_guest(&lg->cpu, "gpa %llx has no memory, or a file's: error %d",
		   gfn << PAGE_SHIFT, got == 1 ? -EFAULT : got);
	return false;
}

/*
 * The page of @gpa, if it was pinned before, or NULL. Context: any thread that
 * keeps @lg alive: pages are added while it lives, and none is taken away.
 */
struct page *pinned_page(struct lguest *lg, u64 gpa)
{
	u64 gfn = gpa >> PAGE_SHIFT;

	if (gfn >= lg->nr_pages)
		return NULL;
	return READ_ONCE(lg->pages[array_index_nospec(gfn, lg->nr_pages)]);
}
/* Context: the initialising thread. Errors: -ENOMEM. */
int init_memory(struct lguest *lg, u64 memory, u64 bytes)
{
	u64 n = bytes >> PAGE_SHIFT;
	int err;

	err = account_locked_vm(lg->mm, n, true);
	if (err)
		return err;
	lg->memory = memory;
	lg->nr_pages = n;
	lg->pages = kvcalloc(n, sizeof(*lg->pages), GFP_KERNEL_ACCOUNT);
	lg->data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	lg->first_data = lg->data;
	return lg->pages && lg->data ? 0 : -ENOMEM;
}

void free_memory(struct lguest *lg)
{
	u64 i;

	for (i = 0; lg->pages && i < lg->nr_pages; i++) {
		cond_resched();
		if (!lg->pages[i])
			continue;
		unpin_user_pages_dirty_lock(&lg->pages[i], 1, true);
		atomic_long_dec(&pinned_pages);
	}
	if (lg->nr_pages)
		account_locked_vm(lg->mm, lg->nr_pages, false);
	kvfree(lg->pages);
	free_page((unsigned long)lg->first_data);
	free_page((unsigned long)lg->nowhere);
}
/* What a walk found: the frame, and the rights of all levels together. */
struct translation {
	u64 gfn;
	u64 rights;		/* PRESENT, RW, USER, NX, GLOBAL, DIRTY */
	u64 *table;		/* the last table, or NULL for a big page */
	u64 above;		/* rights of the levels above the last */
};

static u64 narrow(u64 rights, u64 entry)
{
	return (rights & (entry | ~(_PAGE_RW | _PAGE_USER))) |
	       (entry & _PAGE_NX);
}

static bool permitted(u64 rights, u32 access)
{
	return (!(access & X86_PF_WRITE) || (rights & _PAGE_RW)) &&
	       (!(access & X86_PF_USER) || (rights & _PAGE_USER)) &&
	       (!(access & X86_PF_INSTR) || !(rights & _PAGE_NX));
}
static bool set_bits(u64 *slot, u64 entry, u64 want)
{
	return want == entry || cmpxchg64(slot, entry, want) == entry;
}

/* SDM volume 3, "4-Level Paging and 5-Level Paging", formats of entries. */
static bool has_reserved_bits(u64 entry, int level)
{
	u64 reserved = GENMASK_ULL(51, boot_cpu_data.x86_phys_bits);

	if (level >= 2)
		reserved |= _PAGE_PSE;
	else if (level == 1 && (entry & _PAGE_PSE))
		reserved |= GENMASK_ULL(20, 13);
	return entry & reserved;
}

/*H:310
 * walk_guest() - do what the CPU would do with the Guest's tables.
 *
 * Returns 0 and fills in @t; or -EFAULT, with @access made into the error
 * code that the CPU would push; or -EAGAIN, when an entry changed under us;
 * or -EINVAL, and the Guest is dead.
 */
static int walk_guest(struct lg_cpu *cpu, u64 gva, u32 *access,
		      struct translation *t)
{
	u64 gfn = cpu->cr3 >> PAGE_SHIFT & FRAME_NUMBERS;
	u64 *table, entry, want;
	int level, slot;

	t->above = t->rights = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER;
	for (level = 3;; level--) {
		table = guest_page(cpu->lg, gfn);
		if (!table) {
			kill_guest(cpu, "page table at %llx: no such memory",
				   gfn << PAGE_SHIFT);
			return -EINVAL;
		}
		slot = (gva >> (PAGE_SHIFT + 9 * level)) & 511;
		entry = READ_ONCE(table[slot]);
		if (!(entry & _PAGE_PRESENT)) {
			*access &= ~X86_PF_PROT;
			return -EFAULT;
		}
		if (has_reserved_bits(entry, level)) {
			*access |= X86_PF_PROT | X86_PF_RSVD;
			return -EFAULT;
		}
		t->rights = narrow(t->rights, entry);
		gfn = entry >> PAGE_SHIFT & FRAME_NUMBERS;
		if (!level || (level == 1 && (entry & _PAGE_PSE)))
			break;
		t->above = t->rights;
		want = entry | _PAGE_ACCESSED;
		if (!set_bits(&table[slot], entry, want))
			return -EAGAIN;
	}
	if (!permitted(t->rights, *access)) {
		*access |= X86_PF_PROT;
		return -EFAULT;
	}
	want = entry | _PAGE_ACCESSED;
	if (*access & X86_PF_WRITE)
		want |= _PAGE_DIRTY;
	if (!set_bits(&table[slot], entry, want))
		return -EAGAIN;
	t->rights |= want & (_PAGE_DIRTY | _PAGE_GLOBAL);
	t->table = level ? NULL : table;
	t->gfn = level ? (gfn & ~511ull) | ((gva >> PAGE_SHIFT) & 511) : gfn;
	return 0;
}
/*:*/
/*H:320 Context: the Guest's thread. Returns NULL when the bound is reached. */
static u64 *new_table(struct lguest *lg)
{
	struct page *page;
	u64 *table = lg->free_tables;

	if (table) {
		lg->free_tables = (u64 *)table[0];
		clear_page(table);
		return table;
	}
	if (lg->nr_tables >= lg->max_tables)
		return NULL;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	lg->nr_tables++;
	return page_address(page);
}

static void free_table(struct lguest *lg, u64 *table)
{
	table[0] = (u64)lg->free_tables;
	lg->free_tables = table;
}
/*:*/
static u64 *table_of(u64 entry)
{
	return __va(entry & PTE_PFN_MASK);
}

/* Frees all below @entry, which is at @level, and clears it. */
static void drop(struct lguest *lg, u64 *entry, int level)
{
	u64 *table;
	int i;

	if (!*entry)
		return;
	table = table_of(*entry);
	if (level == 2)
		cond_resched();
	for (i = 0; level > 1 && i < 512; i++)
		drop(lg, &table[i], level - 1);
	free_table(lg, table);
	*entry = 0;
}
/* What user mode has at @top of the lower half, kernel mode has as well. */
static void share_low(struct shadow_root *root, int top)
{
	if (!five_levels)
		root->kernel[top] = root->low[top];
}

static void drop_process(struct lguest *lg, struct shadow_root *root)
{
	int i;

	for (i = 0; i < SWITCHER_SLOT; i++) {
		drop(lg, &root->low[i], 3);
		share_low(root, i);
	}
	for (i = SWITCHER_SLOT + 1; i < 512; i++)
		drop(lg, &root->user[i], 3);
	root->hides = root->has_global = false;
}

static void drop_kernel(struct lguest *lg)
{
	int i;

	for (i = 0; i < SHADOW_ROOTS; i++)
		if (lg->roots[i].kernel)
			memset(lg->roots[i].kernel + SWITCHER_SLOT, 0,
			       256 * sizeof(u64));
	for (i = 0; i < 256; i++)
		drop(lg, &lg->upper[i], 3);
	lg->nr_local = 0;
}

static void drop_all(struct lguest *lg)
{
	int i;

	for (i = 0; i < SHADOW_ROOTS; i++)
		if (lg->roots[i].kernel)
			drop_process(lg, &lg->roots[i]);
	drop_kernel(lg);
}
/* The top-level entry that rules @gva in the current root and mode. */
static u64 *top_entry(struct lg_cpu *cpu, u64 gva, bool user)
{
	int top = (gva >> 39) & 511;

	if (top < SWITCHER_SLOT)
		return &cpu->root->low[top];
	if (user)
		return &cpu->root->user[top];
	return &cpu->lg->upper[top - SWITCHER_SLOT];
}

/* @top: a top-level entry. Context: the Guest's thread. */
static void forget(struct lguest *lg, u64 top, u64 gva)
{
	u64 *entry = &top;
	int level;

	for (level = 2; *entry && level > 0; level--)
		entry = &table_of(*entry)[(gva >> (PAGE_SHIFT + 9 * level)) &
					  511];
	if (*entry & SHADOW_PIECES)
		drop(lg, entry, 1);
	else if (*entry)
		table_of(*entry)[(gva >> PAGE_SHIFT) & 511] = 0;
}
static void drop_local(struct lg_cpu *cpu)
{
	struct lguest *lg = cpu->lg;
	unsigned int i;

	if (lg->nr_local > LOCAL_PAGES)
		drop_kernel(lg);
	for (i = 0; i < lg->nr_local; i++)
		forget(lg, *top_entry(cpu, lg->local[i], false),
		       lg->local[i]);
	lg->nr_local = 0;
}
/*H:330 Context of all: the Guest's thread. @all: global pages too. */
void flush_shadow(struct lg_cpu *cpu, bool all)
{
	struct lguest *lg = cpu->lg;

	if (all) {
		drop_all(lg);
		return;
	}
	drop_process(lg, cpu->root);
	drop_local(cpu);
}

void flush_shadow_page(struct lg_cpu *cpu, u64 gva)
{
	struct lguest *lg = cpu->lg;
	int i, top = (gva >> 39) & 511;

	if (top == SWITCHER_SLOT)
		return;
	forget(lg, *top_entry(cpu, gva, false), gva);
	for (i = 0; top > SWITCHER_SLOT && i < SHADOW_ROOTS; i++)
		if (lg->roots[i].user)
			forget(lg, lg->roots[i].user[top], gva);
}
/*:*/
static u64 *new_page(void)
{
	return (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

static void free_root(struct shadow_root *root)
{
	free_page((unsigned long)root->kernel);
	free_page((unsigned long)root->user);
	if (five_levels)
		free_page((unsigned long)root->low);
	free_page((unsigned long)root->kernel5);
	free_page((unsigned long)root->user5);
	memset(root, 0, sizeof(*root));
}

static bool new_root(struct shadow_root *root)
{
	root->kernel = new_page();
	root->low = root->user = new_page();
	if (five_levels) {
		root->low = new_page();
		root->kernel5 = new_page();
		root->user5 = new_page();
	}
	if (!root->kernel || !root->user || (five_levels &&
	    (!root->low || !root->kernel5 || !root->user5))) {
		free_root(root);
		return false;
	}
	if (five_levels) {
		root->kernel5[0] = root->user5[0] =
			__pa(root->low) | SHADOW_TABLE;
		root->kernel5[511] = __pa(root->kernel) | SHADOW_TABLE;
		root->user5[511] = __pa(root->user) | SHADOW_TABLE;
	}
	return true;
}
static void retire(struct lguest *lg, struct shadow_root *root)
{
	drop_process(lg, root);
	root->cr3 = ~0ull;	/* which no CR3 equals: bit 63 is cut */
	root->used = 0;
}

/*H:340 @cr3: as the Guest's kernel would write it, hostile. */
void load_guest_cr3(struct lg_cpu *cpu, u64 cr3)
{
	bool keep = cr3 & X86_CR3_PCID_NOFLUSH;
	struct shadow_root *root, *victim = NULL;
	struct lguest *lg = cpu->lg;
	int i;

	/* One tag has one table: a namesake is forgotten. */
	cr3 &= ~X86_CR3_PCID_NOFLUSH;
	for (i = 0; i < SHADOW_ROOTS; i++) {
		root = &lg->roots[i];
		if (root->kernel && root->cr3 == cr3)
			break;
		if (root->kernel && !((root->cr3 ^ cr3) & X86_CR3_PCID_MASK))
			retire(lg, root);
		if (!victim || root->used < victim->used)
			victim = root;
	}
	if (i == SHADOW_ROOTS) {
		root = victim;
		if (!root->kernel && !new_root(root)) {
			kill_guest(cpu, "no memory for a shadow root");
			return;
		}
		drop_process(lg, root);
		root->cr3 = cr3;
	} else if (!keep || root->has_global) {
		drop_process(lg, root);
	}
	if (!keep || root != cpu->root)
		drop_local(cpu);
	memcpy(root->kernel + SWITCHER_SLOT, lg->upper, sizeof(lg->upper));
	root->used = ++lg->clock;
	cpu->root = root;
	cpu->cr3 = cr3;
}
/*:*/
/*H:350 Everything is a user page: the Guest's kernel is in ring 3, too. */
static u64 shadow_entry(struct page *page, u64 rights)
{
	u64 entry = page_to_phys(page) | _PAGE_PRESENT | _PAGE_USER |
		    _PAGE_ACCESSED | _PAGE_DIRTY;

	if ((rights & _PAGE_RW) && (rights & _PAGE_DIRTY))
		entry |= _PAGE_RW;
	return entry | (rights & _PAGE_NX);
}
/*:*/
/*
 * Returns the shadow's entry that leads to the last table for @gva in this
 * mode, making what is missing, or NULL when the pool is empty.
 */
static u64 *last_table_entry(struct lg_cpu *cpu, u64 gva, bool user)
{
	u64 *entry = top_entry(cpu, gva, user), *table;
	int level, top = (gva >> 39) & 511;

	for (level = 3;; level--) {
		if (!*entry) {
			table = new_table(cpu->lg);
			if (!table)
				return NULL;
			*entry = __pa(table) | SHADOW_TABLE;
		}
		if (level == 3 && top < SWITCHER_SLOT)
			share_low(cpu->root, top);
		else if (level == 3 && !user)
			cpu->root->kernel[top] = *entry;
		if (level == 1)
			return entry;
		table = table_of(*entry);
		entry = &table[(gva >> (PAGE_SHIFT + 9 * (level - 1))) & 511];
	}
}
static void note_local(struct lguest *lg, u64 gva)
{
	if (lg->nr_local < LOCAL_PAGES)
		lg->local[lg->nr_local] = gva;
	if (lg->nr_local <= LOCAL_PAGES)
		lg->nr_local++;
}

static void fill_one(struct lg_cpu *cpu, u64 gva, u64 *slot,
		     struct page *page, u64 rights)
{
	bool upper = gva >> 63;

	if (cpu->context.user_mode && !(rights & _PAGE_USER))
		return;
	if (!upper && !(rights & _PAGE_USER))
		cpu->root->hides = true;
	if (!upper && (rights & _PAGE_GLOBAL))
		cpu->root->has_global = true;
	if (upper && !(rights & _PAGE_GLOBAL) && !cpu->context.user_mode)
		note_local(cpu->lg, gva);
	*slot = shadow_entry(page, rights);
}
/*H:360 The neighbours of @gva, aligned; of a big page all that came along. */
static void fill_around(struct lg_cpu *cpu, u64 gva, u64 *shadow,
			struct translation *t)
{
	int n = t->table ? FILL_PAGES : PIN_PAGES;
	int i, slot = (gva >> PAGE_SHIFT) & 511;
	int first = round_down(slot, n);
	struct page *page;

	if (gva >> 63 && !(t->rights & _PAGE_GLOBAL))
		return;
	for (i = first; i < first + n; i++) {
		u64 gfn = t->gfn + i - slot, rights = t->rights;

		if (t->table) {
			u64 entry = READ_ONCE(t->table[i]);

			if (!(entry & _PAGE_PRESENT) ||
			    !(entry & _PAGE_ACCESSED))
				continue;
			rights = narrow(t->above, entry) |
				 (entry & (_PAGE_DIRTY | _PAGE_GLOBAL));
			gfn = entry >> PAGE_SHIFT & FRAME_NUMBERS;
		}
		if (gva >> 63 && !(rights & _PAGE_GLOBAL))
			continue;
		page = pinned_page(cpu->lg, gfn << PAGE_SHIFT);
		if (page && !shadow[i])
			fill_one(cpu, gva, &shadow[i], page, rights);
	}
}
void hide_from_user_mode(struct lg_cpu *cpu)
{
	if (cpu->root->hides)
		drop_process(cpu->lg, cpu->root);
}
/* The page for what is not there. Errors: NULL, and the Guest is dead. */
static struct page *find_nowhere(struct lg_cpu *cpu, u64 gva, bool write)
{
	struct lg_regs *regs = &cpu->context.regs;
	struct lguest *lg = cpu->lg;

	if (!lg->nowhere) {
		lg->nowhere = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!lg->nowhere) {
			kill_guest(cpu, "no memory for a page of ones");
			return NULL;
		}
		memset(lg->nowhere, 0xff, PAGE_SIZE);
	}
	if (write) {
		cpu->step_gva[1] = gva;
		if (cpu->step_rip == regs->rip)
			cpu->step_gva[1] = cpu->step_gva[0];
		cpu->step_gva[0] = gva;
		cpu->step_rip = regs->rip;
		if (!cpu->steps)
			cpu->steps_itself = regs->rflags & X86_EFLAGS_TF;
		cpu->steps = true;
		regs->rflags |= X86_EFLAGS_TF;
	}
	return virt_to_page(lg->nowhere);
}

static struct page *find_page(struct lg_cpu *cpu, u64 gva,
			      struct translation *t, bool write)
{
	if (t->gfn >= cpu->lg->nr_pages) {
		if (!write)
			t->rights &= ~_PAGE_RW;
		return find_nowhere(cpu, gva, write);
	}
	if (!guest_page(cpu->lg, t->gfn))
		return NULL;
	return pinned_page(cpu->lg, t->gfn << PAGE_SHIFT);
}

/*
 * Returns true if the exit was the end of the step, and nothing else. Context:
 * the Guest's thread, after an exit, if cpu->steps.
 */
bool end_step(struct lg_cpu *cpu)
{
	struct lg_regs *regs = &cpu->context.regs;

	cpu->steps = false;
	flush_shadow_page(cpu, cpu->step_gva[0]);
	flush_shadow_page(cpu, cpu->step_gva[1]);
	memset(cpu->lg->nowhere, 0xff, PAGE_SIZE);
	if (cpu->steps_itself)
		return false;
	regs->rflags &= ~X86_EFLAGS_TF;
	if (regs->trap != X86_TRAP_DB)
		return false;
	cpu->dr[6] &= ~DR_STEP;
	return !(cpu->dr[6] & DR_TRAP_BITS);
}
/* Returns 0, or what walk_guest() returns, or -EFAULT for a gap. */
static int fill_shadow(struct lg_cpu *cpu, u64 gva, u32 *access)
{
	u64 *last_table, *shadow;
	struct translation t;
	struct page *page;
	int err;

	if (!is_canonical(gva) || ((gva >> 39) & 511) == SWITCHER_SLOT) {
		*access &= ~X86_PF_PROT;
		return -EFAULT;
	}
	err = walk_guest(cpu, gva, access, &t);
	if (err)
		return err;
	page = find_page(cpu, gva, &t, *access & X86_PF_WRITE);
	if (!page)
		return -EINVAL;
	last_table = last_table_entry(cpu, gva, cpu->context.user_mode);
	if (!last_table) {
		drop_all(cpu->lg);
		last_table = last_table_entry(cpu, gva, cpu->context.user_mode);
	}
	if (!last_table) {
		kill_guest(cpu, "no memory for shadow page tables");
		return -EINVAL;
	}
	if (!t.table)
		*last_table |= SHADOW_PIECES;
	shadow = table_of(*last_table);
	fill_around(cpu, gva, shadow, &t);
	fill_one(cpu, gva, &shadow[(gva >> PAGE_SHIFT) & 511], page,
		 t.rights);
	return 0;
}
/*:*/
/*H:380 The Host's address of kernel address @gva, or NULL. */
static void *guest_address(struct lg_cpu *cpu, u64 gva, bool write)
{
	u64 need = _PAGE_PRESENT | (write ? _PAGE_RW : 0);
	int level, tries;

	if (!is_canonical(gva))
		return NULL;
	for (tries = 0; tries < 4; tries++) {
		u32 access = write ? X86_PF_WRITE : 0;
		u64 entry = *top_entry(cpu, gva, false);

		for (level = 2; entry && level >= 0; level--)
			entry = table_of(entry)[(gva >> (PAGE_SHIFT +
						9 * level)) & 511];
		if ((entry & need) == need)
			return __va(entry & PTE_PFN_MASK) +
			       offset_in_page(gva);
		if (fill_shadow(cpu, gva, &access) == -EINVAL)
			return NULL;
	}
	return NULL;
}
/* Returns false when the Guest has no such memory; not all may be copied. */
bool read_guest(struct lg_cpu *cpu, u64 gva, void *to, size_t bytes)
{
	while (bytes) {
		size_t n = min_t(size_t, bytes,
				 PAGE_SIZE - offset_in_page(gva));
		void *from = guest_address(cpu, gva, false);

		if (!from)
			return false;
		memcpy(to, from, n);
		gva += n;
		to += n;
		bytes -= n;
	}
	return true;
}

/* Pushes @n words, the last first, below @rsp; returns as read_guest(). */
bool push_guest(struct lg_cpu *cpu, u64 rsp, const u64 *words, int n)
{
	u64 *to = NULL;

	while (n--) {
		bool next_page = PAGE_ALIGNED(rsp);

		rsp -= sizeof(u64);
		if (!to || next_page)
			to = guest_address(cpu, rsp, true);
		else
			to--;
		if (!to)
			return false;
		*to = words[n];
	}
	return true;
}
/*:*/
/*H:370 Context: the thread of the Guest; may sleep. */
void answer_page_fault(struct lg_cpu *cpu)
{
	u64 gva = cpu->context.cr2;
	u32 access = cpu->context.regs.error & (X86_PF_WRITE | X86_PF_INSTR);

	if (cpu->context.user_mode)
		access |= X86_PF_USER;
	if (fill_shadow(cpu, gva, &access) != -EFAULT) {
		if (cpu->steps)
			fill_shadow(cpu, cpu->step_gva[1], &access);
		return;
	}
	if (!is_canonical(gva)) {
		inject(cpu, X86_TRAP_GP, 0);
		return;
	}
	WRITE_ONCE(cpu->lg->data->cr2, gva);
	cpu->awaited_gva = cpu->context.user_mode ? gva : 0;
	inject(cpu, X86_TRAP_PF, access);
}
/*:*/
void expect_fault_again(struct lg_cpu *cpu)
{
	u32 access = X86_PF_USER;

	if (cpu->awaited_gva)
		fill_shadow(cpu, cpu->awaited_gva, &access);
	cpu->awaited_gva = 0;
}

/*M:020
 * Another begins here. All Guests have one tag, and we never set the bit that
 * says "keep": so each entry throws away what the CPU remembered of the Guest's
 * translations. There are four thousand tags, and Linux uses a handful. What if
 * each table had its own, and we kept what is still true? :*/

/*
 * shadow_cr3() - the value for CR3, with this CPU's Switcher hung in.
 *
 * Context: IRQs off. Never with the no-flush bit: so what we changed since
 * the last entry needs no flush of its own.
 */
u64 shadow_cr3(struct lg_cpu *cpu, struct lg_area *area, bool user)
{
	struct shadow_root *root = cpu->root;
	u64 *table = user ? root->user : root->kernel;

	if (five_levels)
		table = user ? root->user5 : root->kernel5;
	table[SWITCHER_SLOT] = area->slot;
	return __pa(table) | (area->host->cr3_noflush ? LG_PCID : 0);
}
/* Errors: -ENOMEM. @cr3 is not yet checked, nor need it be. */
int init_shadow(struct lguest *lg, u64 cr3)
{
	lg->max_tables = 1024 + lg->nr_pages / 128;
	lg->cpu.lg = lg;
	load_guest_cr3(&lg->cpu, cr3);
	return lg->cpu.root ? 0 : -ENOMEM;
}

void free_shadow(struct lguest *lg)
{
	int i;

	drop_all(lg);
	for (i = 0; i < SHADOW_ROOTS; i++)
		free_root(&lg->roots[i]);
	while (lg->free_tables) {
		u64 *table = lg->free_tables;

		cond_resched();
		lg->free_tables = (u64 *)table[0];
		free_page((unsigned long)table);
	}
}
