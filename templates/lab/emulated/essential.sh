#!/bin/sh
# Before packages are configured, for mmdebstrap's --essential-hook: an initrd with nothing but what finds the root
# disk (6 MB instead of 30) is made, loaded and unpacked sooner, and an emulated CPU feels that.
# usage: essential.sh ROOT
set -eu
folder=$1/etc/initramfs-tools
mkdir -p "$folder/conf.d"
printf 'MODULES=list\nCOMPRESS=zstd\n' >"$folder/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk virtio_net virtio_rng mmc_block sdhci_pci xhci_pci usb_storage uas sd_mod \
  ext4 vfat nls_cp437 nls_ascii >"$folder/modules"
