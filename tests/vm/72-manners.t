#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and shells do to a Launcher: they type, paste, close its files,
# and put it into the background.
. tests/vm/lib.sh

plan $((13 * times + 12))

# A person at a terminal types what the Guest's script asks for.
guest <<'END'
# hear COUNT: that many bytes of the terminal, as they are.
hear() {
	dd bs=1 count=$1 2>/dev/null | od -An -v -tx1 | xargs
}
stty -echo
case $(cat /proc/cmdline) in *short*) poweroff -f ;; esac
stty raw
echo RAW
echo "HEARD $(hear 4)"
hear 255 >/tmp/all
stty -raw opost icanon
echo "ALL $(sha256sum </tmp/all)"
for lines in 200 5000; do
	echo PASTE $lines
	sleep 6
	echo "LINES $(head -n $((lines + 1)) | sha256sum)"
done
echo SYSRQ
sleep 3
dmesg | grep "sysrq: HELP"
echo "WAITS"
sleep 1000
END
cat >"$work/typing" <<'END'
say() {
	cat >/tmp/keys
}
at_terminal() {
	rm -f /tmp/keys /tmp/guest.log
	mkfifo /tmp/keys
	{
		pty "$@" <>/tmp/keys
		echo $? >/tmp/status
	} >/tmp/guest.log 2>&1 &
}
lines() {
	awk -v n=$1 'BEGIN {
		for (; n; n--)
			printf "%05d of the lines that were pasted into it at once\n", n
		print "END"
	}'
}
heard() {
	tr -d '\r' </tmp/guest.log | sed -n "s/^$1 //p"
}
try "lg.ko loads" insmod /lguest/lg.ko
at_terminal /lguest/lguest --initrd=/guest.cpio 192 /boot/vmlinux quiet
try "a Guest at a terminal" eventually 90 guest_said RAW
printf '\017ab\r' | say
try "four bytes are typed" eventually 20 guest_said HEARD
is "Ctrl-O is one of them" "$(heard HEARD)" "0f 61 62 0d"
# All others, too. What is ours is told apart by a second Ctrl-a.
bytes() {
	awk 'BEGIN { for (c = 0; c < 256; c++) if (c != 1) printf "%02x\n", c }'
}
for c in $(bytes); do printf "\\x$c"; done | say
eventually 20 guest_said ALL
is "and each byte that there is" "$(heard ALL)" \
	"$(bytes | xargs | sha256sum)"
for n in 200 5000; do
	eventually 20 guest_said "PASTE $n"
	lines $n | say
	eventually 60 guest_said "LINES $(lines $n | sha256sum)"
	is "$n lines, while the program sleeps" $? 0
done
eventually 20 guest_said SYSRQ
printf '\001bh' | say
try "Ctrl-a b h asks the kernel for help" eventually 20 guest_said "sysrq: HELP"
eventually 20 guest_said WAITS
lines 10000 | say
printf '\001x' | say
wait
is "Ctrl-a x behind a paste leaves: status" "$(cat /tmp/status)" 1
sed 's/^/guest| /' /tmp/guest.log
END

for setting in $kernels; do
	{
		cat "$work/typing"
		[ $setting != $old ] || cat <<'END'
# Of 0, 1 and 2 some are closed.
head -c 1048576 /dev/urandom >/tmp/disk
sum=$(sha256sum </tmp/disk)
for closed in "1>&-" "1>&- 2>&-" "0<&- 1>&- 2>&-"; do
	eval "timeout 60 /lguest/lguest --initrd=/guest.cpio 192 \
		--block=/tmp/disk /boot/vmlinux quiet short $closed"
	is "$closed: status" $? 0
	is "$closed: the disk is as it was" "$(sha256sum </tmp/disk)" "$sum"
done

# An interactive shell, with a job in the background, and one with a limit.
launch="/lguest/lguest --initrd=/guest.cpio 192 /boot/vmlinux quiet short"
at_terminal sh -i
{
	echo "stty -a >/tmp/before"
	echo "$launch >/tmp/job 2>&1 &"
	echo 'wait $!; echo "JOB $?"; stty -a >/tmp/after'
} | say
try "in the background it ends" eventually 90 guest_said "^JOB"
is "with status" "$(heard JOB)" 0
try "and the terminal is as before" eventually 10 cmp /tmp/before /tmp/after
echo "timeout 60 $launch; echo \"LIMITED \$?\"; stty -a >/tmp/after; exit" | say
try "under timeout it ends" eventually 90 guest_said "^LIMITED"
is "with status" "$(heard LIMITED)" 0
try "and the terminal is as before" eventually 10 cmp /tmp/before /tmp/after
wait
END
		echo leaves_no_trace
	} | host $setting timeout=300
done
