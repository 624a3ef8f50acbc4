#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The reference card: all hypercalls, and no name that is gone. The glossary:
# in order, and each tag that it names exists.
. tests/book/lib.sh

echo 1..8
book/card src >"$work/card"
sed -n 's/^#define \(LHCALL_[A-Z0-9_]*\)\t*\([0-9]*\).*/| \2 | `\1` |/p' \
	src/include/lguest.h >"$work/calls"
grep -o '^| [0-9]* | `LHCALL_[A-Z0-9_]*` |' "$work/card" |
	diff "$work/calls" - >"$work/said" && [ -s "$work/calls" ]
result $? "each hypercall is on the card"

explained() {
	! grep '| *|$' "$1" | grep -v '^| | | |$' >"$work/said"
}
explained "$work/card"
result $? "each row says what it is about"
sed 's/^\(| 0 .*|\) .* |$/\1 |/' "$work/card" >"$work/bad"
! explained "$work/bad"
result $? "seen: a row without a word"

printf '#include <stdio.h>\n#include <stddef.h>\n#include "%s"\n%s' \
	lguest_bus.h 'int main(void) { return printf("| %zu | `pfn` | 8 ", ' \
	>"$work/at.c"
echo 'offsetof(struct lguest_device_desc, pfn)) < 0; }' >>"$work/at.c"
gcc -Isrc/include -o "$work/at" "$work/at.c" 2>"$work/said" &&
	grep -qF "$("$work/at")" "$work/card"
result $? "the last field of a descriptor is where the compiler has it"

grep -q '^| `0xffff888000000000` | ' "$work/card"
result $? "slot 273 is where Linux has all memory"

cp -r src "$work/src"
sed -i 's/CODE_GVA/CODE_ADDRESS/' "$work/src/launcher/launcher.h"
! book/card "$work/src" 2>&1 | tail -n 1 | grep -q '^:::$' &&
	! book/card "$work/src" >"$work/said" 2>&1
result $? "seen: a name that is gone"

grep -B 1 '^:   ' book/glossary.md | grep -v -e '^:' -e '^--$' >"$work/words"
LC_ALL=C sort -f -c "$work/words" >"$work/said" 2>&1 && [ -s "$work/words" ]
result $? "the glossary is in order"

grep -o '\[\[[PGDLHSM]:[0-9]*\]\]' book/glossary.md | tr -d '[]' |
	while read -r tag; do
		grep -q "^/\*$tag" chapters/*.nw || echo "no passage $tag"
	done >"$work/said"
[ ! -s "$work/said" ]
result $? "the glossary's tags exist"
