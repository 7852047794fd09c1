#!/bin/sh
# A home's line, on the board itself: a modem that takes 20 Mbit/s and keeps a second of it in its buffer, and behind it
# the rest of the world, where clients are.
# usage: line.sh
set -eu
ip netns add modem
ip netns add world
ip link add line type veth peer name home netns modem
ip -n modem link add wan type veth peer name client netns world
ip addr add 10.77.0.1/24 dev line
ip link set line up
ip -n modem addr add 10.77.0.254/24 dev home
ip -n modem link set home up
ip -n modem addr add 10.78.0.254/24 dev wan
ip -n modem link set wan up
ip -n world addr add 10.78.0.1/24 dev client
ip -n world link set client up
ip -n world link set lo up
ip route add 10.78.0.0/24 via 10.77.0.254
ip -n world route add default via 10.78.0.254
ip netns exec modem sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
# 2.5 MB are a second of it.
tc -n modem qdisc add dev wan root tbf rate 20mbit burst 16kb limit 2500000
# One that goes by losses, as these boards' kernels come with: a namespace may always have this one.
echo reno > /proc/sys/net/ipv4/tcp_congestion_control
# As much as anybody wants, to whoever comes.
# shellcheck disable=SC2016 # perl's own variables
systemd-run --quiet --collect --unit=bench-upload perl -MIO::Socket::INET -e '
  $SIG{CHLD} = "IGNORE"; $SIG{PIPE} = "DEFAULT";
  $s = IO::Socket::INET->new(LocalPort => 9000, Listen => 16, ReuseAddr => 1) or die;
  while ($c = $s->accept) { if (!fork) { while (print $c "x" x 65536) {} exit } close $c }'
until grep -q ':2328 [0-9A-F]*:0000 0A ' /proc/net/tcp; do sleep 0.1; done
