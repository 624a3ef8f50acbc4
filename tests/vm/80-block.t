#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Disks: right data, errors that are told, and what was safe stays safe when
# the Launcher is killed or the Host loses its power.
. tests/vm/lib.sh

plan 104
tool=build/vm/disk
[ $tool -nt tests/vm/programs/disk.c ] ||
	cc -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -static -o $tool \
		tests/vm/programs/disk.c || exit 1
carry="$tool e2fsck losetup"

# The Guest loads its drivers as its first program does in real life.
{
	sed -n '/^load_drivers()/,/^}/p' src/guest/init.sh
	cat tests/vm/host-lib.sh
	cat <<'END'
load_drivers
bus=/sys/bus/lguest/devices
is "the list: a console, six disks" "$(cat $bus/*/type | xargs)" "1 2 2 2 2 2 2"
is "drivers came by themselves, and are ready" \
	"$(cat $bus/*/status | xargs)" "0x7 0x7 0x7 0x7 0x7 0x7 0x7"
is "sizes in sectors" "$(cat /sys/block/lgb?/size | xargs)" \
	"65536 2048 32768 32768 16384 2048"
is "who is read-only" "$(cat /sys/block/lgb?/ro | xargs)" "0 1 0 0 0 0"
try "no write to that one" \
	eval "! dd if=/dev/zero of=/dev/lgbb bs=4k count=1"
echo "read-only: $(sha256sum </dev/lgbb)"

# fails ERROR DD-ARGUMENT...: the disk answers with that error.
fails() {
	error=$1
	shift
	! dd "$@" bs=4k >/tmp/dd 2>&1 && grep "$error" /tmp/dd
}
seed=$(od -An -N2 -tu2 /dev/urandom | xargs)
disk verify /dev/lgba $seconds "$seed"

try "a full disk of the Host's" fails "No space left" \
	if=/dev/zero of=/dev/lgbd oflag=direct
try "and room again after a discard" \
	eval "blkdiscard /dev/lgbd && dd if=/dev/zero of=/dev/lgbd bs=1M count=2"
try "before the Host cuts a file" \
	dd if=/dev/lgbe of=/tmp/end bs=4k skip=2047 iflag=direct
echo CUT-IT
try "after it" eventually 40 fails "Input/output error" \
	if=/dev/lgbe of=/dev/null skip=2047 iflag=direct
try "and before the cut all is well" \
	dd if=/dev/lgbe of=/tmp/end bs=4k count=1 iflag=direct

printf '%s\n' o n p 1 '' +4M n p 2 '' '' w |
	fdisk /dev/lgbc >/dev/null 2>&1
try "two partitions" test -b /dev/lgbc1 -a -b /dev/lgbc2
head -c 5000000 /dev/urandom >/tmp/random
dd if=/tmp/random of=/dev/lgbc2 conv=fsync 2>/dev/null
exec 5</dev/lgbc1
try "the driver of a disk in use stays" eval "! rmmod lguest_blk"
exec 5<&-
try "that of an idle one goes" rmmod lguest_blk
try "with its disks" eval "! ls /dev/lgb*"
is "which says so" "$(cat $bus/*/status | xargs)" "0x7 0x1 0x1 0x1 0x1 0x1 0x1"
try "and comes back" modprobe lguest_blk
try "with the partitions" test -b /dev/lgbc1 -a -b /dev/lgbc2
is "and what is in them" "$(head -c 5000000 /dev/lgbc2 | sha256sum)" \
	"$(sha256sum </tmp/random)"

# The Launcher pulls a plug while a request is under way. It shall not see the
# request: we pretend that it is awake.
entry=$((0x10000000 + 6 * 32))
page=$((0x$(devmem $((entry + 24)) 64 | sed s/^0x//) * 4096))
eventually 10 eval "[ \$(devmem $((page + 12)) 32) != 0x00000000 ]"
devmem $((page + 12)) 32 0
dd if=/dev/lgbf of=/dev/null bs=4k count=1 iflag=direct 2>/tmp/pulled &
usleep 300000
try "a request waits for an answer" kill -0 $!
devmem $((entry + 16)) 32 1
echo PULL-IT
try "a disk that was pulled out is gone" \
	eventually 20 eval "! ls /dev/lgbf"
try "from the list, too" eval "! ls $bus/lguest6"
wait $!
try "and who waited got an error" grep "Input/output error" /tmp/pulled
disk verify /dev/lgba 3 "$seed"
echo "in the end: $(sha256sum </dev/lgba)"
END
} >"$work/in-guest"
guest drivers <"$work/in-guest"

for setting in $old "$new poison=yes"; do
	host $setting timeout=200 memory=1536 <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
mkdir /mnt
mount -t tmpfs -o size=4m small /mnt
truncate -s 32M /tmp/a
head -c 1048576 /dev/urandom >/tmp/b
truncate -s 16M /tmp/c /mnt/d
truncate -s 8M /tmp/e
truncate -s 1M /tmp/f
{
	until guest_said CUT-IT; do usleep 100000; done
	truncate -s 4M /tmp/e
	/lguest/lguest 256 /boot/vmlinux --block=/tmp/a </dev/null \
		>/tmp/second 2>&1
	echo $? >/tmp/second.status
	until guest_said PULL-IT; do usleep 100000; done
	ring $(pidof lguest) 2
} 2>/dev/null &
run_guest 256 vmlinux seconds=7 --block=/tmp/a --block=/tmp/b,ro \
	--block=/tmp/c --block=/mnt/d --block=/tmp/e --block=/tmp/f
is "poweroff in the Guest: exit status" $? 0
tr -d '\r' </tmp/guest.log | grep -E '^(not )?ok - '
try "a disk is the file" guest_said "in the end: $(sha256sum </tmp/a)"
try "a read-only disk is the file" guest_said \
	"read-only: $(sha256sum </tmp/b)"
is "a second Launcher on one file: status" "$(cat /tmp/second.status)" 1
is "and one line" "$(grep -c '^lguest: ' /tmp/second)/$(wc -l </tmp/second)" 1/1
leaves_no_trace
END
done

# Past the Host's page cache, from a disk whose sectors are larger than ours.
{
	sed -n '/^load_drivers()/,/^}/p' src/guest/init.sh
	cat tests/vm/host-lib.sh
	cat <<'END'
load_drivers
is "direct disks: read-only" "$(cat /sys/block/lgb?/ro | xargs)" "0 1"
disk verify /dev/lgba 5 "$(od -An -N2 -tu2 /dev/urandom | xargs)"
echo "in the end: $(sha256sum </dev/lgba)"
echo "read-only: $(sha256sum </dev/lgbb)"
END
} >"$work/in-guest"
guest drivers <"$work/in-guest"
mkdir "$work/inner"
/sbin/mke2fs -q -t ext4 -b 4096 "$work/inner/image" 48M >&2
head -c 1048576 /dev/urandom >"$work/inner/b"
/sbin/mke2fs -q -t ext4 -d "$work/inner" "$work/outer.ext4" 96M >&2
host timeout=200 memory=1536 modules="virtio_pci virtio_blk loop ext4" \
	drive="$work/outer.ext4" <<'END'
modprobe -a virtio_pci virtio_blk loop ext4
try "lg.ko loads" insmod /lguest/lg.ko
mkdir /outer /inner
mount -t ext4 /dev/vda /outer
/bin/losetup -b 4096 /dev/loop0 /outer/image
mount -t ext4 /dev/loop0 /inner
mkdir /plain
mount -t ramfs ramfs /plain
truncate -s 32M /inner/a /plain/a
run_guest 256 vmlinux --block=/inner/a,direct --block=/outer/b,direct,ro
is "direct disks: exit status" $? 0
tr -d '\r' </tmp/guest.log | grep -E '^(not )?ok - '
try "a direct disk is the file" guest_said "in the end: $(sha256sum </inner/a)"
try "a read-only one, too" guest_said "read-only: $(sha256sum </outer/b)"
/lguest/lguest 256 /boot/vmlinux --block=/plain/a,direct </dev/null >/tmp/no 2>&1
is "where there is no direct way: status" $? 1
is "and one line" "$(cat /tmp/no)" "lguest: cannot use /plain/a directly: its \
file system has no such way; leave out \",direct\""
leaves_no_trace
END

# A file system with a program that writes for ever, and says what is safe.
root=$work/root
mkdir -p "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" \
	"$root/data"
cp /bin/busybox $tool "$root/bin"
ln -s busybox "$root/bin/sh"
cat >"$root/sbin/init" <<'END'
#!/bin/sh
exec disk write /data
END
cat >"$root/sbin/show" <<'END'
#!/bin/busybox sh
/bin/busybox grep ' / ' /proc/mounts
echo "words: $0 $*"
/bin/busybox poweroff -f
END
chmod 755 "$root/sbin/init" "$root/sbin/show"
/sbin/mke2fs -q -t ext4 -b 4096 -L the-disk -d "$root" "$work/root.ext4" 24M >&2

guest </dev/null
host poison=yes timeout=600 memory=1536 modules="virtio_pci virtio_blk loop ext4" \
	drive="$work/root.ext4" <<'END'
modprobe -a virtio_pci virtio_blk loop ext4
try "lg.ko loads" insmod /lguest/lg.ko
# start NAME WORD...: a Launcher, with its disk, in the background
start() {
	name=$1
	shift
	cp /dev/vda /tmp/$name.disk
	: >/tmp/$name
	/lguest/lguest 128 --block=/tmp/$name.disk /boot/vmlinux quiet "$@" \
		</dev/null >/tmp/$name 2>&1 &
}

# The first program, and what it makes of the kernel's words.
start a root=LABEL=the-disk init=/sbin/show rootflags=noatime -- one two
{
	eventually 90 grep -q "here is a shell" /tmp/b
	echo exit
} | timeout 120 /lguest/lguest 128 --block=/dev/vda,ro /boot/vmlinux \
	quiet root=/dev/lgbz >/tmp/b 2>&1
is "the end of the shell is the Guest's" $? 0
wait
try "the root is found by its label, mounted as wanted" \
	grep "^/dev/lgba / ext4 ro,noatime" /tmp/a
try "words go to the next program" grep "^words: .* one two" /tmp/a
try "a disk that is not there" \
	grep "^lguest: root=/dev/lgbz did not come; there is lgba" /tmp/b
try "then a shell" grep "^lguest: so here is a shell" /tmp/b

# a_life NAME HUNDREDTHS: until that long after its first words, then kill.
# Whatever was said to be safe has to be in the file.
a_life() {
	start $1 root=/dev/lgba rw
	eventually 90 grep -q "^safe 3" /tmp/$1
	usleep $2'0000'
	kill -9 $! && echo "lived"
	wait $!
	last=$(tr -d '\r' </tmp/$1 | sed -n 's/^safe \([0-9]*\)$/\1/p' | tail -n 1)
	mkdir -p /mnt/$1
	mount -t ext4 -o loop /tmp/$1.disk /mnt/$1 &&
		disk written /mnt/$1/data "$last"
	echo "safe: $last"
	umount /mnt/$1
	e2fsck -fn /tmp/$1.disk && echo "clean"
}
for i in 0 7 15 24 38 55 83 120 168 231; do
	a_life a $i >/tmp/life.a.$i 2>&1 &
	a_life b $((i + 4)) >/tmp/life.b.$i 2>&1 &
	wait
done
count() {
	cat /tmp/life.* | grep -c "$1"
}
echo "# safe, each: $(sed -n 's/^safe: //p' /tmp/life.* | sort -n | xargs)"
is "20 Launchers were killed" "$(count ^lived)" 20
is "all that was safe was in their disks" "$(count '^ok - disk')" 20
is "and the file systems were clean" "$(count ^clean)" 20
[ "$(count ^clean)" = 20 ] || cat /tmp/life.*
leaves_no_trace
END

# The Host loses its power: whatever was safe is on the Host's disk, in a file,
# in a file system in that file.
cut() {
	wait_for "safe 8"
	sleep "$pause"
	monitor quit
}
# repaired TEXT IMAGE: a journal is played back, and nothing else is wrong.
repaired() {
	if said=$(/sbin/e2fsck -p "$2" 2>&1; /sbin/e2fsck -fn "$2" 2>&1); then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "$said" | sed 's/^/# /' >&2
	fi
}
mkdir "$work/disks"
cp --sparse=always "$work/root.ext4" "$work/disks/guest.ext4"
for how in 0.1 1.1,direct; do
	pause=${how%%,*} option=${how#"$pause"}
	/sbin/mke2fs -q -F -t ext4 -d "$work/disks" "$work/host.ext4" 64M >&2
	settings timeout=120 meanwhile=cut modules="virtio_pci virtio_blk ext4" \
		drive="$work/host.ext4"
	cat >"$work/host.sh" <<'END'
modprobe -a virtio_pci virtio_blk ext4
mkdir /mnt
mount -t ext4 /dev/vda /mnt
insmod /lguest/lg.ko
/lguest/lguest 128 /boot/vmlinux quiet --block="/mnt/guest.ext4$option" \
	root=/dev/lgba rw </dev/null 2>&1 | sed 's/^/guest| /'
END
	sed -i "1i option=$option" "$work/host.sh"
	host_initramfs "$work/host.cpio" "$kver"
	run_machine "$work/host.cpio" "guest| safe 8"
	last=$(sed -n 's/.* guest| safe \([0-9]*\)$/\1/p' "$log.times" | tail -n 1)
	repaired "after a power cut${option:+, direct}, $last safe: the Host's file system" \
		"$work/host.ext4"
	rm -rf "$work/guest.ext4" "$work/data"
	/sbin/debugfs -R "dump /guest.ext4 $work/guest.ext4" \
		"$work/host.ext4" 2>/dev/null
	repaired "and the Guest's in it" "$work/guest.ext4"
	/sbin/debugfs -R "rdump /data $work" "$work/guest.ext4" 2>/dev/null
	$tool written "$work/data" "$last"
done
