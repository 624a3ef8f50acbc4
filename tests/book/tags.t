#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The passages' tags, by which the terminal's tour and the book find them.
. tests/book/lib.sh
check=$PWD/extract/check-tags

echo 1..18
"$check" chapters/*.nw >"$work/said" 2>&1
result $? "every tag of the book is where it should be"
grep -rhoE '/\*[PGDLHSM]:[0-9]+' src | sort | uniq -d >"$work/said"
[ ! -s "$work/said" ]
result $? "no passage stands in two files"
for tag in P:010 P:100 P:200 P:300 P:400 P:500 P:600 P:700 P:800 P:900; do
	grep -rqF "/*$tag" src || echo "$tag"
done >"$work/said"
[ ! -s "$work/said" ]
result $? "all of the flight's passages are in src"

cd "$work" || exit 1
mkdir good bad
cat >good/01-first.nw <<'END'
A story, in which [[G:020]] is yet to come. Not a tag: P:1.

<<a.c>>=
/*P:010 It begins. :*/
/*P:020
 * It goes on. :*/
@ And so on.
END
cat >good/02-second.nw <<'END'
<<b.c>>=
/*G:010*/
/*G:020
 * It ends. :*/
@
END
"$check" good/*.nw >said 2>&1
result $? "good tags are good"

bad() {
	sed "$2" good/01-first.nw >bad/01-first.nw
	cp good/02-second.nw bad
	! "$check" bad/*.nw >said 2>&1
	result $? "$1: refused"
	grep -qF "$3" said
	result $? "$1: where, and what"
}
bad "two digits" s/P:010/P:10/ "bad/01-first.nw:4: not /*, a letter"
bad "four digits" s/P:010/P:0100/ "bad/01-first.nw:4: not /*, a letter"
bad "a tag in a sentence" 's/It goes on/See P:010/' \
	"bad/01-first.nw:6: not /*, a letter"
bad "falling numbers" s/P:010/P:030/ "bad/01-first.nw:5: P:020 is told after P:030"
bad "another chapter's letter" s/P:010/H:010/ \
	"bad/01-first.nw:4: H:010 in the chapter of P"
bad "a tag twice" s/P:020/P:010/ \
	"bad/01-first.nw:5: P:010 was told before: bad/01-first.nw:4"
bad "a reference to nothing" s/G:020/G:025/ "bad/01-first.nw:1: no passage G:025"
