#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The Host's own vmlinuz boots as a Guest, to a shell and to the end.
. tests/vm/lib.sh

plan 30
guest <<'END'
uname -r
END
for setting in kernel=6.1 kernel=6.12 smp=1 append=pti=on boot=bzimage; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
run_guest 256 vmlinuz
is "poweroff in the Guest: exit status" $? 0
try "the Guest reaches its shell" guest_said GUEST-SHELL-READY
try "the Guest's kernel is the Host's" guest_said "^$(uname -r)"
try "lg.ko unloads" rmmod lg
try "the Host is well" host_is_well
END
done
