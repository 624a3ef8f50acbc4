#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# DMA by key, between tiny Guests and their Launchers: what arrives, what is
# refused, who dies of it, and who does not.
. tests/vm/lib.sh

plan 158
guest </dev/null
for setting in $new "$old poison=yes"; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
timeout 100 dma
is "all of it" $? 0
leaves_no_trace
END
done
