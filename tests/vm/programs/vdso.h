/* SPDX-License-Identifier: GPL-2.0 */
/* Find a function in the vDSO, which is a small ELF library in memory. */
#ifndef VDSO_H
#define VDSO_H

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

static inline void *vdso_symbol(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	ElfW(Ehdr) *header = (void *)base;
	ElfW(Sym) *symbols = NULL;
	char *strings = NULL;
	uint32_t *hash = NULL;
	ElfW(Phdr) *segment;
	ElfW(Dyn) *entry;

	if (!base)
		return NULL;
	segment = (void *)(base + header->e_phoff);
	while (segment->p_type != PT_DYNAMIC)
		segment++;
	for (entry = (void *)(base + segment->p_offset); entry->d_tag;
	     entry++) {
		if (entry->d_tag == DT_SYMTAB)
			symbols = (void *)(base + entry->d_un.d_ptr);
		if (entry->d_tag == DT_STRTAB)
			strings = base + entry->d_un.d_ptr;
		if (entry->d_tag == DT_HASH)
			hash = (void *)(base + entry->d_un.d_ptr);
	}
	/* hash[1] is the number of symbols. */
	for (uint32_t i = 0; i < hash[1]; i++)
		if (!strcmp(strings + symbols[i].st_name, name))
			return base + symbols[i].st_value;
	return NULL;
}

#endif /* VDSO_H */
