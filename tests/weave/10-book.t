#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make book: what it makes, and that all of it hangs together.
. tests/weave/lib.sh

echo 1..43
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
# all_figures FILE: each figure has its place there
all_figures() {
	for figure in book/figures/*.svg; do
		name=$(basename "$figure" .svg)
		grep -q "$2$name[\"}]" "$1" || echo "no $name"
	done >"$work/said"
	[ ! -s "$work/said" ]
}
cat $html/*.html >"$work/html"
all_figures "$work/html" '<figure id="fig-'
result $? "HTML: all figures"
unzip -p build/book/lguest.epub '*.xhtml' >"$work/xhtml"
all_figures "$work/xhtml" '<figure id="fig-'
result $? "EPUB: all figures"
all_figures build/book/pdf/lguest.tex 'label{fig-'
result $? "PDF: all figures"
sed 's/<figure id="fig-shadow"//' "$work/html" >"$work/html.bad"
! all_figures "$work/html.bad" '<figure id="fig-'
result $? "seen: a figure that is lost"
for letter in P G D L H S; do
	extract/extract $letter $(find src -name '*.[chS]' | sort) >"$work/tour"
	check tour $html $letter "$work/tour"
	result $? "by tag, $letter: the passages that the terminal prints"
done

cat $html/index.html $html/book.css $html/book.js | wc -c >"$work/said"
[ "$(cat "$work/said")" -lt 300000 ]
result $? "the first page: $(cat "$work/said") bytes, of 300000"

# The checks themselves, on pages that are wrong.
bad=$work/book/html
mkdir "$work/book"
touch "$work/book/lguest.pdf" "$work/book/lguest.epub"
cp -r $html "$bad"
check links "$bad"
result $? "a copy is as good"
bad() {
	rm -r "$bad" && cp -r $html "$bad"
	sed -i "$2" "$bad/$1"
	shift 2
	name=$1
	shift
	! node tests/weave/pages.js "$@" >"$work/said" 2>&1
	result $? "seen: $name"
}
bad guest.html 's/id="G-[0-9]*"/id="G-1"/' "an id twice" ids "$bad"
bad guest.html 's/id="G010"/id="G011"/' "a link to nowhere" links "$bad"
bad guest.html 's,src="book.js",src="https://example.org/book.js",' \
	"a foreign script" links "$bad"
bad names.html 's/<dt>.*>run_guest</<dt>/' "a function not listed" \
	names "$bad" build/book/names
bad file-guest-entry-S.html 's/#G-\([0-9]\)/#G-9\1/' \
	"a line that leads astray" lines "$bad" "$work/lines"
bad tag-S.html 's/Switcher/Swatcher/' "a passage that differs" \
	tour "$bad" S "$work/tour"

pdf=build/book/lguest.pdf log=build/book/pdf/lguest.log
embedded() {
	awk 'NR > 2 && $(NF - 4) != "yes" { print; bad = 1 }
	END { exit NR < 5 || bad }' "$1" >"$work/said"
}
pdffonts $pdf >"$work/fonts"
embedded "$work/fonts"
result $? "PDF: all fonts are embedded"
sed '4s/yes/no /' "$work/fonts" >"$work/fonts.bad"
! embedded "$work/fonts.bad"
result $? "seen: a font that is not"

no_complaint() {
	! grep -A 3 -e '^Overfull' \
		-e 'LaTeX Warning.*\(undefined\|multiply\|changed\)' "$1" \
		>"$work/said"
}
no_complaint $log
result $? "PDF: no reference leads nowhere, no line is too long"
for text in 'Overfull \hbox (9pt too wide)' 'Overfull code: 500pt, line 7' \
	"LaTeX Warning: Reference \`x' on page 1 undefined"; do
	{ cat $log; echo "$text"; } >"$work/log.bad"
	! no_complaint "$work/log.bad"
	result $? "seen: $text"
done
pdftotext -layout $pdf "$work/pdf.txt"
grep -q 'Wake up. *[0-9]' "$work/pdf.txt" && grep -q 'G:010' "$work/pdf.txt"
result $? "PDF: uses of chunks have page numbers, passages their tags"
awk -v RS='\f' '/LHCALL_INIT.*LGUEST_ABI/ && /SWITCHER_TSS_OFFSET/ { one = 1 }
	END { exit !one }' "$work/pdf.txt"
result $? "PDF: the card is one page"
pdftohtml -xml -i -stdout $pdf >"$work/pdf.xml" 2>"$work/said"
[ "$(grep -c '<item page' "$work/pdf.xml")" -ge 50 ]
result $? "PDF: bookmarks"

check_epub() {
	java -jar /usr/bin/epubcheck -q "$1" >"$work/said" 2>&1
}
check_epub build/book/lguest.epub
result $? "EPUB: epubcheck has nothing to say"
cp build/book/lguest.epub "$work/bad.epub"
zip -qd "$work/bad.epub" META-INF/container.xml
! check_epub "$work/bad.epub"
result $? "seen: an EPUB that lacks a part"

# Once more, elsewhere, at another time.
make -s woven WOVEN="$work/again" >"$work/said" 2>&1
for made in html lguest.pdf lguest.epub; do
	diff -rq build/book/$made "$work/again/$made" >"$work/said" 2>&1
	result $? "$made: the same bytes each time"
done

# Wrong chapters.
copy=$work/copy
mkdir "$copy"
cp -a Makefile chapters src extract book "$copy"
mkdir -p "$copy/build"
cp -a build/book "$copy/build"
wrong() {
	cp -p chapters/*.nw "$copy/chapters"
	sed -i "$2" "$copy/chapters/03-drivers.nw"
	! make -s -C "$copy" book >"$work/said" 2>&1 &&
		grep -q '^chapters/03-drivers.nw:[0-9]' "$work/said" &&
		diff -r build/book/html "$copy/build/book/html" >>"$work/said" &&
		cmp build/book/lguest.pdf "$copy/build/book/lguest.pdf"
	result $? "$1: file, line, and the last good book stays"
}
wrong "a chunk that is not closed" '0,/^@$/s/^@$//'
wrong "a << in prose" '1s/$/ <</'
wrong "a tag that nobody has" '5s/$/ [[D:999]]/'

# While somebody writes: the page of a chapter, soon after it is saved.
cp -p chapters/*.nw "$copy/chapters"
make -s -C "$copy" watch >"$work/said" 2>&1 &
watch=$!
for try in $(seq 60); do
	grep -q '^watching' "$work/said" && break
	sleep 1
done
printf '\nThereafter.\n' >>"$copy/chapters/03-drivers.nw"
for try in $(seq 300); do
	grep -q 'Thereafter' "$copy/build/book/html/drivers.html" && break
	sleep 0.1
done
[ "$try" -lt 300 ]
result $? "make watch: a saved chapter is woven after $((try / 10)) s"
{ kill $watch; wait $watch; } 2>/dev/null || :
