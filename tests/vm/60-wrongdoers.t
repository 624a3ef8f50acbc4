#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tiny Guests that behave, and some that don't: those die, each with its
# reason, and the Host lives.
. tests/vm/lib.sh

plan 169
guest </dev/null
for setting in $new "$old poison=yes"; do
	host $setting <<'END'
# ends NAME TEXT [SECONDS]: what its Launcher hears in the end
ends() {
	is "$1" "$(timeout 20 payload $1 ${3-} 2>&1)" "$1: $2"
}
# dies NAME REASON [REASON]: the Launcher hears it, and dmesg keeps it. There are
# two where TCG fails at the end of a jump and a processor at its beginning.
dies() {
	dmesg -c >>/tmp/dmesg
	said=$(timeout 20 payload $1 2>&1)
	reason=$2
	[ "$said" != "$1: event 2 value 0: ${3-}" ] || reason=$3
	is "$1" "$said" "$1: event 2 value 0: $reason"
	try "$1: dmesg says so" eval "dmesg | grep -F 'died: $reason'"
}
try "lg.ko loads" insmod /lguest/lg.ko
for benign in off calls registers split_frame xcr0 no_memory; do
	ends $benign "event 1 value 0: "
done
ends spin "Interrupted system call" 1
export ADDRESS=$(awk '$3 == "pv_native_set_debugreg" { print $1 }' /proc/kallsyms)
ends host_breakpoint "event 1 value 0: "
ends passed_breakpoint "event 1 value 0: "
ends stale_selector "event 1 value 0: "
ends fs_selector "event 1 value 0: "
ends bad_user_return "Interrupted system call" 1

dies bad_call "unknown hypercall 999"
dies bad_data "LHCALL_INIT: bad page 7777777000 or ABI 1"
dies bad_jump "trap 13 at 8000000000000000 before there is a gate" \
	"trap 13 at 2000a before there is a gate"
dies bad_cr3 "page table at 7000000000: no such memory"
dies bad_table "page table at 7000000000: no such memory"
dies no_gate "trap 6 at 20016 before there is a gate"
dies no_stack "no stack at 0 for trap 6 at 20024"
dies bad_stack "no stack at 8000000000000000 for trap 6 at 2002c"
dies bad_return "trap 13 at 8000000000000000 before there is a gate" \
	"jumped to 8000000000000000 in kernel mode"
dies call_gate "bad TLS descriptor: ec0000100020 4 0"
dies peek_switcher "trap 14 at 20020 before there is a gate"
dies hlt "trap 13 at 20016 before there is a gate"
dies bad_ldt "LDT of 100000 entries"
dies bad_gate "gate 256: there are 256"
dies bad_breakpoint "there is no debug register 8"

# And some with programs: system calls that the Host never hears of.
for kind in nothing bad_gs bad_rip pending peek bad_stack; do
	timeout 20 direct $kind
done
rmmod lg
# turns: how often the last Guest's modes changed without the Host
turns() {
	dmesg | sed -n 's/.*lg: without the Host: //p' | tail -n 1
}
try "lg.ko counts exits" insmod /lguest/lg.ko exits=1
timeout 20 direct nothing
try "each way, a thousand times, without the Host" test "$(turns)" -gt 1990
timeout 20 direct pending
try "but with news, each way back goes there" test "$(turns)" -lt 1010

timeout 20 payload device
is "every odd request was answered" $? 0
ends off "event 1 value 0: "

try "the Host was well all the time" eval \
	'! grep -E "WARNING:|BUG:|Oops|Call Trace" /tmp/dmesg'
leaves_no_trace
END
done
host without=-fsgsbase label=old <<'END'
try "lg.ko loads on an older CPU" insmod /lguest/lg.ko exits=1
timeout 20 direct nothing
is "and nothing is without the Host" \
	"$(dmesg | sed -n 's/.*without the Host: //p')" 0
is "a segment of the Launcher's" "$(payload fs_selector)" \
	"fs_selector: event 1 value 0: "
run_guest 256 vmlinux
is "a Guest's kernel comes and goes there, too" $? 0
END
