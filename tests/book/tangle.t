#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tangle: right files from right chapters, and nothing from wrong ones.
. tests/book/lib.sh
tangle=$PWD/extract/tangle check=$PWD/extract/check-guest-code

echo 1..29
says() {
	grep -qF "$1" "$work/said"
	result $? "$2"
}

make -s check-tangle >"$work/said" 2>&1
result $? "src is what the chapters tangle to"

cd "$work" || exit 1
cat >a.nw <<'END'
A shift and a macro.

<<host/a.c>>=
#define TWICE(x) \
	<<Do it>>; \
	<<Do it>>

int shifted = 1 @<< 4 @>> 1;
<<Tell a lie>>
@

<<Do it>>=
(x) + \
	(x)
@
And here is the lie.

<<Tell a lie>>=
int lie = "truth";
@
END
good() {
	"$tangle" src lines a.nw >said 2>&1
}
bad() {
	"$tangle" src lines bad.nw >said 2>&1
	[ $? != 0 ]
	result $? "$1: refused"
	cmp -s src/host/a.c kept
	result $? "$1: the last good file is left alone"
}

good
result $? "a good chapter tangles"
cp src/host/a.c kept
[ "$(grep -c '<<\|>>' kept) $(stat -c %a src/host/a.c)" = "1 644" ]
result $? "shifts come out as shifts, files with mode 644"
touch -d @1 src/host/a.c
good
[ "$(stat -c %Y src/host/a.c)" = 1 ]
result $? "what did not change is not written"
gcc -Werror -c -o a.o lines/host/a.c >said 2>&1
says a.nw:19: "the compiler's complaint names the line of the chapter"
touch src/old.h
good
[ ! -e src/old.h ]
result $? "a file that no chapter tells of goes away"

sed 's/^<<Do it>>=/<<Undo it>>=/' a.nw >bad.nw
bad "an undefined chunk"
says 'bad.nw:5: undefined chunk <<Do it>>' "an undefined chunk: where"
says 'bad.nw:12: unused chunk <<Undo it>>' "an unused chunk: where"
printf 'More.\n\n<<Tell a lie>>=\nint lies;\n@\n' >bad.nw
! "$tangle" src lines a.nw bad.nw >said 2>&1 && cmp -s src/host/a.c kept
result $? "two chapters with one name for a chunk: refused"
says 'bad.nw:3: <<Tell a lie>> is a chunk of a.nw already' \
	"two chapters with one name for a chunk: where"
sed 's/the lie/[[<<The lie>>]]/' a.nw >bad.nw
bad "a chunk that only prose knows of"
says 'bad.nw:16: no chunk <<The lie>>' "a chunk that only prose knows of: where"
sed 's/@<</<</; s/@>>/>>/' a.nw >bad.nw
bad "a bare shift"
says 'bad.nw:8: undefined chunk' "a bare shift: where"
sed 's/^@$//' a.nw >bad.nw
bad "a chunk that does not end"
says 'bad.nw:3: this chunk does not end' "a chunk that does not end: where"
sed 's/^And here/<<a>> And here/' a.nw >bad.nw
bad "a bare << in prose"
says 'bad.nw:16:' "a bare << in prose: where"
: >bad.nw
bad "an empty chapter"

for section in .rodata __bug_table .altinstructions; do
	echo ".section $section, \"a\"; table: .long 0" | gcc -c -x assembler -o s.o -
	"$check" s.o 2>said
	[ "$?" = "$([ $section = .rodata ]; echo $?)" ]
	result $? "Guest code with $section: $(cat said)"
done
