#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. "$(dirname "$0")/build.sh"
compile "$tmp/console" tests/launcher/console.c $parts \
	-Wl,--wrap=tcgetattr,--wrap=raise
timeout 60 "$tmp/console" 2>"$tmp/errors" && status=0 || status=$?
sed 's/^/# /' "$tmp/errors"
exit $status
