#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The code looks as kernel code looks, and fits the page.
. tests/book/lib.sh

echo 1..5
find src -name '*.[chS]' >"$work/files"
extract/checkpatch $(cat "$work/files") >"$work/said" 2>&1
result $? "checkpatch has nothing to say"
printf 'int a;\n' >"$work/bad.c"
! extract/checkpatch "$work/bad.c" >"$work/said" 2>&1
result $? "seen: a file without its licence"

# fit FILE...: 80 columns hold each line.
fit() {
	for file; do
		expand "$file" | awk -v file="$file" '
		length() > 80 { print file ":" NR ": " length() " columns" }'
	done >"$work/said"
	[ ! -s "$work/said" ]
}
fit $(cat "$work/files")
result $? "no line is wider than 80 columns"
printf '\t%073d\n' 0 >"$work/wide.c"
! fit "$work/wide.c"
result $? "seen: a line of 81 columns"

git ls-files ':!LICENSE' ':!*.md' ':!*.nw' ':!*.json' ':!book/captured' |
	while read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			echo "$file: no SPDX line"
	done >"$work/said"
[ ! -s "$work/said" ]
result $? "every file names its licence"
