#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What programs said: make transcripts wrote it, and it fits the page.
. tests/book/lib.sh

echo 1..7
sed -n 's/^[^#]*\<show \([a-z-]*\) .*/\1.txt/p' book/capture |
	LC_ALL=C sort -u >"$work/wanted"
(cd book/captured && LC_ALL=C ls) | diff "$work/wanted" - >"$work/said"
result $? "all that book/capture shows is there, and nothing else"
sed -n 's/^<!-- captured: \(.*\) -->$/\1/p' chapters/*.nw | LC_ALL=C sort -u |
	diff "$work/wanted" - >"$work/said"
result $? "the book shows all of it"

# fits FILE...: a prompt comes first, something is said, and 80 columns hold it.
fits() {
	LC_ALL=C awk '
	FNR == 1 && !/^(host|guest)# ./ { print FILENAME ": no prompt" }
	!/^(host|guest)# / { said[FILENAME] = 1 }
	length > 80 { print FILENAME ":" FNR ": too wide" }
	/[^\t -~]/ { print FILENAME ":" FNR ": not plain text" }
	END {
		for (i = 1; i < ARGC; i++)
			if (!(ARGV[i] in said))
				print ARGV[i] ": nothing was said"
	}' "$@" >"$work/said"
	[ ! -s "$work/said" ]
}
fits book/captured/*.txt
result $? "captured text fits the page"
printf 'date\n%081d\n\001\n' 1 >"$work/bad.txt"
echo 'host# :' >"$work/silent.txt"
fits "$work/bad.txt" "$work/silent.txt"
[ "$(wc -l <"$work/said")" = 4 ]
result $? "a page that does not fit is noticed"

book/quote README.md | diff README.md - >"$work/said"
result $? "the README shows what was captured"
sed '/^host# rmmod/d' README.md >"$work/README.md"
! book/quote "$work/README.md" | diff "$work/README.md" - >"$work/said"
result $? "a README that was edited is noticed"
sed 's/session.txt/nothing.txt/' README.md >"$work/README.md"
! book/quote "$work/README.md" >"$work/said" 2>&1
result $? "a README that shows nothing is noticed"
