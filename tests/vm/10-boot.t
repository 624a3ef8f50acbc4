#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The Host's own kernel boots as a Guest, works, and ends; nothing stays.
. tests/vm/lib.sh

plan 60
guest programs <<'END'
uname -r
/tests/forks 500
/tests/faults
END
for setting in $old "$new poison=yes" smp=1 append=pti=on \
	boot=bzimage boot=5level; do
	host $setting <<'END'
image=vmlinux
[ "$(nproc)" != 2 ] || grep -q pti=on /proc/cmdline || image=vmlinuz
try "lg.ko loads" insmod /lguest/lg.ko
# the Guest's programs may then use more of an address
grep -q la57 /proc/cpuinfo && five=FIVE=1 || five=
faults_are_right() {
	guest_said "^ok - faults.*low memory" && ! guest_said "^not ok"
}
run_guest 256 $image $five
is "poweroff in the Guest: exit status" $? 0
try "the Guest reaches its shell" guest_said GUEST-SHELL-READY
try "the Guest's kernel is the Host's" guest_said "^$(uname -r)"
try "500 times fork, exec and exit" guest_said "^ok - .*fork, exec and exit"
try "each fault of a program is the right signal" faults_are_right
leaves_no_trace
END
done
