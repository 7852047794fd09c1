/**
 * Whether a board is through with its first boot: cloud-init is, nobody holds dpkg, and the clock is about right.
 *
 * Each is waited for on the board, in one exec with a limit of its own. What does not come is told, and stops nobody:
 * cloud-init reports errors on boards that are fit for use, and a network without time servers is one too.
 *
 * Sources: cloud-init's reference, `status --wait`; the kernel's proc(5) on /proc/locks; systemctl(1),
 * `is-system-running`.
 */
import { sh, type Script } from "../board/script.js";
import type { Transport } from "../board/transport.js";
import { ImcloudError } from "../shared/errors.js";

const LIMITS_S = { cloudInit: 900, boot: 300, packages: 900, clock: 60 } as const;
const DEADLINE_MS = 1_000 * (60 + LIMITS_S.cloudInit + LIMITS_S.boot + LIMITS_S.packages + LIMITS_S.clock);
/** Certificates are valid from a day before they are made: more than enough. */
const CLOCK_TOLERANCE_S = 60;

/** dpkg's locks are of the kind that only /proc/locks shows. */
const WAIT = (nowS: number): Script => sh`
say() { printf 'ready|%s|%s\n' "$1" "$2"; }
if command -v cloud-init > /dev/null; then
  said=$(timeout ${LIMITS_S.cloudInit} cloud-init status --wait 2> /dev/null | tr -d '.\n')
  say cloud-init "\${said#status: }"
fi
say boot "$(timeout ${LIMITS_S.boot} systemctl is-system-running --wait)"

held() {
  for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock; do
    [ ! -e "$file" ] || ! grep -q ":$(stat -c %i "$file") " /proc/locks || return 0
  done
  return 1
}
until=$(($(cut -d. -f1 /proc/uptime) + ${LIMITS_S.packages}))
while held && [ "$(cut -d. -f1 /proc/uptime)" -lt "$until" ]; do sleep 1; done
if held; then say packages held; else say packages free; fi

off() {
  now=$((${nowS} + $(cut -d. -f1 /proc/uptime) - started))
  off=$(($(date +%s) - now))
  [ "$off" -gt ${CLOCK_TOLERANCE_S} ] || [ "$off" -lt ${-CLOCK_TOLERANCE_S} ]
}
until=$(($(cut -d. -f1 /proc/uptime) + ${LIMITS_S.clock}))
while off && [ "$(cut -d. -f1 /proc/uptime)" -lt "$until" ]; do sleep 1; done
if off; then say clock "$off"; else say clock right; fi`;

/**
 * Waits until the board is ready.
 *
 * @returns what is not as it should be, in words; none: all is well
 * @throws ImcloudError `board.lost` when it reboots meanwhile, `fleet.not-ready` when it does not answer
 */
export async function awaitReadiness(transport: Transport, now = Date.now()): Promise<readonly string[]> {
  const started = sh`started=$(cut -d. -f1 /proc/uptime)
${WAIT(Math.round(now / 1_000))}`;
  const { stdout, stderr, exitCode } = await transport.exec(started, { deadlineMs: DEADLINE_MS });
  if (exitCode === 0) return remarks(stdout);
  throw new ImcloudError("fleet.not-ready", `\`${transport.board}\` could not be asked whether it is ready`, {
    found: stderr.trim() || `status ${exitCode}`,
    hint: `log in with \`imcloud ssh ${transport.board}\` and look at \`journalctl -b\``,
  });
}

/** Pure. */
export function remarks(output: string): readonly string[] {
  const said = new Map(
    [...output.matchAll(/^ready\|([a-z-]+)\|(.*)$/gm)].map(([, what = "", how = ""]) => [what, how.trim()]),
  );
  const [cloudInit, boot, packages, clock] = ["cloud-init", "boot", "packages", "clock"].map((what) =>
    said.get(what),
  );
  return [
    ...(cloudInit === undefined || /^(?:done|disabled)/.test(cloudInit)
      ? []
      : [
          `cloud-init says ${cloudInit === "" ? "nothing" : `\`${cloudInit}\``}: look at \`cloud-init status --long\``,
        ]),
    ...(boot === undefined || boot === "running"
      ? []
      : [`systemd says \`${boot === "" ? "nothing" : boot}\`: look at \`systemctl --failed\``]),
    ...(packages === "held" ? ["another program holds dpkg's lock: apply waits for it"] : []),
    ...(clock === undefined || clock === "right" ? [] : [`its clock is off by ${clock} s: apply sets it`]),
  ];
}
