#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a Guest or a Launcher can provoke as often as it likes, or too early, or
# while something else goes on.
. tests/vm/lib.sh

plan 9
guest </dev/null
host <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
is "an irq waits for its gate" "$(timeout 60 payload early_irq 2>&1)" \
	"early_irq: event 1 value 0: "

dmesg -c >/dev/null
is "whoever has an LDT is refused" "$(timeout 60 payload refused 2>&1)" \
	"refused: 1000 times"
lines=$(dmesg | grep -c "an LDT or a shadow stack")
echo "# $lines lines for 1000 refusals"
try "and it is said, but not each time" test $lines -gt 0 -a $lines -le 20

is "whoever makes one while its Guest runs: no further" \
	"$(timeout 60 payload late_ldt 3 2>&1)" \
	"late_ldt: Operation not supported"
leaves_no_trace
END
