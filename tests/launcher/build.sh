# SPDX-License-Identifier: GPL-2.0
# For the tests beside it: builds the Launcher, or a test of its parts.
set -e
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
src=${SRC:-src}
libs="-lelf -lz -llzma -lzstd -llz4 -pthread"
parts=$(ls "$src"/launcher/*.c | grep -v /lguest.c)	# all but main()
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1

# compile OUTPUT SOURCE...: with every check that the compiler has
compile() {
	out=$1; shift
	${CC:-gcc} -g -O1 -Wall -Wextra -Werror -I"$src/include" -I"$src/launcher" \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		"$@" $libs -o "$out"
}

# guest_code RELEASE [FLAGS...]: a tiny Guest code for that kernel
guest_code() {
	mkdir -p "$tmp/guest/$1"
	out=$tmp/guest/$1/lguest_guest.o; shift
	${CC:-gcc} -c "$@" tests/launcher/tiny.S -o "$out"
}

# The stock kernels that are installed here, and not new to us.
kernels() {
	for i in /boot/vmlinuz-*; do
		[ -r "$i" ] && extract/kver tried "${i#/boot/vmlinuz-}" &&
			echo "${i#/boot/vmlinuz-}"
	done
}
