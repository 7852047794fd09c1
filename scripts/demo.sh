#!/usr/bin/env bash
# `npm run demo`: from nothing to two people who chat, and a health table, on a virtual board.
#
# Where virtual boards cannot run, it says what is missing, and the two chat through a server on this machine instead.
# What the demo makes goes when it ends: the board, its cloud's folder, the server.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

home=$(mktemp -d)
board=demo-$$
server=
imcloud() { (cd "$home" && node "$root/dist/bin/imcloud.js" "$@"); }

clean_up() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || :
    wait "$server" 2>/dev/null || :
  fi
  if imcloud lab list --json 2>/dev/null | grep -qF "\"$board\""; then imcloud --quiet lab down "$board"; fi
  rm -rf "$home"
}
trap clean_up EXIT

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

chat() { # BASE_URL [REGISTRATION_TOKEN]
  step "two people chat through $1, with matrix-js-sdk"
  # The SDK warns of calls in rooms that it is only just getting to know; this chat has none.
  BASE_URL=$1 REGISTRATION_TOKEN=${2:-} node "$root/test/clients/two-people.mjs" 2> >(grep -vF '[MatrixRTC' >&2)
}

on_a_virtual_board() {
  step "imcloud init --lab: a board, RabbitMQ, the IM server"
  imcloud init --lab --board "$board" --name demo --admin ada --yes

  local address token
  address=$(imcloud lab list --json | node -e '
    const { boards } = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(boards.find((board) => board.name === process.argv[1]).address)' "$board")
  token=$(sed -n 's/^registration_token: *//p' "$home/imcloud.secrets.yaml" | tr -d "\"'")
  # Node.js reads this at its start; it is the cloud's own authority.
  export NODE_EXTRA_CA_CERTS=$home/.imcloud/authority/ca.pem
  chat "https://$address:8448" "$token"

  step "imcloud health"
  # Warnings are to be expected of a board without hardware; they are for the reader, not an error of the demo.
  imcloud health || [ $? -eq 3 ]
}

on_this_machine() {
  step "imcloud server run: the IM server on this machine, without a board"
  local port
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
  # The subshell is replaced, so that its number is the server's.
  (cd "$home" && exec node "$root/dist/bin/imcloud.js" server run --port "$port" --data "$home/server") &
  server=$!
  node -e '
    const deadline = Date.now() + 60_000;
    const ask = () => fetch(process.argv[1]).then((reply) => { if (!reply.ok) throw new Error(reply.statusText) });
    const again = (error) => { if (Date.now() > deadline) throw error; setTimeout(() => ask().catch(again), 50) };
    ask().catch(again)' "http://127.0.0.1:$port/_matrix/client/versions"
  chat "http://127.0.0.1:$port"
}

[ -d node_modules ] || npm ci
[ -e dist/bin/imcloud.js ] || npm run --silent build

# 65: the machine lacks something, and the message above says what.
status=0
missing=$(imcloud lab up "$board" 2>&1) || status=$?
case $status in
  0) on_a_virtual_board ;;
  65)
    printf '%s\n' "$missing" >&2
    on_this_machine
    ;;
  *)
    printf '%s\n' "$missing" >&2
    exit "$status"
    ;;
esac

printf '\nThe demo is over; it leaves nothing behind. Your own cloud: mkdir cloud && cd cloud && imcloud init\n'
