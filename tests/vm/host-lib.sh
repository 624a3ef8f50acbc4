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

# eventually SECONDS COMMAND...: it becomes true within that time. A bound for
# what hangs; on a busy machine, all takes longer.
eventually() {
	tries=$(($1 * 30))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 100000
	done
}

# run_guest MB IMAGE [KERNEL-ARGUMENT...]: run one to its end, for at most
# $limit seconds of a quiet machine. The image is vmlinuz, or vmlinux: the same kernel, no unpacking. The
# console goes to /tmp/guest.log and to ours; the status is the Launcher's.
limit=150
run_guest() {
	mb=$1 image=$2
	shift 2
	{
		timeout $((limit * 3)) /lguest/lguest --initrd=/guest.cpio "$mb" \
			/boot/$image quiet "$@" </dev/null 2>&1
		echo $? >/tmp/status
	} | tee /tmp/guest.log | sed 's/^/guest| /'
	return "$(cat /tmp/status)"
}

# begin NAME MB OPTION...: a Guest beside this script, its console in /tmp/NAME.
# If its script says UP, and then does what is typed and says DONE and a status,
# there are: is_up NAME; ask NAME COMMAND; answer NAME, which waits for the end
# and has the output and the status; tell NAME COMMAND, both; end NAME.
begin() {
	name=$1 mb=$2
	shift 2
	rm -f /tmp/$name.in
	mkfifo /tmp/$name.in
	: >/tmp/$name	# or is_up reads what the last of this name said
	/lguest/lguest --initrd=/guest.cpio $mb /boot/vmlinux quiet "$@" \
		<>/tmp/$name.in >/tmp/$name 2>&1 &
	eval "pid_$name=$!"
	: >/tmp/$name.asked
}

is_up() {
	grep -q ^UP /tmp/$1
}

ask() {
	echo "$2" >>/tmp/$1.asked
	echo "$2" >/tmp/$1.in
}

has_answered() {
	[ "$(grep -c ^DONE /tmp/$1)" -ge "$(wc -l </tmp/$1.asked)" ]
}

answer() {
	eventually 300 has_answered $1 || return 99
	tr -d '\r' </tmp/$1 | awk '
		/^DONE/ { said = now; now = ""; status = $2; next }
		{ now = now $0 "\n" }
		END { printf "%s", said; exit status }'
}

tell() {
	ask "$1" "$2"
	answer "$1"
}

end() {
	ask $1 "poweroff -f"
	eval "wait \$pid_$1"
}

guest_said() {
	grep -q "$1" /tmp/guest.log
}

# Nothing in the Host's log that a healthy kernel would not say; else all of it
# that belongs to that.
host_is_well() {
	ills='WARNING:|BUG:|Oops|general protection|Call Trace'
	dmesg | grep -v -E 'WARNING: .*(CPU vulnerable|hw-vuln)' >/tmp/dmesg
	! grep -A 40 -E "$ills" /tmp/dmesg
}

# Each page that was pinned for a Guest's memory was given back. The counters
# are kept for each CPU; whoever asks for fresh statistics sums them up.
pins_are_equal() {
	echo 1 >/proc/sys/vm/stat_refresh
	grep nr_foll_pin /proc/vmstat
	set -- $(sed -n 's/^nr_foll_pin_[a-z]* //p' /proc/vmstat)
	[ "$1" -gt 0 ] && [ "$1" = "$2" ]
}

# leaves_no_trace: four checks, when all Guests are gone.
leaves_no_trace() {
	is "lg counts no Guests and no pages" \
		"$(cd /sys/module/lg/parameters && cat guests pinned | xargs)" \
		"0 0"
	try "lg.ko unloads" rmmod lg
	try "the Host is well" host_is_well
	try "all pinned pages were released" pins_are_equal
}
