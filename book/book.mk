# SPDX-License-Identifier: GPL-2.0
# make book: the chapters as HTML, PDF and EPUB, in build/book.

WEAVE = build/book
NOWEB = /usr/lib/noweb
FIGURES = $(sort $(wildcard book/figures/*.svg))
CAPTURED = $(wildcard book/captured/*)
BOOKS = $(WEAVE)/html/index.html $(WEAVE)/lguest.pdf $(WEAVE)/lguest.epub
DATED = SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}
TEX_ENV = $(DATED) FORCE_SOURCE_DATE=1 max_print_line=1000

.PHONY: book woven pages watch

# What the chapters hold is known only after the tangle.
book:
	$(Q)extract/deps book
	+$(Q)$(MAKE) --no-print-directory tangle
	+$(Q)$(MAKE) --no-print-directory woven

woven: $(BOOKS)
	$(Q):

pages: tangle
	+$(Q)$(MAKE) -s --no-print-directory $(WEAVE)/html/index.html

# A page anew after each save.
watch: book
	$(Q)find chapters book -type f | entr -n $(MAKE) -s pages

$(WEAVE)/names: $(shell find src -type f) book/names
	$(Q)mkdir -p $(@D) && book/names src >$@

$(WEAVE)/markup: $(CHAPTERS) $(WEAVE)/names
	$(Q)cut -f1 $(WEAVE)/names | LC_ALL=C sort -u >$@.words
	$(Q)$(NOWEB)/markup $(CHAPTERS) >$@.plain
	$(Q)$(NOWEB)/finduses $@.words <$@.plain >$@.uses
	$(Q)$(NOWEB)/noidx <$@.uses >$@

$(WEAVE)/book.json: $(WEAVE)/markup book/reader.lua $(CAPTURED)
	$(Q)pandoc -f book/reader.lua -t json $< -o $@

# A folder takes the place of the last good one only as a whole.
$(WEAVE)/html/index.html: $(WEAVE)/book.json $(FIGURES) book/html.lua \
		book/common.lua book/page.html book/front.md book/book.css \
		book/book.js
	$(Q)rm -rf $(WEAVE)/html.new && mkdir $(WEAVE)/html.new
	$(Q)BOOK_OUT=$(WEAVE)/html.new pandoc -f json -t html \
		-L book/html.lua $< -o /dev/null
	$(Q)cp book/book.css book/book.js $(WEAVE)/html.new
	$(Q)cp /usr/share/javascript/lunr/lunr.min.js $(WEAVE)/html.new/lunr.js
	$(Q)rm -rf $(WEAVE)/html && mv $(WEAVE)/html.new $(WEAVE)/html

$(WEAVE)/figures/%.pdf: book/figures/%.svg
	$(Q)mkdir -p $(@D) && $(DATED) rsvg-convert -f pdf -o $@ $<

$(WEAVE)/pdf/lguest.tex: $(WEAVE)/book.json book/latex.lua book/common.lua \
		book/book.tex book/book.yaml \
		$(FIGURES:book/figures/%.svg=$(WEAVE)/figures/%.pdf)
	$(Q)mkdir -p $(@D)
	$(Q)pandoc -f json -t latex -L book/latex.lua \
		--top-level-division=chapter --template=book/book.tex \
		--metadata-file=book/book.yaml $< -o $@

$(WEAVE)/lguest.pdf: $(WEAVE)/pdf/lguest.tex book/book.ist
	$(Q)cp book/book.ist $(WEAVE)/pdf
	$(Q)$(TEX_ENV) latexmk -pdf -interaction=nonstopmode -halt-on-error \
		-silent -output-directory=$(WEAVE)/pdf $< \
		>$(WEAVE)/pdf/latexmk.log 2>&1 || \
		{ grep -A 5 '^!' $(WEAVE)/pdf/lguest.log >&2; exit 1; }
	$(Q)cp $(WEAVE)/pdf/lguest.pdf $@

$(WEAVE)/lguest.epub: $(WEAVE)/book.json $(FIGURES) book/epub.lua \
		book/common.lua book/book.yaml book/epub.css
	$(Q)$(DATED) pandoc -f json -t epub3 -L book/epub.lua \
		--metadata-file=book/book.yaml --css=book/epub.css --toc \
		--toc-depth=2 --epub-chapter-level=1 $< -o $@.new.epub
	$(Q)mv $@.new.epub $@
