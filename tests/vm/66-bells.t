#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Bells that are rung while their owners leave, on a Host that wipes whatever
# is freed, so that the next look at it is the last.
# SECONDS_EACH=600 tests/vm/66-bells.t attacks for ten minutes each way.
. tests/vm/lib.sh

plan 9
seconds=${SECONDS_EACH:-20}
guest </dev/null
host append="init_on_free=1" timeout=$((2 * seconds + 120)) <<END
try "lg.ko loads" insmod /lguest/lg.ko
grep -q init_on_free=1 /proc/cmdline
is "what is freed is wiped" \$? 0
bells $seconds
is "both attacks" \$? 0
leaves_no_trace
END
