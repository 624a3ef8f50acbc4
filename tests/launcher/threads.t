#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. "$(dirname "$0")/build.sh"
compile "$tmp/threads" tests/launcher/threads.c $parts \
	-Wl,--wrap=pthread_setschedparam
timeout 100 "$tmp/threads"
