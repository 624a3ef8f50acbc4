#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Words for a Guest's kernel: those which harden it, and those which take
# something away. It boots, and its programs run.
. tests/vm/lib.sh

plan $((5 * times))
guest programs <<'END'
for word in $(cat /proc/cmdline); do
	case $word in lockdown=*) mount -t securityfs s /sys/kernel/security ;; esac
done
cat /sys/kernel/security/lockdown 2>/dev/null
for n in 1 2 3; do
	sh -c 'echo $((6 * 7)) | sed s/42/fine/'
done
! grep -q ia32_emulation=off /proc/cmdline || /tests/faults
grep -o " pti" /proc/cpuinfo | head -n 1
dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|Call Trace'
END
for setting in $kernels; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
# boots TEXT WORD...
boots() {
	text=$1
	shift
	run_guest 512 vmlinux "$@"
	status=$?
	is "$text: status, programs, complaints" "$status \
$(grep -c ^fine /tmp/guest.log) $(grep -cE 'WARNING: CPU|BUG:|Oops|Trace|^not ok' \
/tmp/guest.log)" "0 3 0"
}
boots "pti=on" pti=on mitigations=auto
boots "hardened" init_on_free=1 init_on_alloc=1 slub_debug=FZPU page_poison=1 \
	slab_nomerge lockdown=confidentiality mitigations=auto,nosmt \
	spectre_v2=on retbleed=ibpb iommu=soft swiotlb=force
boots "with less" nopcid nopge nopat nofsgsbase clearcpuid=pcid,pge idle=poll \
	threadirqs nohz=off highres=off notsc tsc=unstable \
	clocksource=jiffies percpu_alloc=page numa=fake=2 crashkernel=64M \
	memtest=1 initcall_debug acpi=force pci=on
boots "without 32-bit programs" ia32_emulation=off
END
done
