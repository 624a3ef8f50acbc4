#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A disk has one owner, under whatever names: as a file, as a loop device that
# lies on it, as another that lies on that, as swap of the Host's.
. tests/vm/lib.sh

plan $((87 * times))
carry="losetup"
guest </dev/null

cat >"$work/owners" <<'END'
modprobe -a loop ext4
mkdir /etc
echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
truncate -s 4096 /dev/shm/wire
hold ofd /dev/shm/wire >/tmp/held &
eventually 5 grep -q HELD /tmp/held
losetup=/bin/losetup
mkdir /mnt

# A Launcher that takes these disks goes on to the next option, and stops there.
may() {
	timeout 60 /lguest/lguest --block=$1 --sharenet=/nowhere/wire 128 \
		/boot/vmlinux </dev/null >/tmp/line 2>&1
	cat /tmp/line
	grep -q "^lguest: --sharenet: cannot open /nowhere/wire" /tmp/line
}
may_not() {
	! may $1 && [ $(wc -l </tmp/line) = 1 ] && grep -q \
		"^lguest: cannot use .*; one Guest at a time, or all read-only" \
		/tmp/line
}
cannot() {
	! may $1 && [ $(wc -l </tmp/line) = 1 ]
}
# One that keeps its disk: it waits for the lock on a wire, until `free`. What the
# last one said is gone first, or we would take it for what this one says.
has() {
	: >/tmp/has
	/lguest/lguest --verbose --block=$1 --sharenet=/dev/shm/wire 128 \
		/boot/vmlinux </dev/null >/tmp/has 2>&1 &
	owner=$!
	eventually 30 grep -q "^lguest: disk: " /tmp/has
}
free() {
	kill $owner
	wait $owner
}
neither() {
	try "$1: not to write $2" may_not $2
	try "$1: not to read $2" may_not $2,ro
}
only_read() {
	try "$1: not to write $2" may_not $2
	try "$1: to read $2" may $2,ro
}
both() {
	try "$1: to write $2" may $2
	try "$1: to read $2" may $2,ro
}

# A file, and a loop device that lies on it.
truncate -s 32M /tmp/file
ln /tmp/file /tmp/other
both "nobody has it" /tmp/file
$losetup /dev/loop1 /tmp/file
neither "a loop device has it" /tmp/file
neither "by another name" /tmp/other
both "the device itself" /dev/loop1
# Who may not ask the device knows it by its file's name.
chown nobody /tmp/file
for_nobody() {
	! su nobody -c "timeout 60 /lguest/lguest --block=/tmp/file \
		--sharenet=/nowhere/wire 128 /boot/vmlinux" </dev/null \
		>/tmp/line 2>&1 &&
		grep "^lguest: cannot use /tmp/file: another Guest" /tmp/line
}
try "a loop device has it: not for nobody" for_nobody
mke2fs /dev/loop1 >/dev/null 2>&1
mount -t ext4 /dev/loop1 /mnt
neither "and it is mounted" /tmp/file
neither "and it is mounted" /dev/loop1
umount /mnt
try "a Guest has the device" has /dev/loop1
neither "a Guest has the device" /tmp/file
neither "a Guest has the device" /dev/loop1
free
$losetup -d /dev/loop1
both "the loop device is gone" /tmp/file
$losetup -r /dev/loop1 /tmp/file
only_read "to read it only" /tmp/file
only_read "to read it only" /tmp/other
try "to read it only: the device" may /dev/loop1,ro
try "a Guest reads the file" has /tmp/file,ro
try "another reads the device" may /dev/loop1,ro
free
$losetup -d /dev/loop1

# The other order: first a Guest, then the loop device.
try "a Guest writes the file" has /tmp/file
$losetup /dev/loop1 /tmp/other
neither "then comes a loop device" /dev/loop1
free
$losetup -d /dev/loop1
try "a Guest reads the file" has /tmp/file,ro
$losetup /dev/loop1 /tmp/file
only_read "then comes a loop device to its reader" /dev/loop1
free

# A file whose name is gone, but for another.
rm /tmp/file
neither "its name is gone" /tmp/other
try "its name is gone: the device can't be had" cannot /dev/loop1
$losetup -d /dev/loop1

# Two loop devices: on the same bytes, and on others.
mv /tmp/other /tmp/file
$losetup /dev/loop1 /tmp/file
$losetup /dev/loop2 /tmp/file
neither "two loop devices" /dev/loop1
$losetup -d /dev/loop2
$losetup -d /dev/loop1
$losetup --offset 1M --sizelimit 8M /dev/loop1 /tmp/file
$losetup --offset 9M --sizelimit 8M /dev/loop2 /tmp/file
$losetup --offset 16M /dev/loop3 /tmp/file
both "before the others" /dev/loop1
neither "two that overlap" /dev/loop2
neither "two that overlap" /dev/loop3
$losetup -d /dev/loop3
try "a Guest has a part of the file" has /dev/loop1
both "the other part" /dev/loop2
neither "a Guest has a part of the file" /dev/loop1
neither "a Guest has a part of the file" /tmp/file
free
$losetup -d /dev/loop2
$losetup -d /dev/loop1

# One upon another, and upon a partition.
{
	head -c 446 /dev/zero
	printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\100\0\0'
	printf '\0\0\0\0\203\0\0\0\0\110\0\0\0\100\0\0'
	head -c 32 /dev/zero
	printf '\125\252'
} | dd of=/tmp/file conv=notrunc 2>/dev/null
$losetup -P /dev/loop1 /tmp/file
try "a disk with partitions" test -b /dev/loop1p1 -a -b /dev/loop1p2
$losetup /dev/loop2 /dev/loop1p1
neither "one upon another" /dev/loop1
neither "one upon another" /dev/loop1p1
both "beside it" /dev/loop1p2
both "on top" /dev/loop2
try "a Guest is on top" has /dev/loop2
neither "a Guest is on top" /dev/loop1
neither "a Guest is on top" /dev/loop1p1
neither "a Guest is on top" /tmp/file
both "a Guest is on top: beside it" /dev/loop1p2
free
$losetup -d /dev/loop2
try "a Guest is below" has /dev/loop1p1
$losetup /dev/loop2 /dev/loop1
neither "a Guest is below" /dev/loop2
$losetup -d /dev/loop2
free

# Two who want two partitions at the same moment: both get them.
one() {
	timeout 60 /lguest/lguest --block=/dev/loop1p$1 \
		--sharenet=/nowhere/wire 128 /boot/vmlinux \
		</dev/null >/tmp/line$1 2>&1
}
races() {
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		one 1 &
		first=$!
		one 2
		wait $first
		cat /tmp/line1 /tmp/line2 >/tmp/lines
		[ $(grep -c "cannot open /nowhere" /tmp/lines) = 2 ] || {
			cat /tmp/lines
			return 1
		}
	done
}
try "two partitions at the same moment" races

# Swap.
mkswap /dev/loop1p2 >/dev/null
swapon /dev/loop1p2
neither "swap" /dev/loop1p2
neither "swap" /tmp/file
both "beside swap" /dev/loop1p1
swapoff /dev/loop1p2
mke2fs /dev/loop1p1 >/dev/null 2>&1
mount -t ext4 /dev/loop1p1 /mnt
dd if=/dev/zero of=/mnt/swap bs=1M count=4 2>/dev/null
mkswap /mnt/swap >/dev/null
both "a file like others" /mnt/swap
swapon /mnt/swap
try "swap in a file: not to write" may_not /mnt/swap
swapoff /mnt/swap
umount /mnt

# A user who has no business here, and locks that everybody can have.
for name in dev size loop1p1/dev; do
	: >/tmp/held
	su nobody -c "hold flock /sys/block/loop1/$name" >/tmp/held &
	eventually 5 grep -q HELD /tmp/held
done
both "somebody holds what all can hold" /dev/loop1
both "somebody holds what all can hold" /dev/loop1p1

# A folder for all, and somebody who was there first.
echo 1 >/proc/sys/fs/protected_regular
su nobody -c "truncate -s 4096 /dev/shm/strange && chmod 666 /dev/shm/strange"
strange() {
	timeout 60 /lguest/lguest --sharenet=/dev/shm/strange \
		--sharenet=/nowhere/wire 128 /boot/vmlinux </dev/null
}
is "a stranger's wire" "$(strange 2>&1)" "lguest: --sharenet: cannot open \
/dev/shm/strange: Permission denied"
END
for setting in $kernels; do
	host $setting modules="loop ext4" timeout=300 <"$work/owners"
done
