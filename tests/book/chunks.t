#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A block of code has 5 to 25 lines, and after 50 at most there is prose.
. tests/book/lib.sh

echo 1..12

# readable CHAPTER...: code comes in small pieces. A passage that is only a
# comment may be a short one. Titles and remarks are no prose.
readable() {
	LC_ALL=C awk '
	function complain(line, what) {
		print file ":" line ": " what
		bad = 1
	}
	function end_block() {
		if (!code)
			return
		code = 0
		if (n > 25 || n < 5 && !comment)
			complain(start, n " lines: " name)
		run += n
	}
	function end_run() {
		if (run > 50)
			complain(began, run " lines without prose")
		run = 0
	}

	FNR == 1 { end_block(); end_run(); file = FILENAME }
	/^<<.*>>=$/ {
		end_block()
		if (!run)
			began = FNR
		code = 1
		start = FNR
		name = substr($0, 3, length($0) - 5)
		n = comment = 0
		next
	}
	/^@( |$)/ {
		end_block()
		sub(/^@/, "")
	}
	code {
		n++
		comment = n == 1 ? /^\/\*/ : comment && /^( \*|$)/
		if (/\*\/./)
			comment = 0
		next
	}
	NF && !/^(#|:::|<!--)/ { end_run() }
	END { end_block(); end_run(); exit bad }' "$@" >"$work/said"
}
readable chapters/*.nw
result $? "each block of code has 5 to 25 lines, and prose is never far"

# The check itself. lines N: so many of code; block N: a block of them.
lines() {
	seq "$1" | sed 's/.*/a();/'
}
block() {
	echo "<<Do $1>>="
	lines "$1"
	echo @
}
good() {
	cat >"$work/good.nw"
	readable "$work/good.nw"
	result $? "good: $1"
}
bad() {
	cat >"$work/bad.nw"
	! readable "$work/bad.nw" && [ "$(cat "$work/said")" = \
		"$work/bad.nw:$2" ]
	result $? "seen: $1"
}
{ block 5; block 25; block 20; } | good "50 lines in all"
{ block 25; block 25; echo "Why?"; block 5; } | good "prose between them"
{ block 25; block 25 | sed 's/^@/@ Why?/'; block 5; } |
	good "prose behind the sign that ends a block"
printf '<<Tell>>=\n/*M:900\n * It ends. :*/\n\n@\n' | good "a short passage"
{ echo; block 26; } | bad "26 lines" "2: 26 lines: Do 26"
block 4 | bad "4 lines" "1: 4 lines: Do 4"
block 26 | sed '$d' | bad "a block at the end" "1: 26 lines: Do 26"
{ block 4 | sed '$d'; block 5; } | bad "a block that another one ends" \
	"1: 4 lines: Do 4"
printf '<<Do>>=\n/* Thus: */\na();\n@\n' | bad "a comment and code" \
	"1: 2 lines: Do"
{ block 25; echo; block 21; block 5; } | bad "51 lines in all" \
	"1: 51 lines without prose"
{ echo "Why?"; block 25; printf '## Title\n\n<!-- captured: a -->\n'; block 20
	block 6; } | bad "a title where prose should be" "2: 51 lines without prose"
