#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# sparse, the kernel's second opinion on types and address spaces.
. tests/book/lib.sh

kernels=$(extract/kver tried)
echo "1..$(echo "$kernels" | wc -w)"
for series in $kernels; do
	kver=$(extract/kver $series)
	MAKEFLAGS='' make -C "/lib/modules/$kver/build" C=2 \
		M="$PWD/build/host-$kver/kbuild/$kver" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/said" 2>&1
	status=$?
	# The headers of 7.3 say typeof_unqual, which sparse 0.6.4 has not heard of.
	if grep -q 'C=2 specified, but sparse is not' "$work/said"; then
		echo "ok - $series # SKIP this sparse is too old for it"
		continue
	fi
	[ $status = 0 ] && grep -q '  CHECK  ' "$work/said" &&
		! grep -E 'warning:|error:' "$work/said" >&2
	result $? "nothing to say about a build for $series"
done
