/**
 * Calling apt so that it neither asks, nor gives up because somebody else is at it, nor leaves dpkg half way.
 *
 * Sources: apt.conf(5); `DPkg::Lock::Timeout` exists from apt 1.9.11 and is ignored before, and covers
 * dpkg's locks but not that of the lists, so the message of a held lock is looked for as well.
 */
import { sh, type Script } from "../board/script.js";
import { RUNTIME } from "../board/state.js";

/** How long another apt (unattended-upgrades on a slow card) may hold the lock. In seconds. */
const LOCK_WAIT_S = 600;
/** Lists younger than this are not fetched again within one boot. In minutes. */
const LISTS_FRESH_MIN = 60;

const FRESH = `${RUNTIME}/apt-lists-fresh`;

/** Defines `apt ARGS...` and `fresh_lists` for the rest of a step. */
export const aptFunctions: Script = sh`
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l UCF_FORCE_CONFFOLD=1
patient() {
  said=$(mktemp)
  until=$(( $(date +%s) + ${LOCK_WAIT_S} ))
  while :; do
    code=0
    { "$@" 2>&1 || code=$?; echo "$code" > "$said.code"; } | tee "$said"
    code=$(cat "$said.code")
    if [ "$code" = 0 ] || ! grep -Eq 'ould not get lock|is locked by|nable to lock' "$said" || [ "$(date +%s)" -ge "$until" ]; then
      rm -f "$said" "$said.code"
      return "$code"
    fi
    echo "another program holds apt's lock; trying again"
    sleep 2
  done
}
apt() { patient apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=${LOCK_WAIT_S} -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Acquire::Retries=3 "$@"; }
fresh_lists() {
  [ -n "$(find ${FRESH} -mmin -${LISTS_FRESH_MIN} 2>/dev/null)" ] && return 0
  apt update
  : > ${FRESH}
}
# What waits for something that is not unpacked yet cannot be configured now: what comes next brings or removes it.
patient dpkg --force-confdef --force-confold --configure -a || :`;

/** After a change of the sources the lists are not worth anything. */
export const forgetLists: Script = sh`rm -f ${FRESH}`;
