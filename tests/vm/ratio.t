#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# How long a Guest takes from its kernel's first line to its shell, over what
# the same kernel takes with the same initramfs on the same machine, bare. Both
# say as much on the same serial line; here their lines are given the time.
# A bare kernel speaks later: it counts from there on, in its favour.
. tests/vm/lib.sh

plan 4
export LC_ALL=C
# took: each time that passed between the two lines, in seconds
took() {
	awk '
		/Linux version/ { first = $1 }
		/GUEST-SHELL-READY/ { printf "%.2f\n", $1 - first }
	' "$log.times"
}
median() {
	sort -n | sed -n 2p
}

for i in 1 2 3; do
	bare append=loglevel=7 </dev/null >>"$work/bare.tap"
	took >>"$work/bare.s"
done
guest </dev/null
host timeout=200 <<'END' >"$work/guest.tap"
insmod /lguest/lg.ko
for i in 1 2 3; do
	/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux loglevel=7 \
		</dev/null 2>&1
	is "a Guest's end" $? 0
done
END
took >"$work/guest.s"
cat "$work/bare.tap" "$work/guest.tap"
echo "# bare:" $(cat "$work/bare.s") "s; Guest:" $(cat "$work/guest.s") "s"
ratio=$(echo "$(median <"$work/guest.s") $(median <"$work/bare.s")" |
	awk '{ if ($1 > 0 && $2 > 0) printf "%.2f", $1 / $2; else print 99 }')
if [ "${ratio%.*}" -lt 3 ] || [ "$ratio" = 3.00 ]; then
	echo "ok - ratio: $ratio (3 or less)"
else
	echo "not ok - ratio: $ratio (3 or less)"
fi
