#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make where it can't work: it says so, in one line.
. tests/book/lib.sh

echo 1..15

# refuses WORDS TEXT COMMAND...: within 20 s, in one line, not with status 0
refuses() {
	words=$1 text=$2
	shift 2
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL timeout 20 "$@" \
		>"$work/said" 2>&1
	status=$?
	[ $status = 2 ]
	result $? "$text: status"
	[ "$(wc -l <"$work/said")" = 1 ] && grep -q "$words" "$work/said"
	result $? "$text: one line"
}

for name in "a b" a:b; do
	mkdir "$work/$name"
	cp -r Makefile chapters extract book "$work/$name"
	refuses "cannot build in .*$name" "make in a folder named $name" \
		make -C "$work/$name"  --no-print-directory
done
for goal in demo demo-debian; do
	refuses "demo is for somebody" "make $goal for nobody" \
		sh -c "exec make $goal </dev/null"
done
refuses "demo is for somebody" "make demo with closed files" \
	sh -c "exec make demo <&- 3>&-"

# Who starts it with a file, a pipe or a socket has said what is to be typed. It
# goes on then, here to what stands in for the first step.
mkdir "$work/demo"
cp -r Makefile chapters extract book "$work/demo"
printf '#!/bin/sh\necho goes on\nexit 1\n' >"$work/demo/extract/deps"
echo "uname -r" >"$work/commands"
goes_on() {
	text=$1
	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL timeout 20 sh -c "$1" \
		>"$work/said" 2>&1
	grep -q "^goes on" "$work/said"
	result $? "$text"
}
make="make -C $work/demo --no-print-directory demo"
goes_on "make demo with a file" "$make <$work/commands"
goes_on "with a pipe" "cat $work/commands | $make"
goes_on "with a socket" "perl -MSocket -e '
	socketpair A, B, AF_UNIX, SOCK_STREAM, 0; open STDIN, \"<&A\";
	exec @ARGV' $make"
mknod "$work/null" c 1 3 2>/dev/null || ln -s /dev/null "$work/null"
refuses "demo is for somebody" "make demo with another /dev/null" \
	sh -c "exec make demo <$work/null"
