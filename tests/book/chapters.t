#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What each chapter has: a map, a look back at 2007, exercises, and more to read.
. tests/book/lib.sh

echo 1..5
complete() {
	LC_ALL=C awk '
	function lacks(what) {
		print file ": no " what
		bad = 1
	}
	function end() {
		if (!file)
			return
		if (!map)
			lacks("map")
		if (!then)
			lacks("look back")
		if (tasks < 3)
			lacks("exercises, or few")
		if (!books)
			lacks("further reading")
		map = then = tasks = books = 0
	}
	FNR == 1 { end(); file = FILENAME; part = "" }
	/^## / { part = $2 }
	/^!\[You are here/ { map = 1 }
	/^::: then$/ { then = 1 }
	part == "Exercises" && /^[0-9]+\. / { tasks++ }
	part == "Further" && /^- / { books++ }
	END { end(); exit bad }' "$@" >"$work/said"
}
complete chapters/*.nw
result $? "each chapter has its map, look back, exercises and further reading"
bad() {
	sed "$2" chapters/02-guest.nw >"$work/bad.nw"
	! complete chapters/01-preparation.nw "$work/bad.nw" &&
		[ "$(wc -l <"$work/said")" = 1 ]
	result $? "seen: no $1"
}
bad map 's/^!.You are here/![You are lost/'
bad exercises 's/^## Exercises/## Errata/'
bad "look back" 's/^::: then/::: now/'
bad "further reading" 's/^## Further/## No further/'
