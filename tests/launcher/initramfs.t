#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a Guest starts from: the same bytes each time, and all that it needs.
kernels=$(extract/kver tried)
echo "1..$((3 * $(echo "$kernels" | wc -w) + 2))"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
result() {
	[ "$1" = 0 ] || printf 'not '
	echo "ok - $2"
}

# What ext4's checksums come from: a module, until it became a part of the kernel.
checksum() {
	! modprobe -S "$1" -R crc32c_generic >/dev/null 2>&1 ||
		echo "lib/modules/$1/.*/crc32c_generic.ko"
}

for series in $kernels; do
	kver=$(extract/kver $series)
	ours=build/host-$kver/guest/$kver
	cp "$ours"/lguest_*.ko "$work"
	touch "$work"/*.ko
	(umask 077 && extract/initramfs "$kver" src/guest/init.sh \
		"$work/one.cpio" "$work"/lguest_*.ko)
	cmp "$work/one.cpio" "$ours/initramfs.cpio" >&2
	result $? "$series: the same input makes the same bytes"
	cpio -it --quiet <"$work/one.cpio" >"$work/list"
	missing=$(for name in init bin/busybox bin/sh sbin \
		"lib/modules/$kver/.*/ext4.ko" \
		$(checksum "$kver") \
		"lib/modules/$kver/updates/lguest_bus.ko" \
		"lib/modules/$kver/updates/lguest_blk.ko" \
		"lib/modules/$kver/updates/lguest_net.ko" \
		"lib/modules/$kver/modules.alias"; do
		grep -qx "$name" "$work/list" || echo "# no $name"
	done)
	[ -z "$missing" ]
	result $? "$series: nothing is missing"
	[ -z "$missing" ] || echo "$missing" >&2
	! grep 'ko\.xz$' "$work/list" >&2
	result $? "$series: nothing is packed twice"
done

! extract/initramfs "$kver" src/guest/init.sh "$work/two.cpio" \
	"$work/lguest_none.ko" 2>"$work/said"
result $? "a module that is not there: refused"
[ ! -e "$work/two.cpio" ]
result $? "and no archive left behind"
