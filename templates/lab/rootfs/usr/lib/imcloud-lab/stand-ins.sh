#!/bin/sh
# Early in a virtual board's boot: plain files over what the board shares with its machine.
#
# A board may then set any kernel parameter: it reads back what it wrote, the machine is untouched, and nothing
# takes effect. Parameters of net.ipv4 and the like are the board's own and stay real.
set -eu
private=/run/imcloud-lab
hardware=/usr/lib/imcloud-lab/hardware
mkdir -p "$private"

# --- vm, fs: all of them. Some can only be written (vm.compact_memory), which cp says and goes on.
for branch in vm fs; do
  cp -R "/proc/sys/$branch" "$private/" 2>/dev/null || :
  mount --bind "$private/$branch" "/proc/sys/$branch"
done

# --- kernel: those that tuning is about
mkdir -p "$private/kernel"
for key in panic panic_on_oops pid_max threads-max sched_rt_runtime_us shmmax shmall printk kptr_restrict dmesg_restrict; do
  [ -r "/proc/sys/kernel/$key" ] || continue
  cat "/proc/sys/kernel/$key" >"$private/kernel/$key"
  mount --bind "$private/kernel/$key" "/proc/sys/kernel/$key"
done

# --- net.core: the board's own parameters stay; those that only the first network namespace has are added
mkdir -p "$private/core"
for file in /proc/sys/net/core/*; do
  key=${file##*/}
  case $key in
    rmem_max | wmem_max | rmem_default | wmem_default) cat "$file" >"$private/core/$key" ;;
    *) : >"$private/core/$key" && mount --bind "$file" "$private/core/$key" ;;
  esac
done
for default in netdev_max_backlog=1000 default_qdisc=pfifo_fast netdev_budget=300 netdev_budget_usecs=8000 \
  busy_poll=0 optmem_max=131072 rmem_max=212992 wmem_max=212992 rmem_default=212992 wmem_default=212992; do
  key=${default%%=*}
  [ -e "$private/core/$key" ] || echo "${default#*=}" >"$private/core/$key"
done
mount --rbind "$private/core" /proc/sys/net/core

# --- hardware
for file in cpuinfo meminfo; do
  [ ! -e "$hardware/$file" ] || mount --bind "$hardware/$file" "/proc/$file"
done
if [ -e "$hardware/model" ]; then
  if [ ! -d /sys/firmware ]; then
    mount -o remount,rw /sys
    mkdir /sys/firmware
    mount -o remount,ro /sys
  fi
  mount -t tmpfs -o mode=0755 tmpfs /sys/firmware
  mkdir -p /sys/firmware/devicetree/base
  cp "$hardware/model" /sys/firmware/devicetree/base/model
  mount -o remount,ro /sys/firmware
fi
