# SPDX-License-Identifier: GPL-2.0
# What a test's script finds in the Host.

# try TEXT COMMAND...: it should succeed.
try() {
	text=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text: exit status $?: $*"
		sed 's/^/  | /' /tmp/said
	fi
}

# is TEXT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: got '$2', wanted '$3'"
	fi
}

# run_guest MB IMAGE [KERNEL-ARGUMENT...]: run one to its end, for at most
# $limit seconds. The image is vmlinuz, or vmlinux: the same kernel, no unpacking. The
# console goes to /tmp/guest.log and to ours; the status is the Launcher's.
limit=60
run_guest() {
	mb=$1 image=$2
	shift 2
	{
		timeout $limit /lguest/lguest --initrd=/guest.cpio "$mb" \
			/boot/$image quiet "$@" </dev/null 2>&1
		echo $? >/tmp/status
	} | tee /tmp/guest.log | sed 's/^/guest| /'
	return "$(cat /tmp/status)"
}

guest_said() {
	grep -q "$1" /tmp/guest.log
}

# Nothing in the Host's log that a healthy kernel would not say.
host_is_well() {
	! dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|Call Trace'
}
