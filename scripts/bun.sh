#!/usr/bin/env bash
# Says where Bun is, for scripts that run tests under it; installs what package-lock.json says where nothing is.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -d node_modules ] || npm ci >&2

# npm leaves Bun in one of two places, depending on whether install scripts ran.
case $(uname -m) in aarch64) architecture=aarch64 ;; *) architecture=x64 ;; esac
for bun in node_modules/bun/bin/bun.exe "node_modules/@oven/bun-linux-$architecture/bin/bun"; do
  if [ -x "$bun" ] && "$bun" --version > /dev/null 2>&1; then break; fi
done
echo "$bun"
