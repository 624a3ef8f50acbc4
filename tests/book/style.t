#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The code looks as kernel code looks, and fits the page.
set -u
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT

echo 1..4
result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		sed 's/^/# /' "$said" >&2
	fi
}

find src -name '*.[chS]' >"$said.files"
extract/checkpatch $(cat "$said.files") >"$said" 2>&1
result $? "checkpatch has nothing to say"

for file in $(cat "$said.files"); do
	expand "$file" | awk -v file="$file" '
	length() > 80 { print file ":" NR ": " length() " columns" }'
done >"$said"
[ ! -s "$said" ]
result $? "no line is wider than 80 columns"

git ls-files ':!LICENSE' ':!*.md' ':!*.nw' ':!*.json' ':!book/captured' | while read -r file; do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
		echo "$file: no SPDX line"
done >"$said"
[ ! -s "$said" ]
result $? "every file names its licence"

printf 'int a;\n' >"$said.c"
! extract/checkpatch "$said.c" >"$said" 2>&1
result $? "a file without its licence is seen"
rm "$said.c" "$said.files"
