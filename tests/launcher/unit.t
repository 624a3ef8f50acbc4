#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. "$(dirname "$0")/build.sh"
compile "$tmp/unit" tests/launcher/unit.c $parts
for release in 6.6.6-tiny+x $(kernels); do
	guest_code "$release"
done
"$tmp/unit" "$tmp" $(kernels)
