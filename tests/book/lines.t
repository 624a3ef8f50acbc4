#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every line of src/ belongs to one chunk, and extract/lines knows to which.
. tests/book/lib.sh
lines=$PWD/extract/lines tangle=$PWD/extract/tangle

echo 1..12

# owned SRC OWNERS CHAPTER...: each line is told of once, in order, and is what
# that chunk has there; each line of code in the chapters is in SRC somewhere.
owned() {
	(
		cd "$1" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort |
			xargs awk '{ print FILENAME "\t" FNR "\t" $0 }'
	) >"$work/listed"
	owners=$2
	shift 2
	LC_ALL=C awk -F '\t' -v owners="$owners" '
	function complain(what) {
		print at ": " what
		bad = 1
	}
	function bare(text) {
		gsub(/^[ \t]+|[ \t]+$/, "", text)
		return text
	}

	FILENAME != owners && FNR == 1 { files++; chunk = "" }
	FILENAME != owners && files < ARGC - 2 {
		if (/^<<.*>>=$/) {
			chunk = substr($0, 3, length($0) - 5)
			next
		}
		if (/^@( |$)/)
			chunk = ""
		if (chunk == "")
			next
		at = FILENAME "\t" FNR
		used = /^[ \t]*<<.*>>/
		gsub(/@<</, "<<")
		gsub(/@>>/, ">>")
		code[at] = bare($0)
		name[at] = chunk
		if (!used)
			homeless[at]
		next
	}
	FILENAME == owners {
		owner[++n] = $1 "\t" $2
		told[n] = $3 "\t" $4
		said[n] = $5
		next
	}
	{
		at = $1 "\t" $2
		sub(/^[^\t]*\t[^\t]*\t/, "")
		if (owner[++line] != at)
			complain("owned: " owner[line])
		else if (!(told[line] in code))
			complain("no code at " told[line])
		else if (said[line] != name[told[line]])
			complain("not of " said[line])
		else if (bare($0) != code[told[line]])
			complain("not what is at " told[line])
		delete homeless[told[line]]
	}
	END {
		if (line != n || !n) {
			at = n " owners"
			complain(line " lines")
		}
		for (at in homeless)
			complain("lands nowhere")
		exit bad
	}' "$@" "$owners" "$work/listed" >"$work/said" 2>&1
}

"$lines" chapters/*.nw >"$work/lines" 2>"$work/said"
result $? "extract/lines tells"
owned src "$work/lines" chapters/*.nw
result $? "every line of src has one owner, and is its owner's"

cd "$work" || exit 1
cat >good.nw <<'END'
Some code.

<<host/a.c>>=
int shifted = 1 @<< 4;

	<<Indent: twice>>
	<<Indent: twice>>
@
<<Indent: twice>>=
if (shifted)

	shifted @>>= 1;
@
END
cat >wanted <<'END'
host/a.c	1	good.nw	4	host/a.c
host/a.c	2	good.nw	5	host/a.c
host/a.c	3	good.nw	10	Indent: twice
host/a.c	4	good.nw	11	Indent: twice
host/a.c	5	good.nw	12	Indent: twice
host/a.c	6	good.nw	10	Indent: twice
host/a.c	7	good.nw	11	Indent: twice
host/a.c	8	good.nw	12	Indent: twice
END
make_owners() {
	"$tangle" src with-lines "$1" && "$lines" "$1" >owners
}
make_owners good.nw
diff wanted owners >said
result $? "a file, its lines and their owners"
owned src owners good.nw
result $? "all of it is owned"

# bad CHAPTER WHAT COMPLAINT
bad() {
	! owned src owners "$1"
	result $? "$2: noticed"
	grep -qx "$3" said
	result $? "$2: where"
}
sed -i '3s/Indent: twice/host\/a.c/' owners
bad good.nw "the wrong chunk" "host/a.c	3: not of host/a.c"
sed 's/^if (shifted)/if (<<It is>>)/' good.nw >bad.nw
printf '<<It is>>=\nshifted\n@\n' >>bad.nw
make_owners bad.nw
bad bad.nw "a line in two chunks" "host/a.c	3: not what is at bad.nw	15"
cp good.nw bad.nw
printf '<<A>>=\n<<B>>\na\n@\n<<B>>=\n<<A>>\nb\n@\n' >>bad.nw
make_owners bad.nw
bad bad.nw "code that lands nowhere" "bad.nw	16: lands nowhere"
make_owners good.nw
echo "/* What else? */" >>src/host/a.c
bad good.nw "a line by hand" "host/a.c	9: owned: "
