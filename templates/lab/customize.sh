#!/bin/sh
# Turns a fresh minimal root filesystem into that of a board, for mmdebstrap's --customize-hook.
# usage: customize.sh ROOT
set -eu
root=$1

# An account for each way in: what `sudo` and the SSH server ask of each is in src/lab/accounts.ts.
account() { # NAME UID PASSWORD
  chroot "$root" useradd --create-home --shell /bin/bash --uid "$2" "$1"
  printf '%s:%s\n' "$1" "$3" | chroot "$root" chpasswd
  install -d -m 0700 -o "$2" -g "$2" "$root/home/$1/.ssh"
}
account pi 1000 pi-password
account worker 1001 worker-password
account nosudo 1002 nosudo-password
account fresh 1003 fresh-password
chroot "$root" usermod --append --groups sudo worker
for name in pi fresh; do
  printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$name" >"$root/etc/sudoers.d/010_$name-nopasswd"
  chmod 0440 "$root/etc/sudoers.d/010_$name-nopasswd"
done

# Each board makes its own keys and identity.
rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"
rm -f "$root/etc/resolv.conf" "$root/etc/apt/apt.conf.d/99mmdebstrap"
: >"$root/etc/resolv.conf"

# A name look-up for each login would wait: there is no name server.
printf 'UseDNS no\n' >"$root/etc/ssh/sshd_config.d/lab.conf"

# Emulated boards have the real things.
[ ! -e "$root/usr/lib/systemd/system/imcloud-lab-stand-ins.service" ] ||
  chroot "$root" systemctl --quiet enable imcloud-lab-stand-ins.service
# Boards live for minutes; what starts on its own at odd times would only disturb what is measured.
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
