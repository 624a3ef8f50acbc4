#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each instruction that is privileged, or IOPL's, or UMIP's, or reads the state of
# the system: what it does in a Guest's kernel and in its programs, beside what it
# does on the bare machine. Where the two differ, the list below says so, and
# chapter 2 as well. The last Host's CPU has no UMIP.
. tests/vm/lib.sh

plan $((9 * times + 9))
guest programs <<'END'
dmesg -n 1
/tests/instructions
/tests/instructions32
insmod /tests/own/ring0.ko 2>/dev/null
dmesg | grep -o 'ROW kernel.*'
dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace' && echo COMPLAINS
END

# rows PREFIX WHERE: what that machine, which ran last, has said of each
# instruction. Addresses of tables that UMIP does not hide are its own affair.
rows() {
	hidden='s/^(program.. s[gi]dt: .. ..) .*/\1/'
	case $setting in *umip) ;; *) hidden= ;; esac
	tr -d '\r' <"$log" | sed -n "s/^$1ROW //p" | sed -E "$hidden" |
		sort -u >"$work/rows.$2"
}

# differences: those of the two machines, as "what: bare | Guest".
differences() {
	awk -F ': ?' '
		NR == FNR { bare[$1] = $2; next }
		{ seen[$1] = 1 }
		!($1 in bare) { print $1 ": not on the bare machine" }
		($1 in bare) && bare[$1] != $2 {
			print $1 ": " bare[$1] " | " $2
		}
		END {
			for (row in bare)
				if (!seen[row])
					print row ": not in the Guest"
		}' "$work/rows.bare" "$work/rows.guest" | LC_ALL=C sort
}

# expect BY TEXT: the lines of stdin, and no other, differ for these rows.
expect() {
	LC_ALL=C sort >"$work/expected"
	grep "^$1" "$work/differences" | diff "$work/expected" - >"$work/said"
	if [ $? = 0 ] && [ "$(grep -c "^$1" "$work/rows.guest")" -gt 90 ]; then
		echo "ok - $setting: $2"
	else
		echo "not ok - $setting: $2"
		sed 's/^/# /' "$work/said" >&2
	fi
}

# Hidden are SMAP, MONITOR and model-specific registers that are not there (for
# QEMU they are); silent are flags, selectors, and where UMIP is missing, the rest.
in_kernel='kernel64 clac:  | trap 6
kernel64 stac:  | trap 6
kernel64 monitor:  | trap 6
kernel64 rdmsr of none:  | trap 13
kernel64 wrmsr of none:  | trap 13
kernel64 rdpmc: trap 6 | trap 13
kernel64 insb to nowhere: trap 14 | trap 13
kernel64 mov ss, the kernel'"'"'s:  | trap 13
kernel64 mov from cs: 10 | 33
kernel64 mov from ss: 18 | 2b
kernel64 lar of the kernel'"'"'s code: a09b00 | 0
kernel64 lsl of the TSS: 4087 | 0
kernel64 verw of the kernel'"'"'s data: 1 | 0
kernel64 popf to cli: 0 | 1
kernel64 pushf after cli: 0 | 1'
# Who may, asks QEMU 7.2 first; QEMU 10, is there such a register?
cr1='kernel64 mov from cr1: trap 6 | trap 13'
to_nowhere='kernel64 sgdt to nowhere: trap 14 | trap 13'
silent='kernel64 sgdt, where: 1 | 0
kernel64 sidt, where: 1 | 0
kernel64 task switched: 8 | 0'

cp "$work/guest.sh" "$work/script"
for setting in $kernels "$new without=-umip"; do
	: >"$log"
	bare $setting <"$work/script"
	rows '' bare
	: >"$log"
	host $setting <<'END'
try "lg.ko loads" insmod /lguest/lg.ko
run_guest 192 vmlinux
is "poweroff in the Guest: exit status" $? 0
try "the Guest's kernel complains of nothing" eval '! guest_said COMPLAINS'
leaves_no_trace
END
	rows 'guest| ' guest
	differences >"$work/differences"
	expect program "in programs, instructions are as on the bare machine" \
		</dev/null
	{
		echo "$in_kernel"
		grep -xF "$cr1" "$work/differences"
		case $setting in
		*umip) echo "$silent" ;;
		*) echo "$to_nowhere" ;;
		esac
	} | expect kernel "in a kernel, they are, but those that the book names"
done
