#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# How fast are a Guest's disk and network, beside the Host's own? fio works on
# a file in the Host, and with the same words on the Guest's disk, which is that
# file, with no cache of the Host's in between: what the Guest keeps in mind, it
# keeps itself. A TCP stream goes through the Host's loopback, to Guests, and back.
# All in one run, row by row, by the clock of whoever waits for the last byte.
#
# Then once more, on a machine whose clock counts instructions. Emulation makes
# some of them hundreds of times as dear as others: whoever loads CR3 pays for a
# whole TLB, and a Guest does that at each crossing. And it moves a `rep movsb`
# byte by byte, though it says that it is fast at that; so here it doesn't.
. tests/vm/lib.sh

plan 28
export LC_ALL=C
payload tcp
carry="fio build/vm/tcp"

guest drivers <tests/vm/guest-commands

truncate -s 512M "$work/disk"
/sbin/mke2fs -q -F -t ext4 "$work/disk"
cat >"$work/rows" <<'END'
# row TEXT HOST GUEST AIM: rates in MB/s, and how much slower a Guest may be
row() {
	echo "$1|$2|$3|$4" | awk -F '|' '{
		printf "ROW %-36s %8.1f %8.1f", $1, $2, $3
		times = $3 > 0 ? $2 / $3 : 999
		printf "  1 / %.1f  (aim: 1 / %.1f)\n", times, $4
		printf "%sok - %s\n", times <= $4 ? "" : "not ", $1
	}'
}
# rate: of a job in MB/s, from its line of fio
rate() {
	awk -F ';' '$1 == 3 { print ($7 + $48) / 1024 }'
}
fio="fio --name=job --thread --gtod_reduce=1 --size=128m --runtime=4"
fio="$fio --output-format=terse --terse-version=3"
# disk TEXT AIM WORDS: by the Host, then by the Guest, both with cold caches
disk() {
	echo 3 >/proc/sys/vm/drop_caches
	here=$($fio --filename=/disk/file $3 | rate)
	sync
	echo 3 >/proc/sys/vm/drop_caches
	there=$(tell a "$fio --filename=/dev/lgba $3" | rate)
	row "$1" "$here" "$there" $2
}
# stream TEXT MB/S: beside the loopback
stream() {
	row "$1" "$loopback" "$2" 2
}
moved() {
	sed -n 's/^moved .* \([0-9.]*\) MB.s.*/\1/p'
}
modprobe -a virtio_pci virtio_blk ext4 tun
mkdir /disk
mount -t ext4 /dev/vda /disk
dd if=/dev/urandom of=/disk/file bs=1M count=128 2>/dev/null
sync
insmod /lguest/lg.ko exits=1
tcp serve 5000 &
begin a 384 --block=/disk/file,direct --tunnet=10.1.1.1 --sharenet=/dev/shm/wire \
	to=10.1.2.1
eventually 100 is_up a

for mode in direct cached; do
	words="--ioengine=libaio --direct=1"
	[ $mode = direct ] || words="--ioengine=psync --end_fsync=1"
	disk "$mode: 64 KiB, read in sequence" 1.5 "$words --bs=64k --rw=read"
	disk "$mode: 64 KiB, written in sequence" 1.5 \
		"$words --bs=64k --rw=write"
	disk "$mode: 4 KiB, read at random" 3 "$words --bs=4k --rw=randread"
	disk "$mode: 4 KiB, written at random" 3 "$words --bs=4k --rw=randwrite"
done
words="--ioengine=libaio --direct=1 --iodepth=32 --bs=4k"
disk "direct: 4 KiB, read at random, 32 deep" 3 "$words --rw=randread"
disk "direct: 4 KiB, written at random, 32 deep" 3 "$words --rw=randwrite"

begin b 384 --sharenet=/dev/shm/wire to=10.1.2.2
eventually 100 is_up b
loopback=$(tcp to 127.0.0.1 5000 200 raw | moved)
stream "TCP: Host to Guest" "$(tcp to 10.1.1.2 5000 100 raw | moved)"
stream "TCP: Guest to Host" "$(tcp from 10.1.1.2 5000 100 raw | moved)"
stream "TCP: Guest to Guest" "$(tell a "tcp to 10.1.2.2 5000 100 raw" | moved)"
stream "TCP: Guest to Guest, the other way" \
	"$(tell a "tcp from 10.1.2.2 5000 100 raw" | moved)"
end a
end b
dmesg | grep exits
END
# once TEXT SETTING...: all rows
once() {
	text=$1
	shift
	host memory=3072 append=tsc=reliable drive="$work/disk" \
		modules="virtio_pci virtio_blk ext4 tun" "$@" <"$work/rows"
	echo "# MB/s, $text"
	echo "#                                          Host     Guest"
	sed -n 's/^ROW/#/p' "$log" | tail -n 14
}
once "by the clock" timeout=580
once "if each instruction took 2 ns" timeout=1500 smp=1 without=-erms,-fsrm \
	icount=shift=1,sleep=on
