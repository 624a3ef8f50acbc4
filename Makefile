# SPDX-License-Identifier: GPL-2.0
# make demo, make test: the rest is what these two are made of. V=1 says all.

# Where everything made goes, and the kernel that lg.ko is made for.
OUT ?= build
KVER ?= $(shell extract/kver)

# The kernels that we test, and the one of them that a demo shows.
KVERS = $(foreach series,$(shell extract/kver series),\
	$(shell extract/kver $(series)))
OWN = $(firstword $(KVERS))

Q := $(if $(V),,@)
QUIETLY = $(if $(V),,extract/quietly $@.log)
CHAPTERS = $(sort $(wildcard chapters/*.nw))
HEADERS = /lib/modules/$(KVER)/build

# make and kbuild split names at blanks, and paths at colons.
ifneq ($(words $(CURDIR))$(findstring :,$(CURDIR)),1)
$(error cannot build in "$(CURDIR)": no blanks and colons in its path, please)
endif

# Who starts a demo is asked for commands at the end of it.
ifneq ($(filter demo demo-debian,$(MAKECMDGOALS)),)
ifneq ($(shell test -e /dev/stdin && test "$$(stat -Lc %t:%T /dev/stdin)" != 1:3 || \
	echo nobody),)
$(error a demo is for somebody at a terminal (or a pipe, or a file), and there is nobody)
endif
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all tangle check-tangle modules built hosts deps demo
.PHONY: test-debian12 test-debian13 test-matrix
.PHONY: rootfs demo-debian test test-fast test-cpus vm bench bench-io clean FORCE

all: modules

deps:
	$(Q)extract/deps

tangle:
	$(Q)extract/tangle src build/tangle $(CHAPTERS)

check-tangle:
	$(Q)mkdir -p build && rm -rf build/check && \
	extract/tangle build/check build/check-lines $(CHAPTERS) && \
	diff -r src build/check

# Two steps: what the chapters hold is known only after the tangle. KVER=all is
# every kernel whose headers are here, the one to run on last: its lg.ko stays.
modules: tangle
ifeq ($(KVER),all)
	+$(Q)status=0; for kver in $$(extract/kver all); do \
		$(MAKE) --no-print-directory built KVER=$$kver || status=1; \
	done; exit $$status
else
	$(Q)$(MAKE) --no-print-directory built
endif

built: $(OUT)/lg.ko $(OUT)/lguest $(OUT)/guest/$(KVER)/initramfs.cpio

# kbuild knows best what is old: always ask it.
$(OUT)/lg.ko: FORCE
	$(Q)test -e $(HEADERS)/Makefile || { \
		echo "no headers for kernel $(KVER): install" \
			"linux-headers-$(KVER)" >&2; exit 1; }
	$(Q)mkdir -p $(OUT)/kbuild/$(KVER) $(OUT)/guest/$(KVER)
	$(Q)cp -au build/tangle/. $(OUT)/kbuild/$(KVER)
	+$(Q)$(QUIETLY) $(MAKE) -C $(HEADERS) M=$(abspath $(OUT)/kbuild/$(KVER)) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)extract/check-guest-code $(OUT)/kbuild/$(KVER)/lguest_guest.o
	$(Q)cp -u $(OUT)/kbuild/$(KVER)/lguest_guest.o \
		$(OUT)/kbuild/$(KVER)/drivers/lguest_*.ko $(OUT)/guest/$(KVER)
	$(Q)cp $(OUT)/kbuild/$(KVER)/lg.ko $@

# What a Guest starts from: its drivers, and a first program.
DRIVERS = $(addprefix $(OUT)/guest/$(KVER)/,lguest_bus.ko lguest_blk.ko \
	lguest_net.ko)

$(DRIVERS): $(OUT)/lg.ko ;

$(OUT)/guest/$(KVER)/initramfs.cpio: Makefile extract/initramfs extract/kmods \
		build/tangle/guest/init.sh $(DRIVERS)
	$(Q)extract/initramfs $(KVER) build/tangle/guest/init.sh $@ $(DRIVERS)

LAUNCHER_CFLAGS = -O2 -g -Wall -Wextra -Werror -Ibuild/tangle/include
LAUNCHER_LIBS = -lelf -lz -llzma -lzstd -llz4 -pthread

$(OUT)/lguest: $(wildcard build/tangle/launcher/*) \
		$(wildcard build/tangle/include/*)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LAUNCHER_CFLAGS) -o $@ $(filter %.c,$^) $(LAUNCHER_LIBS)

# A folder for each kernel that we test, and for those for clouds and real time of
# the first (FLAVOURS=all: of all), as far as they are here. A new one is welcome to
# fail.
sisters = $(foreach flavour,$(shell extract/kver flavours $(1)),\
	$(shell extract/kver $(flavour)))

hosts: tangle
	$(Q)extract/kver remarks
	+$(Q)for kver in $(KVERS) $(call sisters,$(FLAVOURS)); do \
		$(MAKE) --no-print-directory built \
			KVER=$$kver OUT=build/host-$$kver || \
		! extract/kver tried $$kver || exit 1; done

# A Debian for a Guest's disk. Its packages come once, then wait in a tar.
rootfs: deps
	+$(Q)$(MAKE) --no-print-directory hosts
	+$(Q)$(MAKE) -s --no-print-directory build/debian.ext4

build/debian.tar: extract/rootfs
	$(Q)extract/rootfs base $@

GUESTS = $(patsubst %/initramfs.cpio,%,$(wildcard \
	$(foreach kver,$(KVERS) $(call sisters,all),\
		build/host-$(kver)/guest/$(kver)/initramfs.cpio)))

build/debian.ext4: build/debian.tar extract/kmods \
		$(wildcard $(addsuffix /lguest_*.ko,$(GUESTS)))
	$(Q)extract/rootfs image $< $@ $(GUESTS)

demo-debian: rootfs
	$(Q)tests/vm/demo debian

demo: deps tangle
	+$(Q)$(MAKE) --no-print-directory built KVER=$(OWN) OUT=build/host-$(OWN)
	$(Q)tests/vm/demo

# Those in QEMU run two at a time, the longest first. Those that measure time, alone.
# The woven book comes last: beside QEMU, its browser takes nine times the CPU.
VM_TIMED = tests/vm/50-clocks.t tests/vm/ratio.t
VM_TESTS = $(filter-out $(VM_TIMED) tests/vm/bench-io.t,\
	$(shell ls -r tests/vm/*.t))

# The tests call make as people do: not from inside of another.
PROVE = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL prove --timer

test: deps
	+$(Q)$(MAKE) --no-print-directory rootfs
	$(Q)$(PROVE) -j2 --rules='seq=tests/weave/*' --rules='par=**' \
		$(VM_TESTS) tests/book tests/launcher $(sort $(wildcard tests/weave/*.t)) && \
	$(PROVE) $(VM_TIMED)

# All of this on the other Debian, in a chroot of it; with FLAVOURS=all, also what
# test-matrix does here: all tests in QEMU, on all kernels. What has passed is kept
# by commit, and not run again.
test-debian12 test-debian13:
	$(Q)tests/long $(@:test-debian%=%)

test-matrix:
	$(Q)FLAVOURS=all tests/long here

# A Guest on every kind of CPU that QEMU can show.
test-cpus: hosts
	$(Q)CPUS=all $(PROVE) tests/vm/15-cpus.t

# How fast is a Guest, next to the bare machine?
bench: hosts
	$(Q)$(PROVE) -v tests/vm/ratio.t

# And its disk and network, next to its Host's? Wants a quiet machine.
bench-io: hosts
	$(Q)$(PROVE) -v tests/vm/bench-io.t

# What needs no QEMU.
test-fast: deps
	+$(Q)$(MAKE) --no-print-directory hosts
	$(Q)$(PROVE) -j2 tests/book tests/launcher

# One test, with everything that the machine says: make vm T=10-boot
vm: hosts
	$(Q)LIVE=1 $(PROVE) -v tests/vm/$(T).t

# What was made by root, in build/long, is removed by root.
clean:
	$(Q)rm -rf build 2>/dev/null || sudo rm -rf build

include extract/tour.mk
include book/book.mk
