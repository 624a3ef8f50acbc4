# SPDX-License-Identifier: GPL-2.0
# What the tests of the woven book have in common.
. tests/book/lib.sh
html=build/book/html npm=build/npm

# The book, and Node's packages by their lockfile.
prepare() {
	{
		extract/deps book-tests && make -s book || return 1
		cmp -s tests/weave/package-lock.json $npm/package-lock.json &&
			return
		rm -rf $npm && mkdir -p $npm &&
			cp tests/weave/package*.json $npm &&
			(cd $npm && npm ci --ignore-scripts --no-audit --no-fund)
	} >"$work/said" 2>&1
}
