#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Who shares a CPU with a Guest, or looks at one, finds it as Linux left it;
# and a Guest's programs find it as their kernel left it.
. tests/vm/lib.sh

plan 7
guest programs <<'END'
cd /tests
ONLY="switches switches32" sh guest-suite.sh
END
host <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
# from CPU 1, so that the Guest's number is not the Host's
taskset 2 sh -c '. /test/lib.sh; run_guest 256 vmlinux'
try "its kernel's switches" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'
run_guest 256 vmlinux noxsave nofsgsbase
try "noxsave nofsgsbase" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'
leaves_no_trace
END
