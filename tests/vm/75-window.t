#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest's console has the size of the terminal, and hears when that changes,
# though nobody types anything.
. tests/vm/lib.sh

plan 4
guest <<'END'
size=$(stty size)
case $size in
"24 80" | "55 111") echo "ok - the window has a size: $size" ;;
*) echo "not ok - the window has a size: $size" ;;
esac
tries=0
until [ "$(stty size)" != "$size" ] || [ $tries = 200 ]; do
	tries=$((tries + 1))
	usleep 100000
done
case "$size, $(stty size)" in
"24 80, 55 111" | "55 111, 24 80") echo "ok - and now another" ;;
*) echo "not ok - and now another: $size, $(stty size)" ;;
esac
END
host poison=yes <<'END'
echo "/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet
	echo \$? >/tmp/status" >/tmp/launch
stty rows 24 cols 80 </dev/ttyS0
while sleep 2; do
	stty rows 55 cols 111 </dev/ttyS0
	sleep 2
	stty rows 24 cols 80 </dev/ttyS0
done &
try "lg.ko loads" insmod /lguest/lg.ko
setsid -c sh /tmp/launch </dev/ttyS0 >/dev/ttyS0 2>&1
is "exit status" "$(cat /tmp/status)" 0
END
