#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Programs that would notice: everything a Guest's user space relies on.
. tests/vm/lib.sh

plan 14
guest programs <<'END'
sh /tests/guest-suite.sh
END
for setting in $old "$new poison=yes"; do
	host $setting timeout=900 memory=1536 <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
limit=800
run_guest 512 vmlinux
is "poweroff in the Guest: exit status" $? 0
sed -n 's/^not ok/# &/p' /tmp/guest.log
try "all programs say ok" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'
leaves_no_trace
END
done
