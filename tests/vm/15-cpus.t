#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest boots on CPUs of other makers and years: what its kernel is told of
# them (by cpuid, by model-specific registers) does not contradict itself.
# With CPUS=all, on every kind that QEMU can show: make test-cpus.
. tests/vm/lib.sh

# QEMU's string instructions are as fast as they are; it only has to say so.
icelake='max,vendor=GenuineIntel,family=6,model=106,stepping=6'
icelake="$icelake,x-force-features=on,+erms,+fsrm"
some="$old:cpu=$icelake $new:cpu=Skylake-Server
	$old:cpu=EPYC-Milan"
rest="$new:cpu=$icelake $old:cpu=Skylake-Server
	$new:cpu=EPYC-Milan"
for cpu in Icelake-Server EPYC-Rome EPYC Opteron_G5 core2duo qemu64 Nehalem \
	Haswell Denverton Snowridge KnightsMill Dhyana; do
	rest="$rest $old:cpu=$cpu $new:cpu=$cpu"
done
[ "${CPUS-}" = all ] && some="$some $rest"

plan $(($(echo "$some" | wc -w) * 8))
guest <<'END'
grep -m 3 -E '^(vendor_id|model name|flags)' /proc/cpuinfo
dmesg | grep -E 'WARNING|BUG|unchecked MSR|CPU bug|FIRMWARE' && echo COMPLAINS
dd if=/dev/urandom of=/tmp/a bs=4096 count=1000
cp /tmp/a /tmp/b && cmp /tmp/a /tmp/b && echo COPIED
END
for setting in $some; do
	host $(echo "$setting" | tr : ' ') <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
run_guest 192 vmlinux
is "poweroff in the Guest: exit status" $? 0
try "the Guest copies memory" guest_said COPIED
try "the Guest's kernel complains of nothing" eval '! guest_said COMPLAINS'
leaves_no_trace
END
done
