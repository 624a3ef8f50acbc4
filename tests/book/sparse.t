#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# sparse, the kernel's second opinion on types and address spaces.
set -u
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT

echo 1..2
for series in 6.1 6.12; do
	kver=$(extract/kver $series)
	MAKEFLAGS='' make -C "/lib/modules/$kver/build" C=2 \
		M="$PWD/build/host-$kver/kbuild/$kver" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$said" 2>&1 &&
		grep -q '  CHECK  ' "$said" &&
		! grep -E 'warning:|error:' "$said" >&2
	if [ $? = 0 ]; then
		echo "ok - nothing to say about a build for $series"
	else
		echo "not ok - nothing to say about a build for $series"
	fi
done
