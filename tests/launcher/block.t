#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. "$(dirname "$0")/build.sh"
compile "$tmp/block" tests/launcher/block.c $parts \
	-Wl,--wrap=fdatasync,--wrap=preadv2,--wrap=pwritev2
mkdir "$tmp/disks" "$tmp/small"

# A file system of one megabyte, where this machine lets us have one.
if unshare -m true 2>/dev/null; then
	unshare -m sh -c "mount -t tmpfs -o size=1m none $tmp/small &&
		exec timeout 100 $tmp/block $tmp/disks $tmp/small"
else
	echo "# no mount namespaces here: no test of a full file system"
	timeout 100 "$tmp/block" "$tmp/disks"
fi
