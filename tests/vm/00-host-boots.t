#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Stock kernels boot as the Host, and lg.ko comes and goes.
. tests/vm/lib.sh

plan $((4 * times + 4))
for setting in $kernels boot=bzimage; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
try "there is a /dev/lguest" test -c /dev/lguest
try "lg.ko unloads" rmmod lg
try "the Host is well" host_is_well
END
done
