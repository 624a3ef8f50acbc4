#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The Host's own disks and bridges: a Guest hears what kind they are, and nobody
# reads what another writes.
. tests/vm/lib.sh

plan 70
truncate -s 1M "$work/turning"
carry="losetup"

# What is typed is done; the kind of each disk comes first.
cat >"$work/in-guest" <<'END'
modprobe -a lguest:type2 lguest:type3
for disk in /sys/block/lgb?; do
	cd $disk
	echo "KIND $(basename $disk) $(cat queue/logical_block_size \
		queue/physical_block_size queue/rotational \
		queue/discard_granularity | xargs)"
	for part in lgb??; do
		[ ! -d $part ] || echo "PART $part $(cat $part/size)"
	done
done
for card in /sys/class/net/eth*; do
	[ ! -d $card ] || echo "CARD $(cat $card/address $card/mtu | xargs)"
done
END
{
	cat "$work/in-guest"
	echo 'case $(cat /proc/cmdline) in *once*) poweroff -f ;; esac'
	cat <<'END'
if grep -q again /proc/cmdline; then
	sleep 2
	reboot -f
fi
stty -echo
echo UP
while read -r order; do
	sh -c "$order" </dev/null 2>&1
	echo "DONE $?"
done
END
} >"$work/whole"
guest drivers <"$work/whole"

# A disk with sectors of 4096, two partitions, on loop device $1, from file $2.
cat >"$work/beginning" <<'END'
modprobe -a loop ext4 tun bridge virtio_pci virtio_blk
try "lg.ko loads" insmod /lguest/lg.ko
little_endian() {
	printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\0\0"
}
entry() {
	printf '\0\0\0\0\203\0\0\0'
	little_endian $1
	little_endian $2
}
disk() {
	truncate -s 64M /tmp/$1
	{
		head -c 446 /dev/zero
		entry 256 2048
		entry 4096 4096
		head -c 32 /dev/zero
		printf '\125\252'
	} | dd of=/tmp/$1 conv=notrunc 2>/dev/null
	/bin/losetup -b 4096 -P /dev/$1 /tmp/$1
}
said() {
	tr -d '\r' </tmp/$1 | sed -n "s/^$2 //p" | xargs
}
# A Launcher that takes this disk goes on to the next option, and stops there.
may() {
	/lguest/lguest --block=$1 --sharenet=/nowhere/wire 128 /boot/vmlinux \
		</dev/null >/tmp/line 2>&1
	grep -q "^lguest: --sharenet: cannot open /nowhere/wire" /tmp/line
}
may_not() {
	! may $1 && [ $(wc -l </tmp/line) = 1 ] && grep \
		"^lguest: cannot use .*; one Guest at a time, or all read-only" \
		/tmp/line
}
END
first() {
	cat "$work/beginning"
	cat <<'END'
disk loop1
disk loop2
try "a disk with sectors of 4096" test -b /dev/loop1p1 -a -b /dev/loop2p2
mknod /tmp/node b 7 1
mknod /tmp/part b $(tr : ' ' </sys/block/loop1/loop1p1/dev)
mknod /tmp/node2 b 7 2
brctl addbr br0
ip tuntap add mode tap name port 2>/dev/null || tunctl -t port
ip link set port mtu 9000
brctl addif br0 port
ip link set br0 up
is "a bridge with an MTU" "$(cat /sys/class/net/br0/mtu)" 9000
END
}
{
	first
	cat <<'END'
truncate -s 8M /tmp/file
begin a 192 --block=/dev/loop1 --block=/tmp/file --block=/dev/vda,ro \
	--block=/dev/loop2p2,direct \
	--tunnet=bridge:br0,mac=02:00:00:00:00:07
try "a Guest has it" eventually 90 is_up a
is "the bridge's MTU stays" "$(cat /sys/class/net/br0/mtu)" 9000
is "the card has it, and the address that was given" "$(said a CARD)" \
	"02:00:00:00:00:07 9000"
kind() {
	said a KIND | sed "s/.*lgb$1 \([0-9]* [0-9]* [0-9]* [0-9]*\).*/\1/"
}
is "the disk's kind is the Host's" "$(kind a)" "4096 4096 0 4096"
is "a file's" "$(kind b)" "512 4096 0 4096"
is "one that turns, to read only" "$(kind c)" "512 512 1 0"
is "a partition's" "$(kind d)" "4096 4096 0 4096"
is "it has two partitions" "$(said a PART)" "lgba1 16384 lgba2 32768"
tell a "head -c 4194304 /dev/urandom >/tmp/x; dd if=/tmp/x of=/dev/lgba2 bs=1M conv=fsync"
tell a "dd if=/tmp/x of=/dev/lgbd bs=4k oflag=direct" >/dev/null
sum=$(tell a "sha256sum </tmp/x")
is "it writes four megabytes" "$(tell a "wc -c </tmp/x")" 4194304
is "what it writes is there" "$(head -c 4194304 /dev/loop1p2 | sha256sum)" "$sum"
is "past the Host's page cache, too" \
	"$(head -c 4194304 /dev/loop2p2 | sha256sum)" "$sum"
sync
full=$(du -k /tmp/loop1 | cut -f1)
try "a discard" tell a "blkdiscard /dev/lgba2"
try "reaches the disk" test $(du -k /tmp/loop1 | cut -f1) -lt $((full - 3000))

# Somebody writes: nobody else reads or writes.
for other in /dev/loop1 /dev/loop1,ro /tmp/node /tmp/node,ro /dev/loop1p1 \
	/dev/loop1p1,ro /tmp/part /tmp/part,ro /dev/loop2 /dev/loop2,ro \
	/tmp/node2,ro /dev/loop2p2,ro; do
	try "beside a writer: not $other" may_not $other
done
try "but another partition" may /dev/loop2p1
try "or to read it" may /dev/loop2p1,ro
end a

# Somebody reads: others may, but not write.
begin a 192 --block=/dev/loop1p1 --block=/dev/loop2,ro
try "a Guest writes a partition" eventually 90 is_up a
try "not the disk" may_not /dev/loop1,ro
try "not by another node" may_not /tmp/node
for other in /dev/loop2 /tmp/node2 /dev/loop2p1 /dev/loop2p2; do
	try "beside a reader: not $other" may_not $other
done
for other in /dev/loop2,ro /tmp/node2,ro /dev/loop2p2,ro; do
	try "beside a reader: $other" may $other
done
end a
begin a 192 --block=/dev/loop1p1,ro
try "a Guest reads a partition" eventually 90 is_up a
for other in /dev/loop1 /dev/loop1p1 /tmp/part; do
	try "beside it: not $other" may_not $other
done
for other in /dev/loop1,ro /tmp/part,ro /dev/loop1p2; do
	try "beside it: $other" may $other
done
end a
try "afterwards it is free" may /dev/loop1

# The Host itself.
mke2fs -b 4096 /dev/loop1p1 >/dev/null
mkdir /mnt
mount -t ext4 /dev/loop1p1 /mnt
for other in /dev/loop1p1 /dev/loop1p1,ro /dev/loop1,ro /tmp/part,ro; do
	try "the Host has mounted it: not $other" may_not $other
done
mount -o remount,ro /mnt
try "to read it only: not to write" may_not /dev/loop1p1
try "to read it only: to read" may /dev/loop1p1,ro
umount /mnt
try "afterwards it is free" may /dev/loop1p1

# A Guest that reboots has the same card.
/lguest/lguest --initrd=/guest.cpio 192 /boot/vmlinux quiet again \
	--tunnet=bridge:br0 </dev/null >/tmp/b 2>&1 &
twice() {
	[ $(said b CARD | wc -w) -ge 4 ]
}
try "a Guest reboots" eventually 120 twice
kill $!
wait $!
set -- $(said b CARD)
is "and its card has the same address" "$1 $2" "$3 9000"
leaves_no_trace
END
} | host modules="loop ext4 tun bridge virtio_pci virtio_blk" \
	memory=1536 timeout=400 drive="$work/turning"
{
	first
	cat <<'END'
truncate -s 8M /tmp/file
/lguest/lguest --initrd=/guest.cpio 192 /boot/vmlinux quiet once \
	--block=/dev/loop1 --block=/tmp/file </dev/null >/tmp/a 2>&1
is "the disks' kinds are the Host's" "$(said a KIND)" \
	"lgba 4096 4096 0 4096 lgbb 512 4096 0 4096"
is "it has two partitions" "$(said a PART)" "lgba1 16384 lgba2 32768"
leaves_no_trace
END
} | host $new modules="loop ext4 tun bridge virtio_pci virtio_blk" \
	memory=1536 timeout=200
