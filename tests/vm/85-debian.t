#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A real Debian as Guest: it boots from its disk, has a network, lets root in,
# and leaves a clean file system behind.
. tests/vm/lib.sh

plan 34
debian=build/debian.ext4
[ -e $debian ] || { echo "no $debian: make rootfs" >&2; exit 1; }
guest programs </dev/null
for setting in $old "$new poison=yes"; do
	cp --sparse=always $debian "$work/debian.ext4"
	host $setting memory=1536 timeout=600 \
		modules="virtio_pci virtio_blk tun" drive="$work/debian.ext4" <<'END'
# say COMMAND: type it at the Guest's console.
say() {
	echo "$1" >&3
}
# answers TEXT COMMAND WANTED: what the command prints in the Guest, as one
# line. When the terminal echoes the command, it knows no number yet.
number=0
answers() {
	number=$((number + 1))
	say "a=\$($2); echo answer \$((0 + $number)): \$a."
	eventually 60 guest_said "answer $number: .*\."
	is "$1" "$(tr -d '\r' </tmp/guest.log |
		sed -n "s/^.*answer $number: \(.*\)\.$/\1/p")" "$3"
}
modprobe virtio_pci
modprobe virtio_blk
modprobe tun
try "lg.ko loads" insmod /lguest/lg.ko

run_guest 256 vmlinux rdinit=/tests/entropy random.trust_cpu=off
try "random numbers for the very first process" \
	guest_said "^ok - .*: getrandom() does not wait"

mkfifo /tmp/keys
exec 3<>/tmp/keys
rm /tmp/status
read -r start rest </proc/uptime
{
	timeout 400 /lguest/lguest 384 --block=/dev/vda \
		--tunnet=192.168.19.1 /boot/vmlinux root=/dev/lgba quiet \
		<&3 >/tmp/guest.log 2>&1
	echo $? >/tmp/status
} &
try "Debian asks who is there" eventually 350 guest_said "lguest login: "
read -r now rest </proc/uptime
echo "# the login prompt came after $((${now%.*} - ${start%.*})) s"
say root
try "and lets root in" eventually 30 guest_said "root@lguest:~# "
answers "all is up" "systemctl is-system-running --wait" running
answers "no unit failed" "systemctl --failed --plain --no-legend" ""
answers "root is our disk" "findmnt -no SOURCE,FSTYPE /" "/dev/lgba ext4"
answers "all devices on the bus have a driver" \
	"cd /sys/bus/lguest/devices; cat */type; ls -d */driver | wc -l" \
	"1 2 3 2"
answers "a module of ours on the disk" "modinfo -n lguest_net" \
	"/lib/modules/$(uname -r)/updates/lguest_net.ko"
answers "the network's address" "ip -4 -o address show scope global |
	grep -o 192.168.19.2/24" 192.168.19.2/24
answers "somebody at the other end" \
	"ping -q -c 3 192.168.19.1 | grep -o '[0-9]*% packet loss'" \
	"0% packet loss"
say poweroff
eventually 100 test -e /tmp/status
is "poweroff: exit status" "$(cat /tmp/status)" 0
sed 's/^/guest| /' /tmp/guest.log
leaves_no_trace
END
	if said=$(/sbin/e2fsck -fn "$work/debian.ext4" 2>&1); then
		echo "ok - $setting: a clean file system"
	else
		echo "not ok - $setting: a clean file system"
		echo "$said" | sed 's/^/# /' >&2
	fi
done
