#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the Launcher says when it can't do what it was asked to.
. "$(dirname "$0")/build.sh"
set +e
count=0
chmod 755 "$tmp"
compile "$tmp/lguest" "$src"/launcher/*.c -O2 || exit 1
lguest=$tmp/lguest

ok() {		# STATUS TEXT
	count=$((count + 1))
	[ "$1" = 0 ] && echo "ok $count - $2" && return
	echo "not ok $count - $2"
	sed 's/^/# /' "$tmp/err"
}

# says PATTERN TEXT COMMAND...: one line, which matches, and status 1
says() {
	pattern=$1 text=$2; shift 2
	timeout 20 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ $status = 1 ] && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" = 1 ] &&
		grep -q "^lguest: .*$pattern" "$tmp/err"
	ok $? "$text: $pattern"
}

release=$(kernels | tail -n 1)
kernel=/boot/vmlinuz-$release
if [ -z "$release" ]; then
	echo "1..0 # SKIP no stock kernel in /boot"
	exit 0
fi

"$lguest" --help >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/err" ] &&
	grep -q -- --initrd=FILE "$tmp/out"
ok $? "--help"
"$lguest" --version 2>"$tmp/err" | grep -q "^lguest.* ABI [0-9]"
ok $? "--version"

says "how much memory, and which kernel" "nothing at all" "$lguest"
says "which kernel" "no kernel" "$lguest" 256
says "unknown option --nonsense" "an unknown option" \
	"$lguest" --nonsense 256 "$kernel"
says "unknown option -xyz" "unknown letters" "$lguest" -xyz 256 "$kernel"
says "--initrd needs a value" "an incomplete option" "$lguest" --initrd
says "unknown option -b" "an option behind the kernel" \
	"$lguest" 256 "$kernel" quiet -b
says "how much memory, and which kernel" "only words for the kernel" \
	"$lguest" -- 256 "$kernel"
says "much is no number" "memory in words" "$lguest" much "$kernel"
says "12x is no number" "memory with a tail" "$lguest" 12x "$kernel"
says "No such file" "no such kernel" "$lguest" 256 /nowhere/vmlinuz
says "not a regular file" "a folder" "$lguest" 256 /boot
says "not a regular file" "a device" "$lguest" 256 /dev/zero
says "not a Linux kernel" "a program" "$lguest" 256 /bin/sh
says "not a kernel" "a text" "$lguest" 256 /etc/passwd
: >"$tmp/empty"
says "not a kernel" "an empty file" "$lguest" 256 "$tmp/empty"

for bytes in 1000 1024 20000 3000000; do
	head -c $bytes "$kernel" >"$tmp/short"
	case $bytes in
	1000) words="not a kernel" ;;
	*) words=truncated ;;
	esac
	says "$words" "its first $bytes bytes" "$lguest" 256 "$tmp/short"
done

says "no Guest code for kernel $release: install linux-headers-$release,\
 then make modules KVER=$release" \
	"no Guest code" "$lguest" 256 "$kernel"
guest_code "$release"
says "needs [0-9]* MB or more" "16 MB" "$lguest" 16 "$kernel"
says "needs [0-9]* MB or more" "0 MB" "$lguest" 0 "$kernel"
says "32768 MB is the most" "a terabyte" "$lguest" 1048576 "$kernel"
says "is the most" "more than there are numbers" \
	"$lguest" 99999999999999999999999 "$kernel"
says "No such file" "no such initrd" \
	"$lguest" --initrd=/nowhere/initrd 256 "$kernel"
says "not a regular file" "a folder as initrd" \
	"$lguest" --initrd=/boot 256 "$kernel"
head -c 100M /dev/zero >"$tmp/large"
says "needs [0-9]* MB or more" "an initrd as large as the Guest" \
	"$lguest" --initrd="$tmp/large" 128 "$kernel"
says "command line is too long" "2048 letters" \
	"$lguest" 256 "$kernel" "$(head -c 2048 /dev/zero | tr '\0' x)"

head -c 4000 /dev/zero >"$tmp/odd"
says "cannot open /nowhere/disk: No such file" "no such disk" \
	"$lguest" --block=/nowhere/disk 256 "$kernel"
says "cannot use /boot: no file, and no block device" "a folder as disk" \
	"$lguest" 256 "$kernel" quiet --block=/boot,ro
says "cannot use $tmp/odd: 4000 bytes are no whole sectors" "an odd disk" \
	"$lguest" --block="$tmp/odd" 256 "$kernel"
says "cannot use $tmp/empty: it is empty" "an empty disk" \
	"$lguest" --block="$tmp/empty" 256 "$kernel"
says "cannot use $tmp/large: another Guest or the Host has it" "the same disk twice" \
	"$lguest" --block="$tmp/large" 256 "$kernel" --block="$tmp/large"
for address in 300.1.1.1 10.1.1 10.1.1.1/31 10.1.1.1/ 10.1.1.1/8x lg0 ""; do
	says "tunnet=$address: not IP, IP/8 to IP/30, or bridge:NAME" \
		"no address" "$lguest" --tunnet=$address 256 "$kernel"
done
for address in 10.1.1.0 10.1.1.255 10.1.1.254 10.1.1.2/30; do
	says "tunnet=$address: no room in this network for it and the next" \
		"a bad address" "$lguest" 256 "$kernel" --tunnet=$address
done
for mac in "" 1 02:00:00:00:00 02:00:00:00:00:07x 01:00:00:00:00:07 \
	00:00:00:00:00:00; do
	says "mac=$mac: no address for one card" "a bad MAC address" \
		"$lguest" 256 "$kernel" "--tunnet=10.1.1.1,mac=$mac"
done
for station in 64 x -1 3x ""; do
	says "wire#$station: stations are numbers from 0 to 63" "no station" \
		"$lguest" "--sharenet=$tmp/wire#$station" 256 "$kernel"
done
says "sharenet: cannot open $tmp: Is a directory" "a folder as wire" \
	"$lguest" --sharenet="$tmp" 256 "$kernel"
mkfifo "$tmp/pipe"
says "sharenet: $tmp/pipe is not a regular file" "a pipe as wire" \
	"$lguest" --sharenet="$tmp/pipe" 256 "$kernel"
says "sharenet: /proc/self/comm is not on a tmpfs" "a wire not in memory" \
	"$lguest" --sharenet=/proc/self/comm 256 "$kernel"
wire=$(mktemp /dev/shm/lguest.XXXXXX)
trap 'rm -rf "$tmp" "$wire" "$wire.new"' EXIT
echo text >"$wire"
says "sharenet: $wire is no wire" "some other file as wire" \
	"$lguest" --sharenet="$wire" 256 "$kernel"
grep -qx text "$wire"
ok $? "which is as it was"

# A tmpfs without a page left: the wire is refused, and no file stays.
if unshare -m true 2>/dev/null; then
	mkdir "$tmp/full"
	in_full="unshare -m sh -c"
	says "sharenet: $tmp/full/none has no room for a page: No space left" \
		"a wire on a full tmpfs" $in_full "mount -t tmpfs -o size=4k t \
		$tmp/full && head -c 4096 /dev/zero >$tmp/full/full &&
		$lguest --sharenet=$tmp/full/none 256 $kernel;
		status=\$?; [ ! -e $tmp/full/none ] || exit 9; exit \$status"
	says "sharenet: .* has no room for a page: File too large" \
		"a wire that may not grow" sh -c "said=\$(ulimit -f 0;
		$lguest --sharenet=$wire.new 256 $kernel 2>&1);
		status=\$?; echo \"\$said\" >&2; [ ! -e $wire.new ] || exit 9; exit \$status"
else
	echo "# no mount namespaces here: no test of a full tmpfs"
fi
says "sharenet: $tmp/none is not on a tmpfs" "a new file, but on a disk" \
	sh -c "$lguest --sharenet=$tmp/none 256 $kernel;
	status=\$?; [ ! -e $tmp/none ] || exit 9; exit \$status"

# A new wire goes again when it comes to nothing later, but not if somebody else
# is on it by then. Between one wire and the next, whoever has byte 64 of the
# next can look around.
trap 'rm -rf "$tmp" "$wire" "$wire.new" "$wire.next"' EXIT
says "cannot open /nowhere/disk" "a new wire, and then no disk" \
	sh -c "$lguest --sharenet=$wire.new --block=/nowhere/disk 256 $kernel;
	status=\$?; [ ! -e $wire.new ] || exit 9; exit \$status"
says "cannot open /nowhere/disk" "two of them" \
	sh -c "$lguest --sharenet=$wire.new --sharenet=$wire.next 256 $kernel \
	--block=/nowhere/disk; status=\$?
	[ ! -e $wire.new ] && [ ! -e $wire.next ] || exit 9; exit \$status"
head -c 4096 /dev/zero >"$wire"
says "cannot open /nowhere/disk" "one that was there" \
	sh -c "$lguest --sharenet=$wire --block=/nowhere/disk 256 $kernel;
	status=\$?; [ -e $wire ] || exit 9; exit \$status"
cat >"$tmp/lib.pl" <<'END'
use Fcntl;
# hold FILE BYTE: an OFD lock on it
sub hold {
	fcntl $_[0], 37, pack("s s x4 q q i x4", F_WRLCK, 0, $_[1], 1, 0)
		or die "no lock: $!";
}
# has PID NAME: this Launcher has this file open, within ten seconds
sub has {
	my ($pid, $name) = @_;
	for (1 .. 500) {
		return 1 if (readlink("/proc/$pid/exe") // "") =~ /lguest$/ and
			grep { (readlink($_) // "") eq $name }
			glob "/proc/$pid/fd/*";
		select undef, undef, undef, 0.02;
	}
	return 0;
}
1;
END
cat >"$tmp/between" <<'END'
require "$ENV{LIB}";
my ($new, $next, $then, @command) = @ARGV;
open my $at_next, "+>", $next or die;
syswrite $at_next, "\0" x 4096;
hold($at_next, 64);
my $pid = fork;
exec @command unless $pid;
has($pid, $next);	# so the new one is made, and it waits
my $file;
if ($then eq "use") {
	open $file, "+<", $new or die "no $new: $!";
	hold($file, 5);
}
close $at_next;
waitpid $pid, 0;
die "it is gone" if $then eq "use" and !-e $new;
exit $? >> 8;
END
says "cannot open /nowhere/disk" "a new wire that somebody uses stays" \
	env LIB="$tmp/lib.pl" perl "$tmp/between" "$wire.new" "$wire.next" use "$lguest" \
	--sharenet="$wire.new" --sharenet="$wire.next" \
	--block=/nowhere/disk 256 "$kernel"
rm -f "$wire.new"
says "cannot open /nowhere/disk" "and goes if nobody does" \
	env LIB="$tmp/lib.pl" perl "$tmp/between" "$wire.new" "$wire.next" leave "$lguest" \
	--sharenet="$wire.new" --sharenet="$wire.next" \
	--block=/nowhere/disk 256 "$kernel"
[ ! -e "$wire.new" ] && [ -e "$wire.next" ]
ok $? "which had been there is there"

# Who comes just when it goes makes another: the file that is locked is the one
# that has the name.
cat >"$tmp/swapped" <<'END'
require "$ENV{LIB}";
my ($old, $next, @command) = @ARGV;
my @file;
for ($old, $next) {
	open my $file, "+>", $_ or die;
	syswrite $file, "\0" x 4096;
	hold($file, 64);
	push @file, $file;
}
my $pid = fork;
exec @command unless $pid;
has($pid, $old);
unlink $old;
close $file[0];
has($pid, $next);
my $made = -e $old && has($pid, $old);
close $file[1];
waitpid $pid, 0;
die "it is on a wire without a name" unless $made;
exit $? >> 8;
END
rm -f "$wire.new" "$wire.next"
says "cannot open /nowhere/disk" "a wire that goes as one comes" \
	env LIB="$tmp/lib.pl" perl "$tmp/swapped" "$wire.new" "$wire.next" "$lguest" \
	--sharenet="$wire.new" --sharenet="$wire.next" \
	--block=/nowhere/disk 256 "$kernel"

says "--block needs a value" "no disk" "$lguest" 256 "$kernel" --block

for section in __jump_table .altinstructions .static_call_sites __ex_table \
	.data..percpu; do
	guest_code "$release" "-DEXTRA=.section $section,\"a\"; .quad 0"
	says "section $section would never be patched" "$section" \
		"$lguest" 256 "$kernel"
done
guest_code "$release" "-DEXTRA=.text; call no_kernel_has_this"
says "no no_kernel_has_this, which" "a missing symbol" \
	"$lguest" 256 "$kernel"
guest_code "$release" "-DEXTRA=.text; call name_show"
says "more than one name_show" "an ambiguous symbol" \
	"$lguest" 256 "$kernel"
guest_code "$release" "-DEXTRA=.data; .long pv_ops"
says "pv_ops at 0xffffffff.* is too far away" "an address that is cut off" \
	"$lguest" 256 "$kernel"
for blank in ".quad 0; .long pv_ops + 0x100000000 - ." \
	"mov pv_ops + 0x100000000, %eax"; do
	guest_code "$release" "-DEXTRA=.text; $blank"
	says "pv_ops at 0x.* is too far away" "$blank" \
		"$lguest" 256 "$kernel"
done
guest_code "$release" "-DEXTRA=.text; mov pv_ops@GOTPCREL(%rip), %rax"
says "relocation type [0-9]* for pv_ops" "an unknown relocation" \
	"$lguest" 256 "$kernel"
guest_code "$release" "-DEXTRA=.bss; .fill 0x1ff000"
says "larger than 2 MB" "more code than fits" "$lguest" 256 "$kernel"
guest_code "$release"

# A /dev of our own, where what is in the real one does not matter.
cat >"$tmp/in_dev" <<'END'
exec unshare -m sh -c "mount -t tmpfs none /dev && mknod /dev/null c 1 3 &&
	chmod 666 /dev/null && $1"
END
in_dev="sh $tmp/in_dev"
if $in_dev true 2>/dev/null; then
	says "no /dev/lguest .*: load it: insmod $tmp/lg.ko" "no Host" \
		$in_dev "exec $lguest 256 $kernel"
	says "no /dev/lguest" "no Host, and a new wire" \
		$in_dev "mkdir /dev/shm && mount -t tmpfs none /dev/shm
		$lguest 256 $kernel --sharenet=/dev/shm/wire; status=\$?
		[ ! -e /dev/shm/wire ] || exit 9; exit \$status"
	# Of 0, 1 and 2, some or all are closed: nothing gets into the disk.
	head -c 1M /dev/urandom >"$tmp/disk"
	sum=$(sha256sum <"$tmp/disk")
	for closed in "0<&-" "1>&-" "2>&-" "0<&- 1>&-" "0<&- 2>&-" \
		"1>&- 2>&-" "0<&- 1>&- 2>&-"; do
		$in_dev "eval 'exec $lguest --verbose --block=$tmp/disk \
			256 $kernel $closed'" >"$tmp/err" 2>&1
		[ $? = 1 ] && [ "$(sha256sum <"$tmp/disk")" = "$sum" ]
		ok $? "$closed: status 1, and the disk is as it was"
	done
	says "no permission to open /dev/lguest" "no permission" \
		$in_dev ">/dev/lguest && chmod 600 /dev/lguest &&
		exec setpriv --reuid=65534 --clear-groups $lguest 256 $kernel"
	says "cannot start a Guest: " "a Host that is none" \
		$in_dev "ln -s /dev/full /dev/lguest && mknod /dev/full c 1 7 &&
		exec $lguest 256 $kernel"
	says "cannot open $tmp/secret: Permission denied" "a secret initrd" \
		$in_dev ">$tmp/secret && chmod 600 $tmp/secret &&
		exec setpriv --reuid=65534 --clear-groups \
		$lguest --initrd=$tmp/secret 256 $kernel"
	says "cannot open $tmp/secret: Permission denied" "a secret disk" \
		$in_dev ">$tmp/secret && chmod 600 $tmp/secret &&
		exec setpriv --reuid=65534 --clear-groups \
		$lguest --block=$tmp/secret 256 $kernel"
	$in_dev "$lguest 256 $kernel one --verbose two -- --initrd=x -b" \
		2>"$tmp/err" >/dev/null
	grep -q "command line: .*console=hvc0 one two -- --initrd=x -b$" \
		"$tmp/err"
	ok $? "options may come late, all behind -- belongs to the kernel"
	! grep -q "initrd:" "$tmp/err"
	ok $? "without an initrd there is none"
	echo "not one" >"$tmp/guest/$release/initramfs.cpio"
	$in_dev "$lguest --verbose 256 $kernel" 2>"$tmp/err" >/dev/null
	grep -q "initrd: $tmp/guest/$release/initramfs.cpio: 0x8 bytes" \
		"$tmp/err"
	ok $? "an initrd beside the Guest code is taken"
	$in_dev "$lguest --verbose 256 $kernel --initrd=/etc/passwd" \
		2>"$tmp/err" >/dev/null
	grep -q "initrd: /etc/passwd: " "$tmp/err"
	ok $? "unless the user has another"
else
	echo "# no mount namespaces here: no tests of /dev/lguest"
fi
echo "1..$count"
