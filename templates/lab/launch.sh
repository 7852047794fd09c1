#!/bin/sh
# Runs one virtual board from power-on to power-off.
#
# All that the board takes from the machine belongs to namespaces of this process: its processes, its mounts, its
# end of the network cable. So killing the process that `launcher` names is a power cut, and nothing is left over.
#
# Environment: BOARD_FOLDER, BASE, MACHINE, LINK, BRIDGE, ADDRESS, GATEWAY, MAC, CGROUP, MEMORY_BYTES.
# Calls itself: `launch.sh` on the machine, `launch.sh inside` in the new namespaces.
set -eu

if [ "${1:-}" != inside ]; then
  # This process becomes unshare, so its number and start time stay those of the launcher.
  # Renamed, so that nobody reads half of it.
  cat "/proc/$$/stat" >"$BOARD_FOLDER/launcher.new"
  mv "$BOARD_FOLDER/launcher.new" "$BOARD_FOLDER/launcher"
  # Descriptor 9: the way back into the machine's network, for the other end of the cable.
  exec 9</proc/self/ns/net
  exec unshare --mount --net --pid --fork --kill-child --mount-proc sh "$0" inside
fi

# --- disk: what the board writes lies in `upper`. `volatile` spares the machine the boards' fsyncs; the mark that it
# leaves says that the *machine* might have crashed since, which a board's power cut is not.
rm -rf "$BOARD_FOLDER/work/work/incompat"
layers="lowerdir=$BASE,upperdir=$BOARD_FOLDER/upper,workdir=$BOARD_FOLDER/work"
mount -t overlay overlay -o "$layers,volatile" "$BOARD_FOLDER/root" 2>/dev/null ||
  mount -t overlay overlay -o "$layers" "$BOARD_FOLDER/root"

# --- network: one cable to the bridge
ip link set lo up
nsenter --net=/proc/self/fd/9 ip link delete "$LINK" 2>/dev/null || :
ip link add eth0 address "$MAC" type veth peer name "$LINK" netns /proc/self/fd/9
nsenter --net=/proc/self/fd/9 ip link set "$LINK" master "$BRIDGE" up
ip address add "$ADDRESS/24" dev eth0
ip link set eth0 up
ip route add default via "$GATEWAY"
exec 9<&-

# --- memory: a version 1 controller where the machine still binds it there
if [ -n "$MEMORY_BYTES" ] && [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
  group=/sys/fs/cgroup/memory/$CGROUP
  mkdir -p "$group"
  echo "$MEMORY_BYTES" >"$group/memory.limit_in_bytes"
  echo 0 >"$group/cgroup.procs"
fi

# --- cgroup2, whatever the machine itself uses: systemd in the board expects nothing else
[ "$(stat --file-system --format=%T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/$CGROUP
mkdir -p "$group"
if [ -n "$MEMORY_BYTES" ] && grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
  echo +memory >/sys/fs/cgroup/cgroup.subtree_control
  echo +memory >"${group%/*}/cgroup.subtree_control"
  echo "$MEMORY_BYTES" >"$group/memory.max"
fi
echo 0 >"$group/cgroup.procs"

# --- power: 133 is how nspawn says that the board asked for a reboot.
# API_VFS_WRITABLE: `network` and never `yes`, with which a board changes the machine's own fs.file-max.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
while :; do
  status=0
  systemd-nspawn --quiet --directory="$BOARD_FOLDER/root" --boot --machine="$MACHINE" --register=no --keep-unit \
    --network-namespace-path=/proc/self/ns/net --capability=CAP_NET_ADMIN --link-journal=no --resolv-conf=off \
    --timezone=off --console=pipe || status=$?
  [ "$status" -eq 133 ] || exit "$status"
done
