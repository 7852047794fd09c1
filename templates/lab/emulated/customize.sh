#!/bin/sh
# What only an emulated board has, for mmdebstrap's --customize-hook: a network of its own, disks, a way to the lab's
# apt cache. `../customize.sh` has run before and made the accounts.
# usage: customize.sh ROOT KEY_FOLDER; the folder holds authorized_keys, and the host key in files named as in /etc/ssh
set -eu
root=$1
keys=$2

echo raspberrypi >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n' >"$root/etc/hosts"
mkdir -p "$root/boot/firmware"
chmod 0700 "$root/home/pi/.ssh"
cp "$keys/authorized_keys" "$root/home/pi/.ssh/authorized_keys"
cp "$keys/authorized_keys" "$root/home/worker/.ssh/authorized_keys"
cp "$keys/authorized_keys" "$root/home/nosudo/.ssh/authorized_keys"
for name in pi worker nosudo; do
  chmod 0600 "$root/home/$name/.ssh/authorized_keys"
  chroot "$root" chown -R "$name:$name" "/home/$name"
done
# Made on the machine: a key takes an emulated CPU seconds.
cp "$keys"/ssh_host_* "$root/etc/ssh/"
chmod 0600 "$root"/etc/ssh/ssh_host_*_key

chroot "$root" systemctl --quiet enable systemd-networkd ssh
# fstrim on an emulated SD card stalls the whole board for minutes.
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online.service fstrim.timer man-db.timer
