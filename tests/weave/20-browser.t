#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The book's pages, in a browser, and by html-validate.
. tests/weave/lib.sh

prepare || {
	cat "$work/said" >&2
	exit 1
}
shots=build/book-shots
rm -rf $shots && mkdir -p $shots
timeout 900 node tests/weave/browser.js $html $shots
