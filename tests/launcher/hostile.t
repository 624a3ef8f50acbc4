#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. "$(dirname "$0")/build.sh"
compile "$tmp/hostile" tests/launcher/hostile.c $parts \
	-Wl,--wrap=mmap,--wrap=munmap
guest_code 6.6.6-tiny+x
timeout 60 "$tmp/hostile" "$tmp"
