#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Pages of 2 MB in a Guest that is large enough for Linux to make them: what a
# program gave back or was forbidden is out of its reach, all 512 pieces of it.
# The same programs say so on the bare kernel.
. tests/vm/lib.sh

plan $((63 * times + 2))
guest programs <<'END'
/tests/huge
echo "huge: status $?"
/tests/churn 8 3
echo "churn: status $?"
END
for setting in $kernels; do
	host $setting memory=1536 <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
tlb
is "what a tiny Guest sees: status" $? 0
run_guest 800 vmlinux
is "poweroff in the Guest: exit status" $? 0
sed -n 's/^not ok/# &/p' /tmp/guest.log
try "huge pages are taken away whole" guest_said 'huge: status 0'
try "and never seen by the next owner" guest_said 'churn: status 0'
leaves_no_trace
END
done
bare $old memory=1024 append=bare <<'END'
for program in huge churn; do
	if /tests/$program 3 3 >/tmp/said; then
		echo "ok - $program says the same"
	else
		sed 's/^/# /' /tmp/said
		echo "not ok - $program says otherwise"
	fi
done
END
