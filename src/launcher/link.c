// SPDX-License-Identifier: GPL-2.0
/* Link the Guest code against a kernel that does not run yet. */
#define _GNU_SOURCE
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static void section(const struct guest_code *code, size_t i,
		    GElf_Shdr *header)
{
	if (!gelf_getshdr(elf_getscn(code->elf, i), header))
		die("%s: damaged: section %zu", code->path, i);
}

static Elf_Data *contents(const struct guest_code *code, size_t i,
			  const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(elf_getscn(code->elf, i), NULL);

	if (!data || !data->d_buf || data->d_size != header->sh_size)
		die("%s: truncated: section %zu", code->path, i);
	return data;
}

static const char *name_of(const struct guest_code *code, size_t strings,
			   size_t at)
{
	return elf_strptr(code->elf, strings, at) ?: "";
}
static void find_guest_code(struct guest_code *code, const char *home,
			    const char *release)
{
	snprintf(code->path, sizeof(code->path),
		 "%s/guest/%s/lguest_guest.o", home, release);
	if (access(code->path, F_OK))
		die("no Guest code for kernel %s: install linux-headers-%s, "
		    "then make modules KVER=%s", release, release, release);
	note("Guest code: %s", code->path);
}
static void open_guest_code(struct guest_code *code)
{
	size_t i, bytes;
	const u8 *file = read_file(code->path, &bytes);
	GElf_Shdr header;
	GElf_Ehdr ehdr;

	elf_version(EV_CURRENT);
	code->elf = elf_memory((char *)file, bytes);
	if (!code->elf || !gelf_getehdr(code->elf, &ehdr) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_machine != EM_X86_64 || ehdr.e_type != ET_REL ||
	    elf_getshdrnum(code->elf, &code->sections) ||
	    elf_getshdrstrndx(code->elf, &code->names))
		die("%s: not Guest code for x86-64", code->path);
	code->address = calloc(code->sections + 1, sizeof(u64));
	if (!code->address)
		die("no memory for %s", code->path);
	for (i = 1; i < code->sections; i++) {
		section(code, i, &header);
		if (header.sh_type == SHT_SYMTAB) {
			code->symbols = contents(code, i, &header);
			code->strings = header.sh_link;
		}
	}
	if (!code->symbols)
		die("%s: damaged: it has no symbols", code->path);
}
static const char *const left_out[] = {
	".discard", ".orc_", ".note", ".comment", ".debug", ".modinfo",
	"__mcount_loc", "__patchable_function_entries", ".return_sites",
	".retpoline_sites", ".call_sites", ".ibt_endbr_seal", ".eh_frame",
	".parainstructions", ".smp_locks", NULL
};

static const char *const refused[] = {
	"__jump_table", ".altinstructions", ".static_call_sites",
	"__ex_table", "__bug_table", ".initcall", ".data..percpu", NULL
};

static bool among(const char *name, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (!strncmp(name, *prefixes, strlen(*prefixes)))
			return true;
	return false;
}
static void place_sections(struct guest_code *code, u64 mask, u64 kind)
{
	GElf_Shdr header;
	const char *name;
	size_t i;
	u64 at;

	for (i = 1; i < code->sections; i++) {
		section(code, i, &header);
		name = name_of(code, code->names, header.sh_name);
		if (!(header.sh_flags & SHF_ALLOC) || among(name, left_out) ||
		    (header.sh_flags & mask) != kind)
			continue;
		if (among(name, refused) && header.sh_size)
			die("%s: section %s would never be patched",
			    code->path, name);
		if (header.sh_addralign > PAGE || header.sh_size > CODE_MAX)
			die("%s: section %s is too large", code->path, name);
		at = align(code->bytes, header.sh_addralign ?: 1);
		code->address[i] = CODE_GVA + at;
		code->bytes = at + header.sh_size;
		if (code->bytes > CODE_MAX)
			die("%s: larger than 2 MB", code->path);
	}
	code->bytes = align(code->bytes, PAGE);
}
static u8 *place_of(const struct guest_code *code, u64 gva)
{
	return code->image + (gva - CODE_GVA);
}

static void fill_sections(struct guest_code *code)
{
	GElf_Shdr header;
	size_t i;

	code->image = calloc(1, code->bytes + PAGE);
	if (!code->image)
		die("no memory for %s", code->path);
	for (i = 1; i < code->sections; i++) {
		section(code, i, &header);
		if (code->address[i] && header.sh_size &&
		    header.sh_type != SHT_NOBITS)
			memcpy(place_of(code, code->address[i]),
			       contents(code, i, &header)->d_buf,
			       header.sh_size);
	}
}
/*L:090
 * P is where the blank is and S what it should hold. 32 bits may be taken
 * as signed, as unsigned, or as a distance, and a linker that cuts off what
 * does not fit makes the kind of bug that you find by moving house.
 */
static void fill_blank(const struct guest_code *code, u8 *to, u32 type,
		       u64 s, u64 p, const char *name)
{
	bool fits = true;

	switch (type) {
	case R_X86_64_PC64:
		s -= p;
		/* fall through */
	case R_X86_64_64:
		memcpy(to, &s, 8);
		return;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		s -= p;
		/* fall through */
	case R_X86_64_32S:
		fits = (s64)s == (s32)s;
		break;
	case R_X86_64_32:
		fits = s == (u32)s;
		break;
	default:
		die("%s: relocation type %u for %s is not known", code->path,
		    type, name);
	}
	if (!fits)
		die("%s: %s at %#llx is too far away", code->path, name, s);
	memcpy(to, &s, 4);
}
/*:*/
/*L:100
 * An ambiguous name is an error even if it is weak: a guess that is wrong
 * half of the time is worse than none.
 */
static u64 value_of(const struct guest_code *code, const struct kallsyms *k,
		    const GElf_Sym *symbol, const char *name)
{
	u64 address = 0;

	switch (symbol->st_shndx) {
	case SHN_ABS:
		return symbol->st_value;
	case SHN_UNDEF:
		if (GELF_ST_BIND(symbol->st_info) == STB_WEAK &&
		    !kallsyms_find(k, name, &address))
			return 0;
		return kallsyms_need(k, name);
	}
	if (symbol->st_shndx < code->sections)
		address = code->address[symbol->st_shndx];
	if (!address)
		die("%s: %s lies in a section that was left out", code->path,
		    *name ? name : "a symbol");
	return address + symbol->st_value;
}
/*:*/
static void relocate_section(const struct guest_code *code,
			     const struct kallsyms *k, Elf_Data *list,
			     u64 start, u64 bytes)
{
	GElf_Rela rela;
	GElf_Sym symbol;
	const char *name;
	int i;

	for (i = 0; gelf_getrela(list, i, &rela); i++) {
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_NONE)
			continue;
		if (bytes < 4 || rela.r_offset > bytes - 4 ||
		    !gelf_getsym(code->symbols, GELF_R_SYM(rela.r_info),
				 &symbol))
			die("%s: damaged: relocation %d", code->path, i);
		name = name_of(code, code->strings, symbol.st_name);
		fill_blank(code, place_of(code, start + rela.r_offset),
			   GELF_R_TYPE(rela.r_info),
			   value_of(code, k, &symbol, name) + rela.r_addend,
			   start + rela.r_offset, name);
	}
}
static void relocate_sections(const struct guest_code *code,
			      const struct kallsyms *k)
{
	GElf_Shdr header, target;
	size_t i;

	for (i = 1; i < code->sections; i++) {
		section(code, i, &header);
		if (header.sh_type != SHT_RELA || !header.sh_size ||
		    header.sh_info >= code->sections ||
		    !code->address[header.sh_info])
			continue;
		section(code, header.sh_info, &target);
		relocate_section(code, k, contents(code, i, &header),
				 code->address[header.sh_info],
				 target.sh_size);
	}
}
/*L:080
 * The result lives where modules live, at the bottom of the module area: it
 * is within two gigabytes of the kernel, as calls must be, and the kernel
 * never cleans up there.
 */
void link_guest_code(struct guest_code *code, const char *home,
		     const char *release, const struct kallsyms *k)
{
	find_guest_code(code, home, release);
	open_guest_code(code);
	place_sections(code, SHF_EXECINSTR, SHF_EXECINSTR);
	code->text = code->bytes;
	place_sections(code, SHF_EXECINSTR | SHF_WRITE, 0);
	code->rodata = code->bytes;
	place_sections(code, SHF_EXECINSTR | SHF_WRITE, SHF_WRITE);
	fill_sections(code);
	relocate_sections(code, k);
}
/*:*/
u64 code_symbol(const struct guest_code *code, const char *name, u64 bytes)
{
	GElf_Sym symbol;
	u64 at;
	int i;

	for (i = 1; gelf_getsym(code->symbols, i, &symbol); i++) {
		if (symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_shndx >= code->sections ||
		    strcmp(name, name_of(code, code->strings, symbol.st_name)))
			continue;
		at = code->address[symbol.st_shndx] + symbol.st_value;
		if (at - CODE_GVA + bytes > code->bytes || at < CODE_GVA)
			break;
		return at;
	}
	die("%s: damaged: it has no %s", code->path, name);
}
