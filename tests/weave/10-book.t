#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make book: what it makes, and that all of it hangs together.
. tests/weave/lib.sh

echo 1..31
prepare
result $? "make book"
find build/book -type f -newer build/book/lguest.epub >"$work/before"
make book >"$work/said" 2>&1
[ ! -s "$work/said" ] &&
	[ "$(find build/book -type f -newer build/book/lguest.epub)" = \
		"$(cat "$work/before")" ]
result $? "when nothing changed, make book says and does nothing"

check() {
	node tests/weave/pages.js "$@" >"$work/said" 2>&1
}
check ids $html
result $? "no id comes twice in a page"
check links $html
result $? "all links lead somewhere, and nothing is fetched from elsewhere"
! grep -n 'captured: ' $html/*.html >"$work/said" &&
	grep -q 'guest# uname -r' $html/preparation.html
result $? "programs speak where they were asked to"
check names $html build/book/names
result $? "each function is in the list of names"
extract/lines chapters/*.nw >"$work/lines"
check lines $html "$work/lines"
result $? "by file, each line leads to its place in the story"
for letter in P G D L H S; do
	extract/extract $letter $(find src -name '*.[chS]' | sort) >"$work/tour"
	check tour $html $letter "$work/tour"
	result $? "by tag, $letter: the passages that the terminal prints"
done

cat $html/index.html $html/book.css $html/book.js | wc -c >"$work/said"
[ "$(cat "$work/said")" -lt 300000 ]
result $? "the first page: $(cat "$work/said") bytes, of 300000"

# The checks themselves, on pages that are wrong.
bad() {
	rm -rf "$work/bad" && mkdir "$work/bad"
	cp $html/*.html $html/*.css $html/*.js "$work/bad"
	sed -i "$2" "$work/bad/$1"
	shift 2
	name=$1
	shift
	! node tests/weave/pages.js "$@" >"$work/said" 2>&1
	result $? "seen: $name"
}
bad guest.html 's/id="G-[0-9]*"/id="G-1"/' "an id twice" ids "$work/bad"
bad guest.html 's/id="G010"/id="G011"/' "a link to nowhere" links "$work/bad"
bad guest.html 's,src="book.js",src="https://example.org/book.js",' \
	"a foreign script" links "$work/bad"
bad names.html 's/<dt>.*>run_guest</<dt>/' "a function not listed" \
	names "$work/bad" build/book/names
bad file-guest-entry-S.html 's/#G-\([0-9]\)/#G-9\1/' \
	"a line that leads astray" lines "$work/bad" "$work/lines"
bad tag-S.html 's/Switcher/Swatcher/' "a passage that differs" \
	tour "$work/bad" S "$work/tour"

pdf=build/book/lguest.pdf log=build/book/pdf/lguest.log
pdffonts $pdf | awk 'NR > 2 && $(NF - 4) != "yes"' >"$work/said"
[ ! -s "$work/said" ] && [ "$(pdffonts $pdf | wc -l)" -gt 4 ]
result $? "PDF: all fonts are embedded"
! grep -E 'LaTeX Warning.*(undefined|multiply|changed)' $log >"$work/said"
result $? "PDF: no reference leads nowhere"
! grep -A 3 '^Overfull' $log >"$work/said"
result $? "PDF: no line is too long"
pdftotext -layout $pdf "$work/pdf.txt"
grep -q 'Wake up. *[0-9]' "$work/pdf.txt" && grep -q 'G:010' "$work/pdf.txt"
result $? "PDF: uses of chunks have page numbers, passages their tags"
pdftohtml -xml -i -stdout $pdf >"$work/pdf.xml" 2>"$work/said"
[ "$(grep -c '<item page' "$work/pdf.xml")" -ge 50 ]
result $? "PDF: bookmarks"

java -jar /usr/bin/epubcheck -q build/book/lguest.epub >"$work/said" 2>&1
result $? "EPUB: epubcheck has nothing to say"

# Once more, elsewhere, at another time.
make -s woven WOVEN="$work/again" >"$work/said" 2>&1
for made in html lguest.pdf lguest.epub; do
	diff -rq build/book/$made "$work/again/$made" >"$work/said" 2>&1
	result $? "$made: the same bytes each time"
done

# Wrong chapters.
copy=$work/copy
mkdir "$copy"
cp -r Makefile chapters src extract book "$copy"
mkdir -p "$copy/build"
cp -r build/book "$copy/build"
wrong() {
	cp chapters/*.nw "$copy/chapters"
	sed -i "$2" "$copy/chapters/03-drivers.nw"
	! make -s -C "$copy" book >"$work/said" 2>&1 &&
		grep -q '^chapters/03-drivers.nw:[0-9]' "$work/said" &&
		diff -r build/book/html "$copy/build/book/html" >>"$work/said" &&
		cmp build/book/lguest.pdf "$copy/build/book/lguest.pdf"
	result $? "$1: file, line, and the last good book stays"
}
wrong "a chunk that is not closed" '0,/^@$/s/^@$//'
wrong "a << in prose" '1s/$/ <</'
