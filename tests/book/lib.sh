# SPDX-License-Identifier: GPL-2.0
# What the tests have in common: they run where make runs, and say what was
# wrong with the help of $work/said.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		head -n 30 "$work/said" 2>&1 | sed 's/^/# /' >&2
	fi
}
