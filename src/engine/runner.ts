/**
 * The program that carries out one wave on the board, on its own.
 *
 * It is started as a transient unit, so it outlives the connection; it holds the lock for as long as it
 * lives and not longer; it writes the journal that whoever comes next can read. Everything that the undo of a
 * step needs is on the disk before the step begins.
 *
 * A step is a folder `steps/NNN` with `apply` and, as needed, `check`, `undo`, `saves` (paths), `notifies`
 * (units), `folders`, `kept`, `confirm` and `within` (seconds), `title`, `forget`, `unless-data`, `ledger` (the folder's name below `managed/`) and `entry`.
 */
import { CURRENT, LOCK, MANAGED, PENDING, RUNS, stopFileOf } from "../board/state.js";
import { sh, type Script } from "../board/script.js";
import { armFunction } from "./confirm.js";
import { sweepFunction } from "./sweep.js";

/** Runs kept on the board for `imcloud rollback`; older ones go. */
const KEPT_RUNS = 10;
/** Packages of a whole release upgrade, on a slow card: what has not ended then hangs. Seconds. */
const WITHIN_S = 3600;
/** For a program that does not heed SIGTERM. Seconds. */
const KILLED_AFTER_S = 30;

/** `$IMCLOUD_DIR` is the payload, moved to where only root reads; `$1` the run, `$2` its nonce. */
export function runnerScript(): Script {
  return sh`
set -u
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive HOME=/root
export PATH LC_ALL DEBIAN_FRONTEND HOME IMCLOUD_DIR IMCLOUD_FILES IMCLOUD_SAVED IMCLOUD_LEDGER
run=$1 nonce=$2
record=${RUNS}/$run
journal=$record/journal
stop=${stopFileOf("")}$run
exec 2>> "$journal"

mark() { printf '\n@imcloud %s %s %s\n' "$nonce" "$(date +%s%3N)" "$*" >> "$journal"; }
durable() { sync "$@" 2>/dev/null || sync; }
${armFunction}
${sweepFunction}
# Nothing is begun whose way back is not on the disk. 73: cannot create (sysexits.h).
unprepared() { mark "done" "$name" 73; finish failed; }
finish() { mark end "$1"; durable "$journal"; rm -f ${CURRENT} "$stop"; rm -rf "$IMCLOUD_DIR"; exit 0; }

exec 9>> ${LOCK}
# A probe holds the lock for a moment, to see whether anybody does.
if ! flock -w 2 9; then mark end locked; rm -rf "$IMCLOUD_DIR" "$stop"; exit 0; fi
printf '%s %s\n' "$run" "$nonce" > ${CURRENT}
mark begin "$(cat /proc/sys/kernel/random/boot_id)"

for step in "$IMCLOUD_FILES"/steps/*; do
  name=\${step##*/}
  [ ! -e "$stop" ] || finish stopped
  mark start "$name" "$(cat "$step/title")"
  durable "$journal"

  if [ -e "$step/check" ] && ! sh "$step/check" < /dev/null >> "$journal" 2>&1 9>&-; then
    mark "done" "$name" moved
    finish failed
  fi

  saved=$record/steps/$name
  mkdir -p "$saved" || unprepared
  number=0
  [ ! -e "$step/saves" ] || while IFS= read -r path; do
    if [ -e "$path" ] || [ -L "$path" ]; then cp -a -- "$path" "$saved/$number" || unprepared; fi
    number=$((number + 1))
  done < "$step/saves"
  [ ! -e "$step/folders" ] || while IFS= read -r folder; do
    missing=$folder
    while [ ! -d "$missing" ]; do
      printf '%s\n' "$missing" >> "$saved/made" || unprepared
      missing=\${missing%/*}
      [ -n "$missing" ] || break
    done
    mkdir -p "$folder" || unprepared
  done < "$step/folders"
  [ ! -e "$step/kept" ] || cp "$step/kept" "$saved/" || unprepared
  if [ -e "$step/undo" ]; then
    cp "$step/undo" "$step/title" "$saved/" || unprepared
    [ ! -e "$step/notifies" ] || cp "$step/notifies" "$saved/" || unprepared
    durable "$saved"/* "$saved" "$record/steps" "$record" || unprepared
  fi

  managed=
  if [ -e "$step/ledger" ]; then
    managed=${MANAGED}/$(cat "$step/ledger")
    if [ ! -e "$managed/entry" ]; then
      { rm -rf "$managed" && mkdir -p "$managed" && cp -a "$saved/." "$managed/" &&
        cp "$step/entry" "$managed/entry.new" && durable "$managed"/* &&
        mv "$managed/entry.new" "$managed/entry" && durable "$managed" ${MANAGED}; } || unprepared
    fi
  fi

  if [ -e "$step/confirm" ]; then
    arm "$saved" "$(cat "$step/confirm")" >> "$journal" 2>&1 9>&- || unprepared
  fi
  if [ -e "$step/notifies" ]; then
    mkdir -p ${PENDING} || unprepared
    while IFS= read -r unit; do true > ${PENDING}/"$unit" || unprepared; done < "$step/notifies"
    durable ${PENDING} ${PENDING}/* || unprepared
  fi

  IMCLOUD_SAVED=$saved
  IMCLOUD_LEDGER=$managed
  within=${WITHIN_S}
  [ ! -e "$step/within" ] || within=$(cat "$step/within")
  read -r begun _ < /proc/uptime
  timeout -k ${KILLED_AFTER_S} "$within" sh -eu "$step/apply" < /dev/null >> "$journal" 2>&1 9>&-
  code=$?
  read -r ended _ < /proc/uptime
  if [ "$code" != 0 ] && [ $((\${ended%.*} - \${begun%.*})) -ge "$within" ]; then
    printf 'stopped: it had not ended after %s s\n' "$within" >> "$journal"
  fi
  mark "done" "$name" "$code"
  [ "$code" = 0 ] || finish failed
  if [ -e "$step/forget" ]; then
    forgotten=${MANAGED}/$(cat "$step/forget")
    if [ ! -e "$step/unless-data" ] || ! grep -qs '"isData":true' "$forgotten/entry"; then rm -rf "$forgotten"; fi
  fi
done

# By name, which the clock of whoever began it gave: this one may be before all others.
ls -1d ${RUNS}/*/ 2>/dev/null | sort | head -n -${KEPT_RUNS} | while IFS= read -r old; do [ "$old" = "$record/" ] || rm -rf "$old"; done
sweep_store
finish "done"`;
}
