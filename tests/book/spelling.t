#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Spelling: a dictionary with our own words, and a list of common mistakes.
. tests/book/lib.sh

echo 1..9
told="$(echo chapters/*.nw) README.md book/glossary.md book/front.md
	$(echo book/figures/*.svg)"
book/card src >"$work/card.md"
extract/spell $told "$work/card.md" >"$work/said" 2>&1
result $? "no word is unknown (our own stand in book/words)"
grep -v '^#' book/words | while read -r word; do
	cat $told | grep -qiwF -e "$word" -e "${word}s" || echo "$word"
done >"$work/said"
[ ! -s "$work/said" ]
result $? "no word of our own is unused"
grep -v '^#' book/words | LC_ALL=C sort -cuf 2>"$work/said"
result $? "our own words are in order"

# An IST is a stack, and SME keeps secrets.
mistakes() {
	codespell -L ist,sme "$@" >"$work/said" 2>&1
}
mistakes $told Makefile book extract
result $? "no common mistake"

# The checks themselves.
cat >"$work/good.nw" <<'END'
A `strnage` word, [[strnage]], or a line of it:

    strnage

1.  First.

<<a.c>>=
/* A comment. */
int strnage = 1;
@
END
bad() {
	sed "$2" "$work/good.nw" >"$work/bad.nw"
	[ "$(extract/spell "$work/good.nw" "$work/bad.nw" 2>&1)" = \
		"$work/bad.nw:$3: strnage" ]
	result $? "seen: a strange word in $1"
}
bad prose 's/A `/A strnage `/' 1
bad "a list" '5s/$/\n    Strnage/; s/Str/str/' 6
bad "a comment" 's/comment/strnage comment/' 8
bad "a chunk's name" 's/a\.c/Tell what is strnage/' 7
echo "We recieve it." >"$work/bad.md"
! mistakes "$work/bad.md"
result $? "seen: a common mistake"
