/**
 * Artifacts in the store that nobody refers to any more: old runtimes of some hundred megabytes.
 *
 * Called at the end of a run, under its lock. In use is what a managed link points to, what a saved original of a kept
 * run points to, because a rollback brings that back, and what came within a day: another command may just have sent
 * it, for a run that has still to begin.
 */
import { MANAGED, RUNS, STORE } from "../board/state.js";
import { sh, type Script } from "../board/script.js";

const RECENT_MIN = 24 * 60;

export const sweepFunction: Script = sh`
sweep_store() {
  [ -d ${STORE} ] || return 0
  # A path that JSON had to escape cannot be read here: then all is kept.
  ! grep -qsE '"id":"artifact:[^"]*\\' ${MANAGED}/*/entry || return 0
  needed=$(
    find ${RUNS} ${MANAGED} -type l -printf '%l\n'
    find ${STORE} -mindepth 1 -maxdepth 1 -mmin -${RECENT_MIN}
    cat ${MANAGED}/*/entry 2> /dev/null | sed -n 's/.*"id":"artifact:\([^"]*\)".*/\1/p' |
      while IFS= read -r path; do readlink "$path"; done
  )
  for stored in ${STORE}/*; do
    name=\${stored##*/}
    # The packed form and the unpacked one, HASH and HASH.d, stay and go together.
    case $needed in *${STORE}/"\${name%%.*}"*) ;; *) rm -rf "$stored" ;; esac
  done
}`;
