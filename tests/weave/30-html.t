#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# html-validate: are the pages what they say they are?
. tests/weave/lib.sh

echo 1..2
prepare
validate() {
	timeout 900 node $npm/node_modules/html-validate/bin/html-validate.mjs \
		--config tests/weave/htmlvalidate.cjs "$@" >"$work/said" 2>&1
}
validate $html/*.html
result $? "html-validate has nothing to say"
sed 's,</h1>,</h2>,' $html/guest.html >"$work/bad.html"
! validate "$work/bad.html"
result $? "a page that is wrong is seen"
