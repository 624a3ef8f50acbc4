#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs inside the machine under test (Guest or bare), as root: every program
# of tests/vm/programs, one after the other, then some of them all at once.
# Prints their lines, what each took, and at last "SUITE-DONE pass=N fail=M".
# MEGABYTES sets the size of the big mapping, ONLY the programs to run.
cd "$(dirname "$0")" || exit 1
PATH=$PWD:/bin:/sbin:/usr/bin
MEGABYTES=${MEGABYTES:-200}
LOG=/tmp/suite.log
ulimit -c 0

[ -e /proc/self ] || mount -t proc proc /proc
[ -e /sys/kernel ] || mount -t sysfs sys /sys
[ -e /dev/null ] || mount -t devtmpfs dev /dev
[ -d /tmp ] || mkdir /tmp
grep -q " /tmp tmpfs" /proc/mounts || mount -t tmpfs tmp /tmp

# The time since boot in hundredths of a second.
now() {
	cut -d ' ' -f 1 /proc/uptime | tr -d .
}

# run SECONDS PROGRAM [ARGUMENTS...]: its lines go to the log as well.
run() {
	seconds=$1
	shift
	if [ -n "$ONLY" ]; then
		case " $ONLY " in
		*" $1 "*) ;;
		*) return ;;
		esac
	fi
	start=$(now)
	timeout -s KILL "$seconds" "$@" >/tmp/suite.out 2>&1
	status=$?
	verdict "$status" "$1" /tmp/suite.out
	echo "# $* took $((($(now) - start) * 10)) ms"
}

# verdict STATUS NAME OUTPUT: a program that dies silently is a failure too.
verdict() {
	cat "$3" | tee -a $LOG
	if [ "$1" != 0 ] && ! grep -q '^not ok' "$3"; then
		echo "not ok - $2: exit status $1" | tee -a $LOG
	fi
	if ! grep -q 'ok - ' "$3"; then
		echo "not ok - $2: printed no check" | tee -a $LOG
	fi
}

# together SECONDS PROGRAM...: all at the same time, without arguments.
together() {
	seconds=$1
	shift
	start=$(now)
	for program; do
		(
			timeout -s KILL "$seconds" "$program" \
				>"/tmp/together.$program" 2>&1
			echo $? >"/tmp/status.$program"
		) &
	done
	wait
	for program; do
		verdict "$(cat "/tmp/status.$program")" "$program" \
			"/tmp/together.$program"
	done
	echo "# together: $* took $((($(now) - start) * 10)) ms"
}

: >$LOG
run 150 forks
run 90 pipes-signals
run 90 pipes-signals32
run 150 memory "$MEGABYTES"
run 90 sparse /tmp
run 90 nowhere
run 90 threads
run 90 threads32
run 90 fpu
run 90 fpu32
run 90 thirtytwo
run 90 thirtytwo-dynamic
run 90 ldt64
run 90 ptrace
run 90 faults
run 90 faults32
run 90 vdsotime
run 90 vdsotime32
run 90 sidebyside
run 90 switches
run 90 switches32
run 90 modules ko/*.ko*
[ -n "$ONLY" ] || together 200 forks fpu fpu32 threads threads32 thirtytwo \
	thirtytwo-dynamic ldt64 ptrace faults
run 90 sysinfo

pass=$(grep -c '^ok - ' $LOG)
fail=$(grep -c '^not ok - ' $LOG)
echo "SUITE-DONE pass=$pass fail=$fail"
[ "$fail" = 0 ]
