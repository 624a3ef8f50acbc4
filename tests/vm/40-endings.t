#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All the ways in which a Guest ends, and what is left in the Host: nothing.
. tests/vm/lib.sh

plan 36
guest programs <<'END'
case $end in
commands)
	while read -r command; do $command; done
	;;
crash) echo c >/proc/sysrq-trigger ;;
work)
	cd /tests && ONLY="threads fpu" sh guest-suite.sh
	;;
esac
END
for setting in $new "$old poison=yes"; do
	host $setting timeout=600 memory=1536 <<'END'
times_said() {
	grep -c "$1" /tmp/guest.log
}
booted() {
	[ "$(times_said GUEST-SHELL-READY)" = "$1" ]
}
try "lg.ko loads" insmod /lguest/lg.ko

# A reboot, asked for on the Guest's console, and a poweroff there.
: >/tmp/guest.log
{
	eventually 60 booted 1
	echo reboot -f
	eventually 60 booted 2
	echo poweroff -f
} | timeout 150 /lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet \
	end=commands >>/tmp/guest.log 2>&1
is "reboot, then poweroff: exit status" $? 0
is "and two boots" "$(times_said GUEST-SHELL-READY)" 2
[ "$(times_said GUEST-SHELL-READY)" = 2 ] || sed 's/^/guest| /' /tmp/guest.log

run_guest 256 vmlinux end=crash
is "a crash: exit status" $? 1
is "and one line of the Launcher" "$(times_said ^lguest:)" 1
try "which says so" guest_said "^lguest: the Guest crashed: "

# Killed 16 times, two beside each other, at moments that are spread from the
# first to some time after the shell's.
# kill_one NAME HUNDREDTHS [shell]: that long after its start, or its shell.
kill_one() {
	: >/tmp/$1
	/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet end=work \
		</dev/null >/tmp/$1 2>&1 &
	[ -z "${3-}" ] || eventually 60 grep -q GUEST-SHELL-READY /tmp/$1
	usleep $2'0000'
	kill -9 $! && echo lived
	wait $!
	grep -o GUEST-SHELL-READY /tmp/$1
}
for i in $(seq 0 100 500) 33 133; do
	after=
	[ $((i % 100)) = 0 ] || after=shell
	kill_one a $((i + i % 7)) $after >/tmp/ends.a.$i &
	kill_one b $((i + 30 - i % 11)) $after >/tmp/ends.b.$i &
	wait
done
lived=$(cat /tmp/ends.* | grep -cx lived)
shells=$(cat /tmp/ends.* | grep -c SHELL)
echo "# of 16 Guests, $shells had reached their shell when killed"
is "16 Launchers were killed while they ran" "$lived" 16
try "some of them after, some before the shell" \
	test "$shells" -gt 2 -a "$shells" -lt 16
eventually 5 grep -qx 0 /sys/module/lg/parameters/guests
is "no Guest remains" "$(cat /sys/module/lg/parameters/guests)" 0

# Two at a time, both at work; and a third, which is killed beside them.
for i in 1 2 3; do
	/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet end=work \
		</dev/null >/tmp/guest.$i 2>&1 &
	eval pid$i=$!
done
try "three Guests at once" \
	eventually 60 grep -qx 3 /sys/module/lg/parameters/guests
try "a program runs in each" eventually 60 eval \
	'[ "$(cat /tmp/guest.[123] | grep -c "^ok - ")" -gt 2 ]'
kill -9 $pid3
wait $pid1
is "the first Guest: exit status" $? 0
wait $pid2
is "the second Guest: exit status" $? 0
cat /tmp/guest.1 /tmp/guest.2 >/tmp/guest.log
is "all programs in both say ok" \
	"$(times_said 'SUITE-DONE pass=[1-9][0-9]* fail=0')" 2
leaves_no_trace
END
done
