// SPDX-License-Identifier: GPL-2.0
/* The names and addresses that a kernel carries inside. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launcher.h"

#define MIN_NAMES	256
#define MAX_NAMES	1000000
#define MAX_STEPS	(1 << 26)
#define LONGEST_NAME	511
#define CHAINS		32768

static size_t units(const struct kallsyms *k, size_t n)
{
	return (n + k->unit - 1) & -k->unit;
}

static bool index_fits(const struct kallsyms *k, const u16 *index)
{
	const u8 *tokens = k->tokens;
	size_t i;

	if (index[0] || tokens < k->image)
		return false;
	for (i = 1; i < 256; i++)
		if (tokens + index[i] >= (const u8 *)index ||
		    index[i] <= index[i - 1] || tokens[index[i] - 1])
			return false;
	return memchr(tokens + index[255], 0,
		      (const u8 *)index - (tokens + index[255]));
}
static bool find_token_index(struct kallsyms *k, const u8 *digits)
{
	size_t at = units(k, digits - k->image), last = at + 4096;

	if (last > (size_t)(k->end - k->image) - 512)
		last = k->end - k->image - 512;
	for (; at <= last && k->patience; at += k->unit, k->patience--) {
		k->index = (const u16 *)(k->image + at);
		if (k->index['0'] > digits - k->image)
			continue;
		k->tokens = digits - k->index['0'];
		if (index_fits(k, k->index))
			return true;
	}
	return false;
}
static size_t name_length(const u8 **at, const u8 *end)
{
	size_t length;

	if (end - *at < 2)
		return SIZE_MAX;
	length = *(*at)++;
	if (length & 0x80)
		length = (length & 0x7f) | *(*at)++ << 7;
	return length;
}
static bool names_fit(struct kallsyms *k, const u8 *markers_end)
{
	const u8 *at = k->names, *end;
	const u32 *markers;
	size_t i, length, bytes = units(k, (k->count + 255) / 256 * 4);

	if (markers_end < at || bytes > (size_t)(markers_end - at))
		return false;
	end = markers_end - bytes;
	markers = (const u32 *)end;
	for (i = 0; i < k->count && k->patience; i++, k->patience--) {
		if (i % 256 == 0 && markers[i / 256] != at - k->names)
			return false;
		length = name_length(&at, end);
		if (!length || length > (size_t)(end - at))
			return false;
		at += length;
	}
	return i == k->count && k->names + units(k, at - k->names) == end;
}
static bool find_names(struct kallsyms *k)
{
	const u8 *at = k->tokens - 16;
	u32 count, zero;

	if ((k->tokens - k->image) % k->unit)
		return false;
	for (; at >= k->image && k->patience; at -= k->unit, k->patience--) {
		memcpy(&count, at, 4);
		memcpy(&zero, at + k->unit - 4, 4);
		if (count < MIN_NAMES || count > MAX_NAMES ||
		    (k->unit == 8 && zero))
			continue;
		k->count = count;
		k->names = at + k->unit;
		if (names_fit(k, k->tokens - units(k, 3 * count)) ||
		    names_fit(k, k->tokens))
			return true;
	}
	return false;
}
/*L:060
 * The first character is the symbol's type, as nm prints it. Nobody here
 * wants it. A name that does not fit is no name that we would ask for.
 */
static bool unpack_name(const struct kallsyms *k, u32 offset, char *name)
{
	const u8 *at = k->names + offset;
	size_t used = 0, length = name_length(&at, k->tokens);
	const char *token;

	for (; length; length--) {
		token = (const char *)k->tokens + k->index[*at++];
		for (; *token; token++) {
			if (used == LONGEST_NAME)
				return false;
			name[used++] = *token;
		}
	}
	name[used] = '\0';
	memmove(name, name + 1, used);
	return used > 1;
}
/*:*/
static u32 chain_of(const char *name)
{
	u32 sum = 0;

	while (*name)
		sum = sum * 31 + *name++;
	return (sum ^ sum >> 16) % CHAINS;
}
static bool index_names(struct kallsyms *k)
{
	const u8 *at = k->names;
	char name[LONGEST_NAME + 1];
	size_t length;
	u32 i, chain;

	k->entry = calloc(k->count, sizeof(*k->entry));
	k->chain = calloc(CHAINS, sizeof(*k->chain));
	if (!k->entry || !k->chain)
		return false;
	for (i = 0; i < k->count; i++) {
		k->entry[i].name = at - k->names;
		if (unpack_name(k, k->entry[i].name, name)) {
			chain = chain_of(name);
			k->entry[i].next = k->chain[chain];
			k->chain[chain] = i + 1;
		}
		length = name_length(&at, k->tokens);
		at += length;
	}
	return true;
}
static u64 address_of(const struct kallsyms *k, u32 i)
{
	s32 offset = k->offsets[i];

	switch (k->meaning) {
	case UP_OR_DOWN:
		return offset < 0 ? k->base - 1 - offset : (u64)offset;
	case UP:
		return k->base + (u32)offset;
	default:
		return k->gva + ((const u8 *)&k->offsets[i] - k->image) +
		       offset;
	}
}

/*L:070
 * Answers how many different addresses have this name: 0, 1 or 2, which
 * stands for all that are more.
 */
int kallsyms_find(const struct kallsyms *k, const char *name, u64 *address)
{
	u32 i = k->chain[chain_of(name)];
	char other[LONGEST_NAME + 1];
	int found = 0;
	u64 here;

	for (; i; i = k->entry[i - 1].next) {
		unpack_name(k, k->entry[i - 1].name, other);
		if (strcmp(name, other))
			continue;
		here = address_of(k, i - 1);
		if (found && here != *address)
			return 2;
		*address = here;
		found = 1;
	}
	return found;
}
/*:*/
u64 kallsyms_need(const struct kallsyms *k, const char *name)
{
	u64 address;

	switch (kallsyms_find(k, name, &address)) {
	case 0:
		die("this kernel has no %s, which the Guest code needs", name);
	case 1:
		return address;
	default:
		die("this kernel has more than one %s: which is meant?", name);
	}
}
static bool addresses_fit(struct kallsyms *k, ptrdiff_t offsets,
			  ptrdiff_t base)
{
	u64 text;

	if (offsets < 0 || base > k->end - k->image - 8)
		return false;
	k->offsets = (const s32 *)(k->image + offsets);
	memcpy(&k->base, k->image + base, 8);
	for (k->meaning = UP_OR_DOWN; k->meaning <= FROM_HERE; k->meaning++)
		if (kallsyms_find(k, "_text", &text) == 1 && text == k->gva)
			return true;
	return false;
}

static bool find_addresses(struct kallsyms *k)
{
	ptrdiff_t bytes = units(k, 4UL * k->count);
	ptrdiff_t behind = (const u8 *)(k->index + 256) - k->image;
	ptrdiff_t before = k->names - k->unit - k->image - 8;

	return addresses_fit(k, behind, behind + bytes) ||
	       addresses_fit(k, before - bytes, before);
}
/*L:050
 * Three places in a usual image look like this. Right is the one which is
 * followed by an index that fits, and before which stand names that fit.
 */
bool kallsyms_open(struct kallsyms *k, const u8 *image, size_t bytes,
		   u64 gva)
{
	static const char digits[20] = "0\0" "1\0" "2\0" "3\0" "4\0"
				       "5\0" "6\0" "7\0" "8\0" "9";
	const u8 *end = image + bytes, *at = image;

	if (bytes < 4096)
		return false;
	*k = (struct kallsyms) {
		.image = image, .end = end, .gva = gva, .patience = MAX_STEPS,
	};
	for (k->unit = 8; k->unit >= 4; k->unit -= 4, at = image)
		for (; (at = memmem(at, end - at, digits, 20)); at++)
			if (find_token_index(k, at) && find_names(k) &&
			    index_names(k))
				return find_addresses(k);
	return false;
}
/*:*/
