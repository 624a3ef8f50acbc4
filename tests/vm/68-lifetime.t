#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Whose memory is a Guest's, and until when: its Launcher's, and no longer.
. tests/vm/lib.sh

plan $((97 * times))
guest </dev/null
for setting in ${ONLY:-$kernels}; do
	host $setting poison=yes <<'END'
mkdir /etc /ramfs
echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
mount -t ramfs none /ramfs
chmod 777 /ramfs
echo 8 >/proc/sys/vm/nr_hugepages
try "lg.ko loads" insmod /lguest/lg.ko
chmod 666 /dev/lguest
timeout 200 lifetime "root: "
is "root: its end" $? 0
rm -f /ramfs/memory
timeout 200 su nobody -c "lifetime 'nobody: '"
is "nobody: its end" $? 0
leaves_no_trace
END
done
