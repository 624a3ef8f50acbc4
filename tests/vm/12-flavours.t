#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian's kernels for clouds and for real time are Hosts and Guests, and so are
# two that are not the same. FLAVOURS=all: also those of the newer kernel.
. tests/vm/lib.sh

flavours=$(extract/kver flavours ${FLAVOURS-})
pairs=
[ "$old" = "$new" ] || pairs="$old,inside=${new#kernel=} $new,inside=${old#kernel=}"
plan $((10 * $(echo $flavours $pairs | wc -w)))

guest drivers <<'END'
echo "kernel $(uname -r)"
for i in 0 1 2 3 4 5 6 7 8 9; do
	for j in 0 1 2 3 4 5 6 7 8 9; do sh -c : || exit; done
done
echo "a hundred processes"
for driver in lguest_bus lguest_blk lguest_net; do
	modprobe $driver || exit
done
echo "three drivers"
from=$(date +%s)
sleep 2
[ $(($(date +%s) - from)) -ge 2 ] && echo "two seconds"
END

for setting in $(echo $flavours | sed -E 's/[^ ]+/kernel=&/g') $pairs; do
	host $(echo $setting | tr , ' ') <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
run_guest 256 vmlinuz
is "poweroff in the Guest: exit status" $? 0
try "the Guest reaches its shell" guest_said GUEST-SHELL-READY
try "its kernel is the one that was asked for" \
	guest_said "^kernel $(ls /lguest/guest)"
try "it makes a hundred processes and loads its drivers" \
	guest_said "^three drivers"
try "it sleeps, and its clock goes" guest_said "^two seconds"
leaves_no_trace
END
done
