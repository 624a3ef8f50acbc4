#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the Launcher says where there is no Host, or not for everyone.
. tests/vm/lib.sh

plan 15
guest </dev/null
host poison=yes <<'END'
# says TEXT PATTERN COMMAND...: status 1, and only this line
says() {
	text=$1 pattern=$2
	shift 2
	"$@" </dev/null >/tmp/answer 2>&1
	is "$text: exit status" $? 1
	is "$text: lines" "$(wc -l </tmp/answer)" 1
	try "$text: says what to do" grep -E "^lguest: $pattern" /tmp/answer
}
mkdir /etc
echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
guest="/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet"
says "without lg.ko" "no /dev/lguest .*: insmod /lguest/lg.ko" $guest
try "lg.ko loads" insmod /lguest/lg.ko
says "for nobody" "no permission to open /dev/lguest: .* root" \
	su nobody -c "$guest"
chmod 666 /dev/lguest
ulimit -l 64
says "with too little memory to lock" ".*ulimit -l" su nobody -c "$guest"
ulimit -l unlimited
try "and it does run for nobody" su nobody -c "$guest"
leaves_no_trace
END
