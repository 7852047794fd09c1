#!/usr/bin/env bash
# A foreign client in Rust, matrix-sdk in sliding sync as Element X has it, through a day against the IM server. No
# part of `npm test`: building it takes minutes, once, and 2 GB in imcloud's cache.
# usage: test-rust.sh
#
# Installs a Rust compiler where none is new enough, and a C compiler (root, Debian); crates come from crates.io.
# Everything listens on loopback and is gone afterwards. Ends with one line of tally.
set -euo pipefail
cd "$(dirname "$0")/.."

crate=test/clients/rust
least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$crate/Cargo.toml")

at_least() { printf '%s\n%s\n' "$least" "$1" | sort --version-sort --check=quiet; }

# A folder whose rustc is new enough: the one that comes first, or the distribution's own behind it.
rust_folder() {
  local compiler
  for compiler in "$(command -v rustc)" /usr/bin/rustc; do
    if [ ! -x "$compiler" ] || [ ! -x "$(dirname "$compiler")/cargo" ]; then continue; fi
    at_least "$("$compiler" --version | cut -d ' ' -f 2)" || continue
    dirname "$compiler"
    return
  done
}

# Debian keeps a second, newer compiler for its browsers, in packages of their own.
rust_packages() {
  local kind version
  for kind in "" -web; do
    version=$(apt-cache policy "rustc$kind" | sed -n 's/^ *Candidate: \(.*\)/\1/p')
    case $version in '' | '(none)') continue ;; esac
    at_least "$version" || continue
    echo "rustc$kind cargo$kind"
    return
  done
}

install() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "these are missing, and installing them needs root: $*" >&2
    exit 69
  fi
  echo "installing $*" >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" > /dev/null
}

rust=$(rust_folder)
if [ -z "$rust" ] || ! command -v cc > /dev/null; then
  [ "$(id -u)" -ne 0 ] || apt-get -qq update
  command -v cc > /dev/null || install gcc libc6-dev
  if [ -z "$rust" ]; then
    packages=$(rust_packages)
    if [ -z "$packages" ]; then
      echo "there is no Rust $least or later: neither on this machine nor in its distribution" >&2
      exit 69
    fi
    # shellcheck disable=SC2086 # two packages
    install $packages
    rust=$(rust_folder)
  fi
fi

bun=$(bash scripts/bun.sh)

cache=${IMCLOUD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/imcloud}
export CARGO_TARGET_DIR=$cache/rust-client
echo "building the Rust client, from the cache where it is there" >&2
PATH=$rust:$PATH nice -n 10 cargo build --quiet --locked --manifest-path "$crate/Cargo.toml"

exec "$bun" test/server/rust-day.ts "$CARGO_TARGET_DIR/debug/imcloud-rust-day"
