# SPDX-License-Identifier: GPL-2.0
# The tour in the terminal, as in 2007: one part of the book, or make Beer.

PARTS = Preparation Guest Drivers Launcher Host Switcher Mastery
TOLD_IN = $(sort $(shell find src -name '*.[chS]'))

.PHONY: $(PARTS) Preparation! Beer

Preparation Preparation!: PREFIX = P
Guest: PREFIX = G
Drivers: PREFIX = D
Launcher: PREFIX = L
Host: PREFIX = H
Switcher: PREFIX = S
Mastery: PREFIX = M

$(PARTS) Preparation!:
	$(Q)extract/extract $(PREFIX) $(TOLD_IN)

Beer:
	$(Q)set -e; for part in $(PARTS); do \
		echo "{==- $$part -==}"; \
		$(MAKE) -s --no-print-directory $$part; \
	done; echo "{==-==}"

# What programs say in the book and the README: from a Host and its Guests.
.PHONY: transcripts
transcripts: deps tangle
	+$(Q)$(MAKE) --no-print-directory built KVER=$(OWN) OUT=build/host-$(OWN)
	$(Q)book/capture book/captured
	$(Q)book/quote README.md >build/README.md && \
		cat build/README.md >README.md
