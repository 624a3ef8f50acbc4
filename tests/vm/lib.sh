# SPDX-License-Identifier: GPL-2.0
# What the tests in QEMU are made of. A test sources this, then says:
#
#	plan 3
#	guest [programs] [drivers] <<'END'	what runs in the Guest (may be
#					left out), and whether it needs our
#					programs, and our drivers to modprobe
#	host smp=1 <<'END'		boot a Host, run this in it, pass its TAP on
#	bare <<'END'			boot the same kernel and initramfs without us
#
# host and bare take: kernel=6.1, out of $kernels, which $old and $new are of, too,
# or out of extract/kver flavours; inside=6.12, another kernel for the Guest;
# smp=2 memory=1024 timeout=240 boot=pvh|bzimage|5level append="words"
# meanwhile="a function that runs beside it"
# modules="names" for the Host to modprobe, drive=FILE to be its /dev/vda,
# cpu=Skylake-Server for another CPU than all that QEMU can do, without=-erms,-fsrm
# to take features from it, icount=OPTIONS to have its clock count instructions,
# poison=yes for a Host that notices when it touches memory that it has freed:
# freed pages are zeroed, freed objects filled.
# A machine that dies, hangs or loses lines is a failed plan. LIVE=1 shows all.
set -u

test=$(basename "$0" .t)
mkdir -p build/vm/logs
work=$(mktemp -d build/vm/tmp.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
log=build/vm/logs/${FLAVOUR:+$FLAVOUR:}$test.log
: >"$log"

# The kernels that are tested here, as settings, or with FLAVOUR=cloud or FLAVOUR=rt
# their sisters for clouds and for real time; and how often a test with each of
# them says what it says with one.
kernels=$(for series in $(extract/kver series); do
	series=$series${FLAVOUR:+-$FLAVOUR}
	! extract/kver tried "$series" &&
		[ ! -e "build/host-$(extract/kver "$series")/lg.ko" ] ||
		echo "kernel=$series"
done | xargs)
old=${kernels%% *} new=${kernels##* }
times=$(echo "$kernels" | wc -w)

# What a kernel does with a test that nobody has tried with it yet does not count.
case $0 in *.t)
	if [ -z "${NOT_TRIED-}" ] && ! extract/kver tried "${new#kernel=}"; then
		NOT_TRIED=$new sh "$0" "$@" | tests/vm/not-tried "$new"
		exit
	fi
	;;
esac

plan() {
	echo "1..$1"
}

# alone COMMAND...: not while another test does the same. They run beside each
# other, and share what they build.
alone() {
	(
		flock 9
		"$@" 9>&-
		exit $?	# or the shell becomes the command, and the lock is gone
	) 9>build/vm/lock
}

needs=
guest() {
	needs=" $* "
	cat >"$work/guest.sh"
}

# libraries TREE PROGRAM: those that it needs go along.
libraries() {
	ldd "$2" 2>/dev/null | grep -o '/[^ ]*' |
		while read -r file; do cp -L --parents "$file" "$1"; done
}

# What both worlds start from, and those of this machine's programs that the
# test wants to be carried along.
carry=
base_tree() {
	mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/test"
	cp /bin/busybox "$1/bin"
	ln -s busybox "$1/bin/sh"
	ln -s bin "$1/sbin"
	cp tests/vm/init "$1/init"
	chmod 755 "$1/init"
	for program in $carry; do
		cp -L "$(command -v "$program")" "$1/bin"
		libraries "$1" "$(command -v "$program")"
	done
}

pack() {
	(cd "$1" && find . | cpio -o --quiet -R 0:0 -H newc) >"$2"
}

# guest_initramfs FILE: busybox, the Guest's script, our programs.
guest_initramfs() {
	rm -rf "$work/guest"
	base_tree "$work/guest"
	[ ! -e "$work/guest.sh" ] || cp "$work/guest.sh" "$work/guest/test"
	case $needs in *' programs '*)
		built=build/vm/programs-$gver
		alone env MAKEFLAGS= make -s -C tests/vm/programs \
			OUT="$PWD/$built" KVER="$gver" >&2 || exit 1
		cp -a "$built/." "$work/guest"
		;;
	esac
	case $needs in *' drivers '*)
		extract/kmods "$gver" "$work/guest" \
			"build/host-$gver/guest/$gver"/lguest_*.ko || exit 1
		;;
	esac
	pack "$work/guest" "$1"
}

# payload NAME: build/vm/NAME, a program that needs nothing else.
payload() {
	name=$1
	alone build_payload || exit 1
}

build_payload() {
	[ -z "$(find tests/vm/payloads src/include \
		-newer "build/vm/$name" 2>&1)" ] ||
		cc -O2 -Wall -Wextra -Werror -static -pthread -Isrc/include \
			-o "build/vm/$name" "tests/vm/payloads/$name.c"
}

# host_initramfs FILE KVER: what make built, and what the Guest boots. That is
# the vmlinuz, and for tests of other things its contents, which start faster.
host_initramfs() {
	tree=$work/host built=build/host-$2
	for folder in "$built" "build/host-$gver"; do
		[ -e "$folder/lguest" ] || {
			echo "no $folder: make deps hosts" >&2
			exit 1
		}
	done
	rm -rf "$tree"
	base_tree "$tree"
	cp "$work/host.sh" "$tree/test"
	cp tests/vm/host-lib.sh "$tree/test/lib.sh"
	mkdir "$tree/lguest" "$tree/boot"
	cp -a "$built/lguest" "build/host-$gver/guest" "$tree/lguest"
	strip -g -o "$tree/lguest/lg.ko" "$built/lg.ko"
	cp "/boot/vmlinuz-$gver" "$tree/boot/vmlinuz"
	vmlinux "$gver"
	cp "$image" "$tree/boot/vmlinux"
	for source in tests/vm/payloads/*.c; do
		payload "$(basename "$source" .c)"
		cp "build/vm/$name" "$tree/bin"
	done
	libraries "$tree" "$built/lguest"
	[ -z "$modules" ] || extract/kmods "$2" "$tree" $modules || exit 1
	guest_initramfs "$tree/guest.cpio"
	pack "$tree" "$1"
}

settings() {
	inside=
	kernel=${old#kernel=} smp=2 memory=1024 timeout=240 boot=pvh append='' meanwhile=
	modules='' drive= icount= cpu=max without= poison=
	label=
	for setting; do
		eval "${setting%%=*}=\${setting#*=}"
		case $setting in
		modules=* | drive=* | memory=* | timeout=* | without=* | label=*) ;;
		*) label="${label:+$label }$setting" ;;
		esac
	done
	# What its watchdogs call a hang is thrice as long as well; where all that
	# is freed is zeroed, byte by byte in QEMU, a whole Guest takes longer.
	append="watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=63 $append"
	[ -z "$poison" ] ||
		append="init_on_free=1 slub_debug=FZPU $append watchdog_thresh=60"
	kver=$(extract/kver "$kernel")
	gver=$(extract/kver "${inside:-$kernel}")
}

# vmlinux KVER: image is its decompressed kernel.
vmlinux() {
	image=build/vm/vmlinux-$1
	alone unpack_kernel "$1" || exit 1
}

unpack_kernel() {
	[ "$image" -nt "/boot/vmlinuz-$1" ] ||
		tests/vm/vmlinux "/boot/vmlinuz-$1" "$image"
}

# run_qemu INITRAMFS OPTION...: the machine; its console goes to the log.
run_qemu() {
	initramfs=$1
	shift
	image=/boot/vmlinuz-$kver
	case $boot in
	pvh) vmlinux "$kver" ;;
	bzimage) without=-la57${without:+,$without} ;;
	esac
	# Its seconds are those of a quiet machine: a busy one gets thrice as many.
	timeout --foreground -k 5 "$((timeout * 3))" qemu-system-x86_64 -accel tcg -cpu "$cpu${without:+,$without}" \
		-smp "$smp" -m "$memory" -nodefaults -no-user-config \
		-no-reboot -display none \
		-monitor "unix:$work/monitor,server=on,wait=off" \
		-kernel "$image" -initrd "$initramfs" \
		-append "console=ttyS0 panic=-1 oops=panic quiet $append" \
		${icount:+-icount "$icount"} \
		${drive:+-drive "if=virtio,format=raw,file=$drive"} "$@"
}

# monitor COMMAND...: tell QEMU's monitor, each as one line.
monitor() {
	perl -MIO::Socket::UNIX -e '
		my $qemu = IO::Socket::UNIX->new(shift) or die "monitor: $!\n";
		for my $command (@ARGV) {
			local $/ = "(qemu) ";
			<$qemu>;
			print $qemu "$command\n";
		}
		local $/ = "(qemu) ";
		<$qemu>' "$work/monitor" "$@"
}

# wait_for TEXT: until the console has said it.
wait_for() {
	until grep -q "$1" "$log.now" 2>/dev/null; do sleep 0.1; done
}

# stamp FILE: a copy of all lines, each with the time at which it came.
stamp() {
	perl -MTime::HiRes=time -pe '
		BEGIN { $| = 1; open $copy, ">", shift or die }
		s/\r//g;
		syswrite $copy, sprintf "%.3f %s", time, $_' "$1"
}

# run_machine INITRAMFS END: run, then pass on the TAP lines that it printed.
# When each came is in $log.times.
run_machine() {
	: >"$log.now"
	beside=
	if [ -n "$meanwhile" ]; then
		"$meanwhile" &
		beside=$!
	fi
	run_qemu "$1" -serial stdio </dev/null 2>&1 | stamp "$log.times" |
		if [ -n "${LIVE-}" ]; then
			tee "$log.now" >&2
		else
			cat >"$log.now"
		fi
	[ -z "$beside" ] || kill "$beside" 2>/dev/null
	cat "$log.now" >>"$log"
	sed -n -E "s|^(not )?ok - |&${label:+$label: }|p" "$log.now"
	if ! grep -qx "$2" "$log.now"; then
		echo "not ok - ${label:+$label: }reaches its end"
	elif ! grep -q '^not ok' "$log.now"; then
		rm "$log.now"
		return
	fi
	echo "# the last lines of $log:" >&2
	tail -n 40 "$log.now" | sed 's/^/# /' >&2
	rm "$log.now"
}

cannot_start() {
	echo "not ok - ${label:+$label: }what the machine starts from"
}

host() {
	settings "$@"
	cat >"$work/host.sh"
	(host_initramfs "$work/host.cpio" "$kver") || { cannot_start; return; }
	run_machine "$work/host.cpio" HOST-DONE
}

# bare: with the script from stdin, and the programs if guest asked for them.
bare() {
	settings "$@"
	cat >"$work/guest.sh"
	(guest_initramfs "$work/bare.cpio") || { cannot_start; return; }
	run_machine "$work/bare.cpio" GUEST-DONE
}
