#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a program sees of its CPU: rows of instructions (programs/samecpu.c), run
# on the bare kernel and in a Guest of it. Their lines are the same, or the lists
# below say why not. With OLD=yes also on a CPU without FSGSBASE.
. tests/vm/lib.sh

plan $((8 * times + ${OLD:+8} + 0))

# A Guest has neither way into the kernel, and says so to its C libraries.
cat >"$work/told" <<'END'
32 sysenter
32 syscall
32 opcode 0f05
32 opcode 0f34
64 32-bit code syscall
64 32-bit code sysenter
END
# The bare kernel leaves FS and GS alone when their descriptor goes away, until
# the next switch of processes; a Guest's are empty at once.
for bits in 64 32; do
	for segment in fs gs; do
		echo "$bits $segment LDT goes"
		echo "$bits $segment LDT absent"
	done
done >>"$work/told"
# A Guest's kernel does what a port's string instruction would, and who watches a
# program's memory is not told of what its kernel writes. After a breakpoint at a
# port's instruction, QEMU keeps RF for one more than a processor does.
for bits in 64 32; do
	echo "$bits watch ins"
	echo "$bits watch ins, dr6"
	echo "$bits break ports"
done >>"$work/told"

rows() {
	cat <<END
dmesg -n 1
options="$options"
for bits in 64 32; do
	/tests/samecpu\${bits#64} \$options >/tmp/rows
	gzip -c /tmp/rows | base64 | sed "s/^/ROWS\$bits /"
done
END
}

# QEMU 10 may or may not push RF with the flags of a trap, on the bare machine, too.
# And it stops twice behind a string instruction that is stepped over.
no_rf=
case $(qemu-system-x86_64 --version) in *' 7.'*) ;; *)
	no_rf='s/(trap=[134] [^|]*? fl=)(\w+)/$1 . sprintf "%x", hex($2) & ~0x10000/ge'
	echo "64 step ins"
	echo "32 step ins"
	;;
esac >>"$work/told"

# kept PREFIX BITS: the rows that the last machine printed.
kept() {
	sed -n "s/^$1ROWS$2 //p" "$log" | base64 -d | gzip -d | perl -pe "$no_rf"
}

# same BITS TEXT
same() {
	count=$(wc -l <"$work/guest$1")
	diff "$work/bare$1" "$work/guest$1" >"$work/diff"
	sed -n 's/^[<>] //p' "$work/diff" | sed "s/:.*//; s/^/$1 /" | sort -u |
		grep -vxFf "$work/told" | grep -vE "$by_chance" >"$work/differ"
	if [ "$count" -gt 1500 ] && [ ! -s "$work/differ" ]; then
		echo "ok - $2: $1-bit programs see the same"
		return
	fi
	echo "not ok - $2: $1-bit programs see the same: $count rows"
	while read -r _ row; do
		grep "^[<>] $row: " "$work/diff"
	done <"$work/differ" | sed 's/^/# /' >&2
}

# compare SETTING...: the bare machine is without SMAP, as QEMU makes some of a
# program's accesses with the kernel's rights. (And on a single CPU it hangs when
# a 32-bit process with a segment of its LDT in DS is switched to.) Since 7.0 Linux
# refuses 16-bit segments to a Guest, which it takes for one of Xen's; for clouds it
# has none. The bare machine goes without them, too, then.
compare() {
	: >"$log"
	options=
	rows >"$work/rows"
	guest programs <"$work/rows"
	host "$@" without="$without" <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
run_guest 256 vmlinux
is "poweroff in the Guest: exit status" $? 0
leaves_no_trace
END
	for bits in 64 32; do
		kept 'guest| ' $bits >"$work/guest$bits"
	done
	: >"$log"
	case $kernel in 7.*)
		! grep -q '^16-bit segments: refused' "$work/guest64" || options=no16
		;;
	esac
	rows >"$work/rows"
	guest programs <"$work/rows"
	bare "$@" without="-smap${without:+,$without}" <"$work/rows"
	for bits in 64 32; do
		kept '' $bits >"$work/bare$bits"
		[ -z "${KEEP-}" ] || cp "$work/bare$bits" "$KEEP/$kernel.$bits"
		same $bits "$*"
	done
}

without= by_chance='^$'
for setting in $kernels; do
	compare $setting
done
# Before there was FSGSBASE, Linux knew a base by its selector only. What it makes
# of one that is null by now depends on whether a tick came before.
by_chance='^.. [fg]s .*(null|goes)'
without=-fsgsbase
[ -z "${OLD-}" ] || compare $old label=old
