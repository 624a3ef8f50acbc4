#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Networks: a Guest and its Host, and Guests among themselves.
. tests/vm/lib.sh

plan 66
payload tcp
carry="build/vm/tcp ethtool"

guest drivers <tests/vm/guest-commands

# What both Hosts begin with.
cat >"$work/beginning" <<'END'
wire=/dev/shm/wire
frames() {
	cat /sys/class/net/$1/statistics/$2_packets
}
try "lg.ko loads" insmod /lguest/lg.ko
END
with_beginning() {
	{
		cat "$work/beginning"
		cat
	} | host "$@"
}

with_beginning poison=yes modules="tun bridge" memory=1536 timeout=600 <<'END'
# says TEXT PATTERN OPTION...: only this line, and status 1
says() {
	text=$1 pattern=$2
	shift 2
	timeout 60 /lguest/lguest "$@" 256 /boot/vmlinux \
		</dev/null >/tmp/line 2>&1
	is "$text: status, lines" "$? $(wc -l </tmp/line)" "1 1"
	try "$text: says so" grep -E "^lguest: --$pattern" /tmp/line
}
says "no tun" "tunnet: no /dev/net/tun .*: modprobe tun" --tunnet=10.1.1.1
modprobe tun
modprobe bridge
says "no bridge" "tunnet: there is no bridge br7" --tunnet=bridge:br7
says "not a bridge" "tunnet: lo is no bridge" --tunnet=bridge:lo
mkdir /etc
echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
su nobody -c "/lguest/lguest --tunnet=10.1.1.1 256 /boot/vmlinux" \
	>/tmp/line 2>&1
try "for nobody" grep "^lguest: --tunnet: .*: run this as root" /tmp/line

# The Host and a Guest.
tcp serve 5000 &
begin a 192 --tunnet=10.1.1.1 --sharenet=$wire#5 to=10.1.2.1
begin b 192 --sharenet=$wire to=10.1.2.2
try "a Guest is up" eventually 60 is_up a
try "the Host reaches it" ping -c 2 10.1.1.2
try "it reaches the Host" tell a "ping -c 2 10.1.1.1"
before=$(frames lg0 tx)
try "200 MB to the Guest" tcp to 10.1.1.2 5000 200
try "in large frames" test $(($(frames lg0 tx) - before)) -lt 20000
before=$(frames lg0 rx)
try "200 MB from the Guest" tcp from 10.1.1.2 5000 200
try "in large frames" test $(($(frames lg0 rx) - before)) -lt 20000
# Ten thousand connections in all, with those between Guests.
try "two thousand connections to it" tcp many 10.1.1.2 5000 2000
try "two thousand from it" tell a "tcp many 10.1.1.1 5000 2000"

# What can be changed.
tell a "ip link set eth0 mtu 9000"
ip link set lg0 mtu 9000
before=$(($(frames lg0 tx) + $(frames lg0 rx)))
try "larger frames, when the MTU is" ping -c 2 -s 8900 10.1.1.2
after=$(($(frames lg0 tx) + $(frames lg0 rx)))
try "which are not taken apart" test $((after - before)) -lt 12
tell a "ip link set eth0 address 02:00:00:00:00:07"
ip neigh flush dev lg0
try "another MAC address" ping -c 2 10.1.1.2
try "which the Host has seen" grep 02:00:00:00:00:07 /proc/net/arp
tell a "ethtool -i eth0; ethtool eth0; ethtool -k eth0" >/tmp/card
try "ethtool knows the driver" grep "^driver: lguest_net" /tmp/card
try "and the link" grep "Link detected: yes" /tmp/card
try "and segmentation" grep "^tcp-segmentation-offload: on" /tmp/card
tell a "ip link set eth0 down; ip link set eth0 up; rmmod lguest_net"
tell a "modprobe lguest_net; ip address add 10.1.1.2/24 dev eth0"
tell a "ip link set eth0 up; ip address add 10.1.2.1/24 dev eth1"
tell a "ip link set eth1 up"
ip neigh flush dev lg0
try "the driver went and came back" ping -c 2 10.1.1.2

# Guests among themselves.
try "another Guest is up" eventually 60 is_up b
try "one reaches the other" tell a "ping -c 2 10.1.2.2"
try "200 MB there" tell a "tcp to 10.1.2.2 5000 200"
sent=$(tell a "cat /sys/class/net/eth1/statistics/tx_packets")
try "in large frames" test "$sent" -lt 20000
try "200 MB back" tell a "tcp from 10.1.2.2 5000 200"
try "six thousand connections" tell a "tcp many 10.1.2.2 5000 6000"
says "a station that is taken" "sharenet=$wire#5: somebody else" \
	"--sharenet=$wire#5"

# A third joins, listens in, and leaves.
begin c 192 --sharenet=$wire#63 to=10.1.2.3
try "a third Guest is up" eventually 60 is_up c
tell c "ip link set eth0 promisc on"
ask a "tcp to 10.1.2.2 5000 200"
try "it reaches another" tell c "ping -c 2 10.1.2.2"
heard=$(tell c "cat /sys/class/net/eth0/statistics/rx_packets")
try "and hears what is not for it" test "$heard" -gt 100
end c
try "200 MB between two, while it leaves" answer a

# One is killed while it sends.
begin c 192 --sharenet=$wire#63 to=10.1.2.3
try "it is back" eventually 60 is_up c
ask a "tcp to 10.1.2.2 5000 200"
ask c "tcp to 10.1.2.2 5000 1000"
sleep 1
kill -9 $pid_c
try "200 MB between two, while the third is killed" answer a
try "who take new connections" tell a "tcp many 10.1.2.2 5000 100"
on_hook() {
	dd if=$wire bs=16 skip=63 count=1 2>/dev/null | tr -d '\0' | wc -c
}
is "the dead left an address" $(on_hook) 7
says "a newcomer" "tunnet=nowhere: not IP" --sharenet=$wire --tunnet=nowhere
is "who swept the hook" $(on_hook) 0

# The Host takes the card away, and another network has a bridge.
end b
ip link del lg0
no_eth0() {
	! tell a "ls /sys/class/net" | grep -q eth0
}
try "without its tap, the card is gone" eventually 10 no_eth0
end a
brctl addbr br0
ip address add 10.1.3.1/24 dev br0
ip link set br0 up
begin a 192 --tunnet=bridge:br0 to=10.1.3.2
begin b 192 --tunnet=bridge:br0 to=10.1.3.3
try "Guests at a bridge are up" eval \
	"eventually 60 is_up a && eventually 60 is_up b"
try "one reaches the Host" tell a "ping -c 2 10.1.3.1"
try "one reaches the other" tell a "ping -c 2 10.1.3.3"
try "20 MB through the bridge" tell a "tcp to 10.1.3.3 5000 20"
end a
end b
is "no tap is left" "$(ls /sys/class/net | grep -c lg)" 0
leaves_no_trace
END

with_beginning $new modules=tun memory=1536 timeout=300 <<'END'
modprobe tun
tcp serve 5000 &
begin a 192 --tunnet=10.1.1.1 --sharenet=$wire to=10.1.2.1
begin b 192 --sharenet=$wire to=10.1.2.2
try "a Guest is up" eventually 90 is_up a
try "50 MB to the Guest" tcp to 10.1.1.2 5000 50
before=$(frames lg0 rx)
try "50 MB from the Guest" tcp from 10.1.1.2 5000 50
try "in large frames" test $(($(frames lg0 rx) - before)) -lt 5000
try "another Guest is up" eventually 90 is_up b
try "50 MB there" tell a "tcp to 10.1.2.2 5000 50"
try "50 MB back" tell a "tcp from 10.1.2.2 5000 50"
end a
end b
leaves_no_trace
END
