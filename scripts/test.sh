#!/usr/bin/env bash
# All tests. `npm test` runs everything in its short form; `npm run test:fault` the fault tests in their long one.
# usage: test.sh [fault-long]
#
# IMCLOUD_EMULATED=no leaves out what runs on emulated boards: their image takes ten minutes to make, once, into the
# lab's folder, and a gigabyte there.
#
# Ends with one line, `N passed, N failed`, over all runners; the exit code is 0 when nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1

case $#:${1-} in 0: | 1:fault-long) ;; *)
  echo "test.sh does not know \`$*\`; it takes nothing (all tests, short) or \`fault-long\` (the fault tests, long)" >&2
  exit 64
  ;;
esac

passed=0
failed=0
reports=$(mktemp -d)
preparing=
trap '[ -z "$preparing" ] || kill "$preparing" 2>/dev/null; rm -rf "$reports"' EXIT

heading() { printf '\n== %s\n' "$1"; }

# A runner that fails without saying how many tests failed counts as one, and what it said last is said again.
count() { # TITLE EXIT_CODE PASSED FAILED OUTPUT
  local title=$1 status=$2 ran=$3 broken=$4 output=$5
  if [ "$status" -ne 0 ] && [ "$broken" -eq 0 ]; then
    broken=1
    {
      printf '%s ended with status %d, and no test of it failed. It ended so:\n' "$title" "$status"
      tail -n 60 "$output" | sed 's/^/  | /'
    } >>"$reports/broken"
  fi
  passed=$((passed + ran))
  failed=$((failed + broken))
  printf '%s: %d passed, %d failed\n' "$title" "$ran" "$broken"
}

vitest() { # PROJECT
  local report=$reports/$1.json output=$reports/$1 status figures
  heading "$1"
  npx --no-install vitest run --project "$1" --passWithNoTests --reporter=default --reporter=json \
    --outputFile.json="$report" 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}
  figures=$(node scripts/test-report.mjs "$report" 2>>"$reports/broken") || figures="0 0"
  # shellcheck disable=SC2086 # two numbers
  count "$1" "$status" $figures "$output"
}

# The IM server runs on Bun; its tests do too. Bun ends with ` N pass` and ` N fail`.
server() {
  local status output=$reports/server plain=$reports/server.plain
  heading "server"
  bash scripts/test-server.sh 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}
  sed 's/\x1b\[[0-9;]*m//g' "$output" >"$plain"
  sum() { awk -v word="$1" '$2 == word && NF == 2 { n += $1 } END { print n + 0 }' "$plain"; }
  sed -n 's/^(fail) /server: /p' "$plain" | sort -u >>"$reports/broken"
  count "server" "$status" "$(sum pass)" "$(sum fail)" "$plain"
}

# The emulated boards' image and template: minutes of work, beside the tests that need neither. Programs first: what
# the server's tests install would find apt's lock taken.
prepare_emulated() {
  node dist/fault/prepare-emulated.js machine || exit 1
  node dist/fault/prepare-emulated.js >"$reports/emulated" 2>&1 &
  preparing=$!
}

emulated_is_there() {
  local status=0
  heading "emulated board"
  wait "$preparing" || status=$?
  preparing=
  cat "$reports/emulated"
  [ "$status" -eq 0 ] && return 0
  count "emulated board" "$status" 0 0 "$reports/emulated"
  export IMCLOUD_EMULATED=no
}

say_what_is_left_out() {
  [ "$IMCLOUD_EMULATED" = no ] || return 0
  printf "\nleft out for want of an emulated board (IMCLOUD_EMULATED is no, or none could be made):\n"
  grep -l describeEmulated test/fault/*.test.ts | sed 's/^/  /'
}

# Hours of output end with what is looked for.
say_what_failed() {
  [ -s "$reports/broken" ] || return 0
  heading "what failed"
  cat "$reports/broken"
}

finish() {
  say_what_is_left_out
  say_what_failed
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

export IMCLOUD_EMULATED=${IMCLOUD_EMULATED:-yes}
case $IMCLOUD_EMULATED in yes | no) ;; *)
  echo "IMCLOUD_EMULATED is \`$IMCLOUD_EMULATED\`; it can be yes (as by default) or no" >&2
  exit 64
  ;;
esac
[ -d node_modules ] || npm ci || exit 1
[ "$(id -u)" -eq 0 ] || {
  echo "the e2e and fault tests start virtual boards, which needs root; \`npm run test:unit\` does not" >&2
  exit 1
}

# What tests look at things with; what the server's tests and the lab need, these install themselves.
tools() {
  local missing=()
  command -v strace >/dev/null || missing+=(strace)
  command -v python3 >/dev/null || missing+=(python3)
  command -v shellcheck >/dev/null || missing+=(shellcheck)
  command -v readelf >/dev/null || missing+=(binutils)
  command -v ssh >/dev/null || missing+=(openssh-client)
  command -v pebble >/dev/null || missing+=(pebble)
  [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
  command -v mcopy >/dev/null || missing+=(mtools)
  command -v mkfs.vfat >/dev/null || missing+=(dosfstools)
  command -v debugfs >/dev/null || missing+=(e2fsprogs)
  [ -e "$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)" ] || missing+=(faketime)
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing+=(chromium)
  command -v certutil >/dev/null || missing+=(libnss3-tools)
  [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing+=(fonts-noto-cjk)
  [ -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf ] || missing+=(fonts-noto-color-emoji)
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  apt-get -qq update &&
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

heading "tools"
tools || exit 1
heading "build"
npm run --silent build || exit 1

[ "$IMCLOUD_EMULATED" = no ] || prepare_emulated
if [ "${1:-}" = fault-long ]; then
  export IMCLOUD_FAULT=long
  [ "$IMCLOUD_EMULATED" = no ] || emulated_is_there
  vitest fault
  finish
fi

export IMCLOUD_FAULT=short
vitest unit
[ ! -e scripts/test-server.sh ] || server
vitest web
# Before what is measured in seconds.
[ "$IMCLOUD_EMULATED" = no ] || emulated_is_there
vitest e2e
vitest fault
finish
