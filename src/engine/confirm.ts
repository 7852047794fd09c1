/**
 * Changes that could lock the operator out: reverted unless confirmed from outside.
 *
 * Before such a change the board gets a unit that undoes it, at the next boot or when a timer runs out,
 * whichever comes first; a power cut in between does not outlive it. A fresh connection after the run is the
 * confirmation: the one that made the change proves nothing, sshd keeps it whatever its new settings are.
 */
import { setTimeout as delay } from "node:timers/promises";
import { sh, type Script } from "../board/script.js";
import { STATE, UNCONFIRMED } from "../board/state.js";
import type { Transport } from "../board/transport.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import type { Change, Unconfirmed } from "./types.js";

const REVERT = `${STATE}/revert`;
/** There once what waited is confirmed: whoever lost the answer may ask again. */
const CONFIRMED = `${STATE}/confirmed`;
const UNIT = "imcloud-revert.service";
const UNIT_FILE = `/etc/systemd/system/${UNIT}`;

/** The program of the revert unit. Units that were restarted for the change are restarted again. */
const REVERT_PROGRAM = [
  "#!/bin/sh",
  "# Managed by imcloud: undoes changes that nobody confirmed, and goes.",
  "for change in " + UNCONFIRMED + "/*; do",
  '  [ -e "$change/undo" ] || continue',
  "  IMCLOUD_SAVED=$change",
  "  export IMCLOUD_SAVED",
  '  sh -eu "$change/undo" || echo "could not undo: $(cat "$change/title")"',
  "done",
  "systemctl daemon-reload",
  "for change in " + UNCONFIRMED + "/*; do",
  '  [ ! -e "$change/notifies" ] || xargs -r systemctl --no-block restart < "$change/notifies"',
  "done",
  "sync",
  `rm -rf ${UNCONFIRMED} ${CONFIRMED} ${UNIT_FILE} ${REVERT}`,
  `systemctl disable ${UNIT} 2> /dev/null`,
  "systemctl daemon-reload",
].join("\n");

const UNIT_TEXT = [
  "# Managed by imcloud: there only while a change waits for its confirmation.",
  "[Unit]",
  "Description=Undo changes of imcloud that nobody confirmed",
  "After=local-fs.target",
  "[Service]",
  "Type=oneshot",
  `ExecStart=/bin/sh ${REVERT}`,
  "[Install]",
  "WantedBy=multi-user.target",
].join("\n");

/** For the runner: defines `arm SAVED SECONDS`, called before a change is made. */
export const armFunction: Script = sh`
arm() {
  rm -f ${CONFIRMED} && mkdir -p ${UNCONFIRMED} &&
    cp -a "$1" ${UNCONFIRMED}/"$run-$name" &&
    printf '%s\n' ${REVERT_PROGRAM} > ${REVERT} &&
    printf '%s\n' ${UNIT_TEXT} > ${UNIT_FILE} &&
    systemctl daemon-reload &&
    systemctl enable -q ${UNIT} &&
    sync &&
    systemd-run --quiet --collect --unit="imcloud-revert-$run" --on-active="$2" systemctl start ${UNIT}
}`;

/** Between two tries to connect; each try has a deadline of its own. In milliseconds. */
const RETRY_MS = 1_000;
const CONFIRM_DEADLINE_MS = 30_000;

/**
 * The changes of a plan that may go in one wave: nothing comes after a cutoff but the restarts it asks for,
 * so that its clock measures the change and not the steps behind it.
 */
export function upToCutoff(changes: readonly Change[]): readonly Change[] {
  const place = changes.findIndex(({ confirmWithinS }) => confirmWithinS !== undefined);
  if (place === -1) return changes;
  return [
    ...changes.slice(0, place + 1),
    ...restartsOf(changes.slice(place + 1), changes[place]?.notifies ?? []),
  ];
}

/** The restarts without which a change has no effect yet, so that nothing could be confirmed. */
export function restartsOf(changes: readonly Change[], units: readonly string[]): readonly Change[] {
  return changes.filter(
    ({ risk, resource }) => risk === "restart" && units.some((unit) => resource.endsWith(`:${unit}`)),
  );
}

/** What a wave leaves to be confirmed. */
export function toConfirm(changes: readonly Change[], unconfirmed?: Unconfirmed): Cutoff | undefined {
  const made = changes.find(({ confirmWithinS }) => confirmWithinS !== undefined);
  if (made !== undefined)
    return {
      title: made.id,
      ...(made.origin && { origin: made.origin }),
      withinS: made.confirmWithinS ?? 0,
    };
  // Its time began long ago; how much is left, the board knows.
  return unconfirmed && { title: unconfirmed.title, withinS: CONFIRM_DEADLINE_MS / 1000 };
}

interface Cutoff {
  readonly title: string;
  readonly origin?: Origin;
  readonly withinS: number;
}

/**
 * Connects anew and confirms.
 *
 * @returns nothing when the board is reachable and the change stays, else why it does not
 */
export async function confirmAfresh(
  { transport: { board }, afresh }: Confirming,
  { title, origin, withinS }: Cutoff,
): Promise<ImcloudError | undefined> {
  const deadline = Date.now() + withinS * 1000;
  let cause: unknown = new Error("no way to connect anew was given");
  while (afresh !== undefined && Date.now() < deadline) {
    try {
      const { stdout } = await afresh((transport) =>
        transport.exec(confirmScript, { deadlineMs: CONFIRM_DEADLINE_MS }),
      );
      if (stdout.trim() === "confirmed") return undefined;
      cause = new Error("the connection came too late: the board has begun to undo it");
      break;
    } catch (error) {
      cause = error;
      await delay(RETRY_MS);
    }
  }
  return new ImcloudError("engine.reverted", `\`${board}\` undoes ${title}: nobody confirmed it in time`, {
    ...(origin && { origin }),
    found: cause instanceof Error ? cause.message : String(cause),
    expected: `a new connection within ${withinS} s`,
    hint: "mend the setting, wait until the board answers again, and run the command again",
    cause,
  });
}

interface Confirming {
  readonly transport: Transport;
  readonly afresh?: <Result>(task: (transport: Transport) => Promise<Result>) => Promise<Result>;
}

/** Confirms what runs changed; exits 0 and prints `confirmed`, or `reverted` when it came too late. */
const confirmScript: Script = sh`
systemctl stop 'imcloud-revert-*.timer' 2> /dev/null || :
# Its time may have come between the change and this: then it is on its way, or through.
case $(systemctl is-active ${UNIT}) in active | activating) echo reverted; exit 0 ;; esac
if [ ! -d ${UNCONFIRMED} ]; then
  if [ -e ${CONFIRMED} ]; then echo confirmed; else echo reverted; fi
  exit 0
fi
: > ${CONFIRMED}
rm -rf ${UNCONFIRMED} ${REVERT}
systemctl disable -q ${UNIT} 2> /dev/null || :
rm -f ${UNIT_FILE}
systemctl daemon-reload
sync
echo confirmed`;
