#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Figures: all are shown, in the page's own colours, and the maps are fresh.
. tests/book/lib.sh

echo 1..7
cat chapters/*.nw | sed -n 's/.*](figures\/\(.*\)){#fig-\(.*\)}.*/\1 \2.svg/p' |
	LC_ALL=C sort >"$work/shown"
(cd book/figures && LC_ALL=C ls ./*.svg | sed 's/^..\(.*\)/\1 \1/') |
	diff - "$work/shown" >"$work/said"
result $? "each figure is shown once, under its own name"

# plain FILE...: text takes the page's colour, and no name meets another's.
plain() {
	for file; do
		name=$(basename "$file" .svg)
		grep -HnE '<(style|script|image)|"(#000|#fff|black|white)' "$file"
		grep -Hn 'fill="currentColor">$' "$file" >>"$work/root" ||
			echo "$file: the root has not the page's colour"
		grep -Hno ' id="[^"]*"' "$file" | grep -v "\"$name-"
	done >"$work/said"
	[ ! -s "$work/said" ]
}
plain book/figures/*.svg
result $? "figures follow the page's colours, and keep to their own names"

mkdir "$work/maps"
book/here "$work/maps"
for map in "$work"/maps/*; do
	diff "$map" "book/figures/$(basename "$map")"
done >"$work/said"
[ ! -s "$work/said" ] && [ -e "$work/maps/here-M.svg" ]
result $? "the maps are what book/here draws"

# The checks themselves.
bad() {
	sed "$2" book/figures/console.svg >"$work/console.svg"
	! plain "$work/console.svg"
	result $? "seen: $1"
}
bad "a black text" '0,/<text/s/<text/<text fill="black"/'
bad "a style of its own" '0,/<text/s/<text/<style\/><text/'
bad "no colour" 's/ fill="currentColor">$/>/'
bad "a common name" 's/console-tip/tip/'
