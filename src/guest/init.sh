#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest's first program: loads the drivers, finds the disk, moves there.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

shell() {
	echo "lguest: $*" >&2
	echo "lguest: so here is a shell; its end switches the Guest off" >&2
	setsid cttyhack sh
	poweroff -f
}

load_drivers() {
	loaded=
	while :; do
		names=$(sed -n 's/^MODALIAS=//p' /sys/bus/*/devices/*/uevent)
		[ "$names" != "$loaded" ] || break
		modprobe -aq $names
		loaded=$names
	done
}

find_root() {
	case $root in
	UUID=* | LABEL=*) findfs "$root" 2>/dev/null ;;
	*) [ -b "$root" ] && echo "$root" ;;
	esac
}


root='' type=ext4 options=ro init=/sbin/init
for word in $(cat /proc/cmdline); do
	case $word in
	root=*) root=${word#*=} ;;
	rootfstype=*) type=${word#*=} ;;
	rootflags=*) options=$options,${word#*=} ;;
	ro | rw) options=$options,$word ;;
	init=*) init=${word#*=} ;;
	esac
done
load_drivers
[ -n "$root" ] || shell "no root= was given"
for second in 0 1 2 3 4 5 6 7 8 9; do
	! disk=$(find_root) || break
	[ $second != 0 ] || echo "lguest: waiting for root=$root"
	sleep 1
	load_drivers
done
disks=$(awk 'NR > 2 { print $4 }' /proc/partitions | xargs)
[ -n "$disk" ] || shell "root=$root did not come; there is ${disks:-nothing}"
modprobe -q "$type"
mount -t "$type" -o "$options" "$disk" /root ||
	shell "$disk cannot be mounted as $type"
[ -e "/root$init" ] || [ -L "/root$init" ] || shell "$disk has no $init"
for tree in proc sys dev; do
	mount --move /$tree /root/$tree
done
exec switch_root /root "$init" "$@"
