#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Who shares a CPU with a Guest, or looks at one, finds it as Linux left it;
# and a Guest's programs find it as their kernel left it.
. tests/vm/lib.sh

# our_modules VERSION: look.ko and kvmlike.ko for that kernel.
our_modules() {
	kver=$(extract/kver "$1")
	built=$PWD/build/vm/modules-$kver
	mkdir -p "$built"
	cp -u tests/vm/modules/* "$built"
	alone make -s -C "/lib/modules/$kver/build" M="$built" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/make" 2>&1 ||
		cat "$work/make" >&2
	echo "$built/look.ko $built/kvmlike.ko"
}

# A machine check on CPU 1: an error that nobody has met yet, so all can go on.
fail_a_little() {
	wait_for MACHINE-CHECK-PLEASE
	monitor "mce 1 1 0xb000100000000000 0x5 0 0"
}

plan $((25 * times))
guest programs <<'END'
cd /tests
ONLY="switches switches32" sh guest-suite.sh
END
for setting in $kernels; do
	host $setting poison=yes timeout=400 meanwhile=fail_a_little \
		modules="kvm ccp kvm-amd $(our_modules ${setting#kernel=})" <<'END'
registers() {
	cat /sys/module/look/parameters/registers
}
# the Launcher of a Guest that spins on CPU 1
spin_beside() {
	taskset 2 payload spin 60 >/tmp/spin 2>&1 &
	spin=$!
	sleep 1
}
stop_spinning() {
	kill -ALRM $spin
	wait $spin
	is "the Guest was well until then" "$(cat /tmp/spin)" \
		"spin: Interrupted system call"
}
# hundredths of a second that ten naps of ten take on CPU 1
naps() {
	from=$(cut -d " " -f 1 /proc/uptime | tr -d .)
	taskset 2 sh -c "for i in 0 1 2 3 4 5 6 7 8 9; do usleep 100000; done"
	echo $(($(cut -d " " -f 1 /proc/uptime | tr -d .) - from))
}
modprobe look
registers >/tmp/before
sed 's/^/# CPU /' /tmp/before
taskset 2 grace 0 &
grace 15 >/tmp/grace.program
naps >/tmp/naps.program
kill $!
try "lg.ko loads" insmod /lguest/lg.ko

spin_beside
for i in 1 2 3 4 5 6 7 8; do registers; usleep 20000; done >/tmp/beside
is "on no CPU is anything not as it was" \
	"$(sort -u /tmp/beside)" "$(sort -u /tmp/before)"
grace 15 >/tmp/grace.guest
echo "# a grace period: $(cat /tmp/grace.program) us beside a program," \
	"$(cat /tmp/grace.guest) us beside a Guest"
naps >/tmp/naps.guest
echo "# ten naps: $(cat /tmp/naps.program) cs beside a program," \
	"$(cat /tmp/naps.guest) cs beside a Guest"
try "whoever naps is woken in time" \
	test "$(cat /tmp/naps.guest)" -lt $((3 * $(cat /tmp/naps.program)))
try "whoever waits for RCU waits no longer than beside a program" \
	test "$(cat /tmp/grace.guest)" -lt $((2 * $(cat /tmp/grace.program)))
stop_spinning

spin_beside
modprobe kvmlike
is "its first machine notes Linux's own registers" \
	"$(cat /sys/module/kvmlike/parameters/noted)" \
	"$(awk '{ print $2, $7 }' /tmp/before)"
noted=/sys/module/kvmlike/parameters/noted
taskset 2 sh -c "echo run >$noted"
try "programs live on after one has run there" taskset 2 true
taskset 2 sh -c "echo wait >$noted" &
sleep 1
is "while one waits, a Guest does not run on its registers" \
	"$(registers)" "$(cat /tmp/before)"
echo last >$noted
try "they live on when the last one goes" taskset 2 true
stop_spinning
try "also without the Guest" taskset 2 true

spin_beside
modprobe kvm-amd
try "a real one of KVM's runs beside it" kvm
is "and leaves no trace" "$(registers)" "$(cat /tmp/before)"
stop_spinning
kvm 4 &
is "on one CPU with another, a Guest gets its share" \
	"$(taskset 2 timeout 60 payload calls)" "calls: event 1 value 0: "
wait $!

spin_beside
taskset -p 3 $spin >/dev/null
for i in 1 2 3 4 5; do
	echo 0 >/sys/devices/system/cpu/cpu1/online
	usleep 200000
	echo 1 >/sys/devices/system/cpu/cpu1/online
	taskset -p 2 $spin >/dev/null
	usleep 200000
	taskset -p 3 $spin >/dev/null
done
is "CPUs that went and came are as they were" \
	"$(registers)" "$(cat /tmp/before)"
stop_spinning

# from CPU 1, so that the Guest's number is not the Host's
taskset 2 sh -c '. /test/lib.sh; run_guest 256 vmlinux'
try "its kernel's switches" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'
run_guest 256 vmlinux noxsave nofsgsbase
try "noxsave nofsgsbase" guest_said 'SUITE-DONE pass=[1-9][0-9]* fail=0'

spin_beside
echo MACHINE-CHECK-PLEASE
try "a machine check beside a Guest is taken" \
	eventually 10 grep -q 'MCE: *0 *1 ' /proc/interrupts
stop_spinning
leaves_no_trace
END
done
