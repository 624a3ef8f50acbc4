#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tour in the terminal: make Guest and its like, on extract/extract.
. tests/book/lib.sh
extract=$PWD/extract/extract
parts="Preparation Guest Drivers Launcher Host Switcher Mastery"

echo 1..40

# The tour does not show its tags. So copy src, with each tag told twice.
cp -r src "$work/src"
find "$work/src" -type f -exec sed -i \
	's,/\*\([PGDLHSM]:[0-9]*\),&<\1>,' {} +
twice=$(find "$work/src" -name '*.[chS]' | LC_ALL=C sort | tr '\n' ' ')
for part in $parts; do
	letter=$(echo "$part" | cut -c 1)
	make -s "$part" >"$work/$part" 2>"$work/said"
	result $? "make $part"
	make -s "$part" TOLD_IN="$twice" 2>"$work/said" |
		sed "s,^\[ $work/,[ ," >"$work/tagged"
	sed "s,<$letter:[0-9]*>,," "$work/tagged" |
		diff "$work/$part" - >"$work/said"
	result $? "make $part: the same with tags"
	sed -n "s,^/\*\($letter:[0-9]*\).*,\1,p" chapters/*.nw >"$work/story"
	grep -o "<$letter:[0-9]*>" "$work/tagged" | tr -d '<>' >"$work/tour"
	[ -s "$work/tour" ] && diff "$work/story" "$work/tour" >"$work/said"
	result $? "make $part goes where the story goes"
	LC_ALL=C sort -cu "$work/tour" 2>"$work/said"
	result $? "make $part: the numbers grow"
done

make -s 'Preparation!' | diff "$work/Preparation" - >"$work/said"
result $? "make Preparation! is make Preparation"
for part in $parts; do
	echo "{==- $part -==}"
	cat "$work/$part"
done >"$work/all"
echo "{==-==}" >>"$work/all"
make --no-print-directory Beer 2>&1 | diff "$work/all" - >"$work/said"
result $? "make Beer is all of them, under banners"

cd "$work" || exit 1
cat >first.c <<'END'
int nobody;
/*P:030
 * Code follows. */
int three;	/* and a comment */
/*:*/
int nobody;
/*G:005 of another part :*/
int nobody;
/*P:010
 * Only words. :*/
int nobody;
/*P:040 To the end. */
int four;
END
cat >second.c <<'END'
int nobody;
/*P:020 In one line. :*/
int two;
/*:*/
int nobody;
END
cat >wanted <<'END'
[ first.c ]
/*
 * Only words. */

[ second.c ]
/* In one line. */
int two;


[ first.c ]
/*
 * Code follows. */
int three;	/* and a comment */


/* To the end. */
int four;

END
"$extract" P first.c second.c 2>&1 | diff wanted - >said
result $? "by number over all files; what opens and ends a passage"
printf '[ first.c ]\n/* of another part */\nint nobody;\n' >wanted
"$extract" G first.c second.c 2>&1 | head -n 3 | diff wanted - >said
result $? "another letter is another tour"

# refused WHAT COMPLAINT PREFIX FILE...
refused() {
	what=$1 complaint=$2
	shift 2
	"$extract" "$@" >said 2>errors
	[ $? = 1 ] && [ ! -s said ]
	result $? "$what: refused, and nothing printed"
	echo "$complaint" | diff - errors >said
	result $? "$what: why"
}
sed 's/P:020/P:040/' second.c >third.c
refused "a number twice" "third.c: P:040 is in first.c already" \
	P first.c third.c
refused "no passage" "no passage has a tag H:" H first.c second.c
refused "no such file" "extract: cannot read fourth.c" P first.c fourth.c
refused "no file" "usage: extract PREFIX FILE..." P
