#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a Guest turns off in its CPU must not be missed by its Host: NMIs beside a
# Guest that has asked for nothing, and switches that this Host does not have.
. tests/vm/lib.sh

plan $((4 * times))
guest </dev/null
for setting in $kernels; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
taskset 2 payload bad_user_return 60 >/tmp/out 2>&1 &
sleep 1
dmesg -n 1
for i in $(seq 150); do
	echo l >/proc/sysrq-trigger
done
try "NMIs strike beside a Guest without FSGSBASE" kill -0 $!
END
	host $setting append=noxsave <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
payload xcr0 >/tmp/out 2>&1
try "a Host without OSXSAVE has no XCR0 to give" test -s /tmp/out
END
done
