#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest's date is its Host's, also after the Host has slept, was set, or had
# stopped the Launcher.
. tests/vm/lib.sh

plan $((13 * times))
guest <<'END'
stty -echo
echo UP
while read -r order; do
	sh -c "$order" </dev/null
	echo "DONE $?"
done
END
for setting in $kernels; do
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
begin a 192
try "a Guest is up" eventually 90 is_up a
# dates_agree: within two seconds
dates_agree() {
	guest=$(tell a "date +%s" | tail -n 1)
	apart=$((guest - $(date +%s)))
	echo "$apart seconds"
	[ ${apart#-} -le 2 ]
}
try "its date is the Host's" dates_agree
echo core >/sys/power/pm_test
before=$(cut -d . -f 1 /proc/uptime)
try "the Host sleeps" eval "echo mem >/sys/power/state"
try "and again" eval "echo mem >/sys/power/state"
slept=$(($(cut -d . -f 1 /proc/uptime) - before))
try "for $slept seconds" test $slept -ge 8
try "afterwards the dates agree" dates_agree
date -s @$(($(date +%s) + 34567890)) >/dev/null
try "when the Host's is set" dates_agree
date -s @$(($(date +%s) - 4567)) >/dev/null
try "when it is set back" dates_agree
kill -STOP $pid_a
sleep 6
kill -CONT $pid_a
try "when the Launcher was stopped" dates_agree
# What the Guest has set is its own business.
tell a "date -s @1000000000" >/dev/null
sleep 1
guest=$(tell a "date +%s" | tail -n 1)
apart=$((guest - 1000000000))
try "unless the Guest wants another date" test $apart -lt 60
date -s @$(($(date +%s) + 1)) >/dev/null
try "until the Host's is set the next time" dates_agree
tell a "cat /proc/uptime"
sed 's/^/guest| /' /tmp/a
end a
try "the Host is well" host_is_well
END
done
