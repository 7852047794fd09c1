#!/bin/sh
# What imcloud has the first boot do, from the boot partition, before anything else is up. Above stand the settings.
#
# Safe to run twice: after a power cut it runs again. One step that fails stops no other; what failed is told in
# imcloud-firstrun.log on the boot partition, and the board boots on. Afterwards this file is gone, and with it the
# private keys that it holds.
# shellcheck disable=SC2154,SC2317 # the settings are put above this text; steps are called by their names
set -u
umask 022
self=$(readlink -f "$0")
boot=${self%/*}
log=/var/log/imcloud-firstrun.log
failed=

step() { # FUNCTION
  # In a shell of its own and in no condition: only there does `set -e` count.
  (
    set -e
    "$1"
  ) >>"$log" 2>&1
  status=$?
  [ "$status" -eq 0 ] || failed="$failed $1"
  [ "$status" -eq 0 ] || echo "$1 ended with status $status" >>"$log"
}

has() { command -v "$1" >/dev/null; }
field() { getent passwd "$1" | cut -d: -f"$2"; }

name_the_board() {
  old=$(cat /etc/hostname 2>/dev/null || echo raspberrypi)
  echo "$hostname" >/etc/hostname
  if grep -q '^127\.0\.1\.1[[:space:]]' /etc/hosts; then
    sed -i "s/^127\.0\.1\.1[[:space:]].*/127.0.1.1\t$hostname/" /etc/hosts
  else
    printf '127.0.1.1\t%s\n' "$hostname" >>/etc/hosts
  fi
  echo "named $hostname, was $old"
  hostname "$hostname"
}

# The image's own first account becomes ours, as it does with Raspberry Pi Imager: its groups are the right ones.
make_account() {
  if ! getent passwd "$user" >/dev/null; then
    first=$(field 1000 1)
    if [ -z "$first" ]; then
      useradd --create-home --shell /bin/bash "$user"
    elif [ -x /usr/lib/userconf-pi/userconf ]; then
      # `!` until the next step: an argument is for all to see.
      /usr/lib/userconf-pi/userconf "$user" '!'
    else
      usermod --login "$user" "$first"
      usermod --home "/home/$user" --move-home "$user"
      groupmod --new-name "$user" "$first"
    fi
  fi
  usermod --append --groups sudo --shell /bin/bash "$user"
}

# `*` and not `!`: SSH takes an account with `!` for locked, and refuses its keys too.
set_password() {
  printf '%s:%s\n' "$user" "${password_hash:-*}" | chpasswd --encrypted
}

install_keys() {
  home=$(field "$user" 6)
  group=$(id -gn "$user")
  install -d -m 0700 -o "$user" -g "$group" "$home/.ssh"
  printf '%s\n' "$authorized_keys" >"$home/.ssh/authorized_keys"
  chown "$user:$group" "$home/.ssh/authorized_keys"
  chmod 0600 "$home/.ssh/authorized_keys"
}

# Images come with a rule for their first account; who may do what without a password is not for them to say.
set_sudo() {
  rm -f /etc/sudoers.d/010_*-nopasswd
  [ "$sudo" = nopasswd ] || return 0
  printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$user" >/etc/sudoers.d/010_imcloud.new
  chmod 0440 /etc/sudoers.d/010_imcloud.new
  visudo -cf /etc/sudoers.d/010_imcloud.new
  # The name has no dot: sudo passes over files that have one.
  mv /etc/sudoers.d/010_imcloud.new /etc/sudoers.d/010_imcloud-nopasswd
}

# Else the unit would put others in their place at the next boot.
set_host_keys() {
  [ -n "$host_key_kinds" ] || return 0
  systemctl disable regenerate_ssh_host_keys.service || :
  rm -f /etc/ssh/ssh_host_*
  for kind in $host_key_kinds; do
    (
      umask 077
      eval "printf '%s' \"\$host_key_$kind\"" >"/etc/ssh/ssh_host_${kind}_key"
    )
    eval "printf '%s\n' \"\$host_key_${kind}_pub\"" >"/etc/ssh/ssh_host_${kind}_key.pub"
  done
}

set_ssh() {
  if [ -d /etc/ssh/sshd_config.d ] && grep -qi '^include[[:space:]]*/etc/ssh/sshd_config\.d' /etc/ssh/sshd_config; then
    echo "PasswordAuthentication $ssh_passwords" >/etc/ssh/sshd_config.d/50-imcloud-first-boot.conf
  else
    sed -i '/^[#[:space:]]*PasswordAuthentication[[:space:]]/d' /etc/ssh/sshd_config
    sed -i "1i PasswordAuthentication $ssh_passwords" /etc/ssh/sshd_config
  fi
  systemctl enable ssh.service
}

set_wifi() {
  [ -n "$wifi_networkmanager" ] || return 0
  if [ -d /etc/NetworkManager/system-connections ]; then
    keyfile imcloud-wifi "$wifi_networkmanager"
  else
    mkdir -p /etc/wpa_supplicant
    (
      umask 077
      printf '%s' "$wifi_wpa_supplicant" >/etc/wpa_supplicant/wpa_supplicant.conf
    )
  fi
  # An image's radio is blocked until somebody says in which country it is.
  for state in /var/lib/systemd/rfkill/*:wlan; do
    [ ! -e "$state" ] || echo 0 >"$state"
  done
  if has rfkill; then rfkill unblock wifi; fi
}

keyfile() { # NAME CONTENT
  (
    umask 077
    printf '%s' "$2" >"/etc/NetworkManager/system-connections/$1.nmconnection"
  )
}

# Whatever brings the network up on this release.
set_ethernet() {
  [ -n "$ethernet_networkd" ] || return 0
  if [ -d /etc/NetworkManager/system-connections ]; then
    keyfile imcloud-eth0 "$ethernet_networkmanager"
  elif [ -f /etc/dhcpcd.conf ]; then
    sed -i '/^# imcloud: begin$/,/^# imcloud: end$/d' /etc/dhcpcd.conf
    printf '%s' "$ethernet_dhcpcd" >>/etc/dhcpcd.conf
  else
    printf '%s' "$ethernet_networkd" >/etc/systemd/network/05-imcloud-eth0.network
    systemctl enable systemd-networkd.service
  fi
}

set_timezone() {
  [ -n "$timezone" ] || return 0
  [ -f "/usr/share/zoneinfo/$timezone" ]
  ln -sf "/usr/share/zoneinfo/$timezone" /etc/localtime
  echo "$timezone" >/etc/timezone
}

set_locale() {
  [ -n "$locale" ] || return 0
  if [ "$locale" != C.UTF-8 ]; then
    sed -i "/^[#[:space:]]*$locale UTF-8/d" /etc/locale.gen
    echo "$locale UTF-8" >>/etc/locale.gen
    locale-gen
  fi
  echo "LANG=$locale" >/etc/default/locale
}

set_keyboard() {
  [ -n "$keyboard" ] || return 0
  printf 'XKBMODEL="pc105"\nXKBLAYOUT="%s"\nXKBVARIANT=""\nXKBOPTIONS=""\nBACKSPACE="guess"\n' "$keyboard" >/etc/default/keyboard
  if has setupcon; then setupcon --save-only; fi
}

# The command line first: without this file, one that still asks for it would never boot.
clean_up() {
  sed -i 's/ systemd\.run=[^ ]*//; s/ systemd\.run_success_action=[^ ]*//; s/ systemd\.run_failure_action=[^ ]*//; s/ systemd\.unit=kernel-command-line\.target//' "$boot/cmdline.txt"
  sync
  rm -f "$self"
  sync
}

for each in name_the_board make_account set_password install_keys set_sudo set_host_keys set_ssh set_wifi set_ethernet \
  set_timezone set_locale set_keyboard; do
  step "$each"
done
if [ -n "$failed" ]; then cp "$log" "$boot/imcloud-firstrun.log"; fi
step clean_up
exit 0
