#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest at work goes on while its thread is moved from CPU to CPU, and while
# non-maskable interrupts hit it. And lg comes and goes on a Host that is busy.
. tests/vm/lib.sh

fire() {
	wait_for UNDER-FIRE
	for i in $(seq 200); do
		monitor nmi
		sleep 0.1
	done
}

plan 11
guest programs <<'END'
echo UNDER-FIRE
cd /tests
MEGABYTES=50 ONLY="forks pipes-signals pipes-signals32 memory threads fpu fpu32
	thirtytwo ldt64 ptrace faults faults32 modules sysinfo" sh guest-suite.sh
END
host poison=yes meanwhile=fire timeout=600 memory=1536 <<'END'
nmis() {
	awk '/NMI:/ { print $2 + $3 }' /proc/interrupts
}
# To and fro as long as the Launcher runs; counts its journeys.
move() {
	until pid=$(pidof lguest); do usleep 10000; done
	moves=0
	while taskset -p $((moves % 2 + 1)) "$pid" >/dev/null 2>&1; do
		moves=$((moves + 1))
		usleep 20000
	done
	echo $moves >/tmp/moves
}
try "lg.ko loads" insmod /lguest/lg.ko exits=1
limit=400
move &
run_guest 512 vmlinux
is "poweroff in the Guest: exit status" $? 0
wait $!
sed -n 's/^not ok/# &/p' /tmp/guest.log
try "all programs say ok" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'
echo "# $(cat /tmp/moves) moves, $(nmis) NMIs"
try "it was moved 200 times" test "$(cat /tmp/moves)" -ge 200
try "the Host got 190 NMIs or more" test "$(nmis)" -ge 190
try "some of them hit the Guest" eval "dmesg | grep 'exits by trap 2:'"
leaves_no_trace
END

guest </dev/null
host timeout=120 <<'END'
for i in 1 2 3; do
	while :; do true | true; done &
done
come_and_go() {
	for i in $(seq 60); do
		insmod /lguest/lg.ko && rmmod lg || return 1
	done
}
try "lg comes and goes sixty times on a busy Host" come_and_go
END
