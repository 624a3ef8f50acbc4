#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Guest's time is the Host's; and a Guest that waits costs nothing.
. tests/vm/lib.sh

plan 14
guest programs <<'END'
cd /tests
echo IDLE
sleep 13
./clocks drift 20 &
./clocks sleeps
wait
./clocks drift 20 busy &
./clocks sleeps
wait
END
host timeout=200 <<'END'
# Each line with the Host's time in front of it.
stamped() {
	while IFS= read -r line; do
		read -r now rest </proc/uptime
		echo "$now $line"
	done
}
# CPU time in hundredths of a second.
used() {
	awk '{ print $14 + $15 }' "/proc/$(pidof lguest)/stat"
}
# drift N: of the Nth measurement, in millionths
drift() {
	awk -v n="$1" '
		/CLOCK start/ && ++seen == n { host = $1; guest = $4 }
		/CLOCK end/ && seen == n {
			took = $1 - host
			d = (($4 - guest) / 1e9 - took) / took * 1e6
			printf "%d", d < 0 ? -d : d
			exit
		}' /tmp/guest.log
}
# naps N: the median of the Nth ten sleeps by the Host's clock, in ms
naps() {
	awk -v n="$1" '
		/SLEEP start/ { seen++; last = $1 }
		/SLEEP [0-9]/ && seen == n {
			printf "%d\n", ($1 - last) * 1000
			last = $1
		}' /tmp/guest.log | sort -n | sed -n 6p
}
try "lg.ko loads" insmod /lguest/lg.ko
/lguest/lguest --initrd=/guest.cpio 256 /boot/vmlinux quiet </dev/null 2>&1 |
	stamped >/tmp/guest.log &
eventually 60 guest_said IDLE
sleep 2
before=$(used)
sleep 10
cost=$(($(used) - before))
wait
sed 's/^/guest| /' /tmp/guest.log
echo "# idle: $cost of 1000; drift: $(drift 1) and $(drift 2) of 1000000;" \
	"naps: $(naps 1) and $(naps 2) ms"
try "the Guest reaches its end" guest_said GUEST-DONE
try "an idle Guest: under 10 % of a CPU" test "$cost" -lt 100
for n in 1 2; do
	beside=$(echo asleep busy | cut -d ' ' -f $n)
	try "20 s, $beside: less than 0.5 % of drift" test "$(drift $n)" -lt 5000
	try "sleep 1, $beside: 1.1 s or less" test "$(naps $n)" -le 1100
	try "sleep 1, $beside: 1 s or more" test "$(naps $n)" -ge 995
done
is "the Guest thinks so, too" "$(grep -c ' ok - .* ten sleeps' /tmp/guest.log)" 2
leaves_no_trace
END
