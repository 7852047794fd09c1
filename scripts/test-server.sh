#!/usr/bin/env bash
# The IM server's tests, under the runtime that it has on the boards: the pure parts, the API over real HTTP,
# the store's contract on SQLite and on PostgreSQL, the outbox on RabbitMQ and on Kafka, and foreign clients:
# matrix-js-sdk, matrix-nio, matrix-bot-sdk, a bridge on mautrix, and the examples of docs/examples.
# usage: test-server.sh [FILE...]
#
# Without files it ends with a line that says how much of the Matrix API the tests met: see test/conformance/tally.ts.
#
# Installs RabbitMQ, PostgreSQL, BIND, Pebble, Java, Maven and Python where they are missing (root, Debian or Ubuntu) and stops the services
# that the packages start: the tests start their own, on free ports and in temporary folders, and end them. Kafka is no
# package: the tests fetch it from Maven Central, once, into imcloud's cache; and so the foreign clients from PyPI and npm.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || missing+=(postgresql)
command -v javac > /dev/null || missing+=(openjdk-17-jdk-headless)
command -v mvn > /dev/null || missing+=(maven)
command -v openssl > /dev/null || missing+=(openssl)
command -v pebble > /dev/null || missing+=(pebble)
[ -x /usr/sbin/named ] || missing+=(bind9)
command -v nsupdate > /dev/null || missing+=(bind9-dnsutils)
# For foreign clients in Python: their libraries come from PyPI, once, into imcloud's cache.
python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3-venv)
command -v runuser > /dev/null || missing+=(util-linux)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "these are missing, and installing them needs root: ${missing[*]}" >&2
    exit 69
  fi
  echo "installing ${missing[*]}" >&2
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install --yes --no-install-recommends "${missing[@]}" > /dev/null
  if [ -d /run/systemd/system ]; then
    for package in "${missing[@]}"; do
      case $package in rabbitmq-server | postgresql | bind9) systemctl disable --now --quiet "$package" || true ;; esac
    done
  fi
fi

bun=$(bash scripts/bun.sh)
# Building empties dist/, which others may be using: only when something changed.
if [ ! -e dist/server/main.js ] || [ -n "$(find src/server src/shared -newer dist/server/main.js -name '*.ts' -print -quit)" ]; then
  node scripts/build.mjs
fi

if [ "$#" -gt 0 ]; then
  exec "$bun" test --timeout 60000 "$@"
fi

# All of them: what they met of the Matrix API is counted, and every answer validated.
exchanges=$(mktemp)
trap 'rm -f "$exchanges"' EXIT
status=0
IMCLOUD_EXCHANGES=$exchanges "$bun" test --timeout 60000 --preload ./test/conformance/record.ts \
  test/server test/conformance || status=$?
"$bun" test/conformance/tally.ts "$exchanges" || status=$?
exit "$status"
