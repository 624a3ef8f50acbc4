#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Which kernels are tested, and which packages are installed, on which system:
# asked on machines that are made of a few empty files.
. tests/book/lib.sh

echo 1..38
export ROOT=$work/root

# system ID VERSION KERNEL...: the machine from here on
system() {
	rm -rf "$ROOT"
	mkdir -p "$ROOT/etc"
	printf 'ID=%s\nVERSION_ID=%s\nPRETTY_NAME="%s %s"\n' \
		$1 $2 $1 $2 >"$ROOT/etc/os-release"
	[ $2 != 13 ] || echo VERSION_CODENAME=trixie >>"$ROOT/etc/os-release"
	system=$*
	shift 2
	for kver; do
		mkdir -p "$ROOT/lib/modules/$kver/build"
		touch "$ROOT/lib/modules/$kver/build/Makefile"
	done
}

# says WANTED WORD...: what extract/kver answers
says() {
	wanted=$1
	shift
	extract/kver "$@" 2>&1 | xargs >"$work/said"
	[ "$(cat "$work/said")" = "$wanted" ]
	result $? "$system: kver${*:+ $*}"
}

system debian 12 6.1.0-9-amd64 6.1.0-56-amd64 6.1.0-60-rt-amd64 \
	6.12.117+deb12-amd64 6.12.90+deb12-amd64 6.12.118+deb12-cloud-amd64
says 6.12.117+deb12-amd64
says "6.1.0-9-amd64 6.1.0-56-amd64 6.1.0-60-rt-amd64 6.12.90+deb12-amd64\
 6.12.118+deb12-cloud-amd64 6.12.117+deb12-amd64" all
says "6.1 6.12" series
says "6.1-cloud 6.1-rt" flavours
says "6.1-cloud 6.1-rt 6.12-cloud 6.12-rt" flavours all
says 6.1.0-60-rt-amd64 6.1-rt
says "" 6.1-cloud
says 6.1.0-56-amd64 6.1
says 6.12.117+deb12-amd64 6.12
says "" remarks
system debian 12 6.12.117+deb12-amd64
says 6.12 series
system debian 12
says ""
says "" series
says "" 6.1
system debian 13 6.1.0-56-amd64 6.12.117+deb13-amd64
says 6.12 series
says "no kernel from trixie-backports here: only 6.12 is tested" remarks
system debian 13 6.12.117+deb13-amd64 99.2.3+deb13-amd64 99.10.1+deb13-amd64
says 6.12.117+deb13-amd64
says 99.10.1+deb13-amd64 99.10
says "6.12 99.10" series
says "kernel 99.10: not tried before, so what fails with it does not count" \
	remarks
for kver in 6.1.0-56-amd64 6.12 6.12.117+deb13 6.1-cloud; do
	extract/kver tried $kver
	result $? "tried: $kver"
done
! extract/kver tried 6.120.1
result $? "not tried: 6.120.1"

# What apt would be asked for, by a machine that has nothing else.
mkdir "$work/bin"
cat >"$work/bin/apt-get" <<'END'
#!/bin/sh
case $* in *" install "*) echo "$*" | tr ' ' '\n' | grep -E '^linux|backports' ;; esac
END
cat >"$work/bin/apt-cache" <<'END'
#!/bin/sh
grep "^$2" <"$ROOT/known"
END
printf '#!/bin/sh\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\necho amd64\n' >"$work/bin/dpkg"
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
chmod +x "$work/bin"/*

# installs WANTED [NAME...]: the kernels, if apt knows these of their headers
what=
installs() {
	wanted=$1
	shift
	printf 'linux-headers-%s\n' "$@" >"$ROOT/known"
	PATH=$work/bin:$PATH extract/deps $what 2>&1 |
		sed 's/^linux-//; /^installing:/d' | xargs >"$work/said"
	[ "$(cat "$work/said")" = "$wanted" ]
	result $? "$system: deps${what:+ $what}${1:+, where apt has $*}"
}
image_and_headers() {
	for kver; do
		echo "image-$kver headers-$kver"
	done
}
system debian 12
installs "$(echo image-amd64 headers-amd64 source-6.1 image-6.12-amd64 \
	headers-6.12-amd64 $(image_and_headers cloud-amd64 rt-amd64))"
what=long
installs "$(echo image-amd64 headers-amd64 source-6.1 image-6.12-amd64 \
	headers-6.12-amd64 $(image_and_headers cloud-amd64 rt-amd64 \
		6.12-cloud-amd64 6.12-rt-amd64))"
what=
system debian 13
stable=6.12.117+deb13-amd64
flavours="6.12.117+deb13-cloud-amd64 6.12.117+deb13-rt-amd64"
installs "source-6.12 $(image_and_headers $stable $flavours | xargs)" amd64 \
	6.12.99+deb13-amd64 $stable $flavours 6.12.99+deb13-rt-amd64 \
	6.12.200-common
installs "$(echo source-6.12 $(image_and_headers $stable $flavours) \
	trixie-backports $(image_and_headers 7.10.2+deb13-amd64))" \
	$stable 7.10.2+deb13-amd64 7.9.8+deb13-amd64 $flavours \
	7.10.2+deb13-cloud-amd64
what=long
new=7.10.2+deb13-
installs "$(echo source-6.12 $(image_and_headers $stable $flavours) \
	trixie-backports \
	$(image_and_headers ${new}amd64 ${new}cloud-amd64 ${new}rt-amd64))" \
	$stable ${new}amd64 $flavours ${new}cloud-amd64 ${new}rt-amd64
installs "source-6.12 $(image_and_headers $stable $flavours | xargs)" \
	$stable $flavours
what=
# What is installed is not updated, but for a newer series.
system debian 13 6.12.99+deb13-amd64 7.9.8+deb13-amd64
installs "$(echo source-6.12 \
	$(image_and_headers 6.12.99+deb13-amd64 $flavours) trixie-backports \
	$(image_and_headers 7.9.8+deb13-amd64))" \
	6.12.99+deb13-amd64 $stable $flavours 7.9.8+deb13-amd64 \
	7.9.9+deb13-amd64
installs "$(echo source-6.12 \
	$(image_and_headers 6.12.99+deb13-amd64 $flavours) trixie-backports \
	$(image_and_headers 7.10.2+deb13-amd64))" \
	$stable $flavours 7.10.2+deb13-amd64 7.9.8+deb13-amd64

# Anywhere else.
for other in "debian 11" "debian 99" "ubuntu 26.04"; do
	system $other
	! PATH=$work/bin:$PATH extract/deps >"$work/said" 2>&1 &&
		[ "$(cat "$work/said")" = \
			"this is $other, amd64: lguest is for Debian 12 and 13, amd64" ]
	result $? "$other: one line, which says what is supported"
done

# What a kernel does that is new to us: counted in QEMU's tests, but not as failed.
lines() {
	printf '%s\n' "$@"
}
todo="# TODO not tried before"
old="not ok - kernel=6.12: c"
lines 1..6 "ok - a" "not ok - kernel=99.1 poison=yes: b" "$old" |
	tests/vm/not-tried kernel=99.1 >"$work/said"
gone="not ok - kernel=99.1: and what was to follow $todo"
lines 1..6 "ok - a" "not ok - kernel=99.1 poison=yes: b $todo" "$old" \
	"$gone" "$gone" "$gone" | cmp -s - "$work/said"
result $? "a new kernel fails, and what it was to say is missing: remarks"
lines 1..6 "not ok - kernel=99.10: b" "$old" >"$work/lines"
tests/vm/not-tried kernel=99.1 <"$work/lines" >"$work/said"
cmp -s "$work/lines" "$work/said"
result $? "another kernel fails, and something is missing: no excuse"
