#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make where it can't work: it says so, in one line.
. tests/book/lib.sh

echo 1..10

# refuses WORDS TEXT COMMAND...: within 20 s, in one line, not with status 0
refuses() {
	words=$1 text=$2
	shift 2
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL timeout 20 "$@" \
		>"$work/said" 2>&1
	status=$?
	[ $status = 2 ]
	result $? "$text: status"
	[ "$(wc -l <"$work/said")" = 1 ] && grep -q "$words" "$work/said"
	result $? "$text: one line"
}

for name in "a b" a:b; do
	mkdir "$work/$name"
	cp -r Makefile chapters extract book "$work/$name"
	refuses "cannot build in .*$name" "make in a folder named $name" \
		make -C "$work/$name"  --no-print-directory
done
for goal in demo demo-debian; do
	refuses "demo is for somebody" "make $goal for nobody" \
		sh -c "exec make $goal </dev/null"
done
refuses "demo is for somebody" "make demo with closed files" \
	sh -c "exec make demo <&- 3>&-"
