# SPDX-License-Identifier: GPL-2.0
# make book: the chapters as HTML, PDF and EPUB, in build/book.

WOVEN ?= build/book
NOWEB = /usr/lib/noweb
FIGURES = $(sort $(wildcard book/figures/*.svg))
CAPTURED = $(wildcard book/captured/*)
EXTRAS = book/glossary.md $(WOVEN)/card.md
DRAWN = $(FIGURES:book/figures/%.svg=$(WOVEN)/figures/%.pdf)
BOOKS = $(WOVEN)/html/index.html $(WOVEN)/lguest.pdf $(WOVEN)/lguest.epub
# The date of this edition: whoever makes the book gets the same bytes.
EDITION = 2026-11-26
DATED = SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(date -u -d $(EDITION) +%s)}
TEX_ENV = $(DATED) FORCE_SOURCE_DATE=1 max_print_line=1000

.PHONY: book woven pages page watch

# What the chapters hold is known only after the tangle.
book:
	$(Q)extract/deps book
	+$(Q)$(MAKE) --no-print-directory tangle
	+$(Q)$(MAKE) --no-print-directory woven

woven: $(BOOKS)
	$(Q):

pages: tangle
	+$(Q)$(MAKE) -s --no-print-directory $(WOVEN)/html/index.html

# The page of the chapter SAVED alone: what else has to change can wait.
page: tangle
	+$(Q)$(MAKE) -s --no-print-directory $(WOVEN)/book.json
	$(Q)BOOK_OUT=$(WOVEN)/html BOOK_ONLY=$(SAVED) pandoc -f json -t html \
		-L book/html.lua $(WOVEN)/book.json -o /dev/null

watch:
	$(Q)exec env -u MAKEFLAGS book/watch $(WOVEN)

$(WOVEN)/names: $(shell find src -type f) book/names
	$(Q)mkdir -p $(@D) && book/names src >$@

$(WOVEN)/markup: $(CHAPTERS) $(WOVEN)/names book/book.mk extract/check-tags
	$(Q)extract/check-tags $(CHAPTERS)
	$(Q)cut -f1 $(WOVEN)/names | LC_ALL=C sort -u >$@.words
	$(Q)$(NOWEB)/markup -t $(CHAPTERS) >$@.plain
	$(Q)$(NOWEB)/finduses $@.words <$@.plain >$@.uses
	$(Q)$(NOWEB)/noidx <$@.uses >$@

$(WOVEN)/card.md: $(shell find src -type f) book/card
	$(Q)mkdir -p $(@D) && book/card src >$@

$(WOVEN)/book.json: $(WOVEN)/markup book/reader.lua $(CAPTURED) \
		$(EXTRAS)
	$(Q)BOOK_NAMES=$(WOVEN)/names BOOK_EXTRAS="$(EXTRAS)" \
		pandoc -p -f book/reader.lua -t json $< -o $@

# A folder takes the place of the last good one only as a whole.
$(WOVEN)/html/index.html: $(WOVEN)/book.json $(FIGURES) book/html.lua \
		book/common.lua book/page.html book/front.md book/book.css \
		book/book.js
	$(Q)rm -rf $(WOVEN)/html.new && mkdir $(WOVEN)/html.new
	$(Q)BOOK_OUT=$(WOVEN)/html.new pandoc -f json -t html \
		-L book/html.lua $< -o /dev/null
	$(Q)cp book/book.css book/book.js $(WOVEN)/html.new
	$(Q)cp /usr/share/javascript/lunr/lunr.min.js $(WOVEN)/html.new/lunr.js
	$(Q)rm -rf $(WOVEN)/html && mv $(WOVEN)/html.new $(WOVEN)/html

$(WOVEN)/figures/%.pdf: book/figures/%.svg
	$(Q)mkdir -p $(@D) && $(DATED) rsvg-convert -f pdf -o $@ $<

$(WOVEN)/pdf/lguest.tex: $(WOVEN)/book.json book/latex.lua book/common.lua \
		book/book.tex book/book.yaml $(DRAWN)
	$(Q)mkdir -p $(@D)
	$(Q)BOOK_FIGURES=$(WOVEN)/figures pandoc -f json -t latex -L book/latex.lua \
		--top-level-division=chapter --template=book/book.tex \
		--metadata-file=book/book.yaml -M date=$(EDITION) $< -o $@

$(WOVEN)/lguest.pdf: $(WOVEN)/pdf/lguest.tex book/book.ist
	$(Q)cp book/book.ist $(WOVEN)/pdf
	$(Q)$(TEX_ENV) latexmk -pdf -interaction=nonstopmode -halt-on-error \
		-silent -output-directory=$(WOVEN)/pdf $< \
		>$(WOVEN)/pdf/latexmk.log 2>&1 || \
		{ grep -A 5 '^!' $(WOVEN)/pdf/lguest.log >&2; exit 1; }
	$(Q)cp $(WOVEN)/pdf/lguest.pdf $@

$(WOVEN)/lguest.epub: $(WOVEN)/book.json $(FIGURES) book/epub.lua \
		book/common.lua book/book.yaml book/epub.css book/repack
	$(Q)$(DATED) pandoc -f json -t epub3 -L book/epub.lua \
		--metadata-file=book/book.yaml -M date=$(EDITION) --toc \
		--css=book/epub.css --toc-depth=2 $< -o $@.new.epub
	$(Q)$(DATED) book/repack $@.new.epub $@
	$(Q)rm $@.new.epub
