/**
 * SSH as the lab itself uses it: the operator's own client, with the board's recorded host key.
 */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";

export interface SshTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly sshKeyPath: string;
  /** The board's own file in known_hosts format. */
  readonly knownHostsPath: string;
}

const POLL_MS = 20;
const ATTEMPT_MS = 5_000;
const GREETING_MS = 2_000;

export function sshArguments(target: SshTarget): readonly string[] {
  return [
    ...["-F", "none", "-i", target.sshKeyPath],
    ...["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"],
    ...["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${target.knownHostsPath}`],
    ...["-o", `ConnectTimeout=${ATTEMPT_MS / 1000}`, "-o", "ServerAliveInterval=15"],
    ...["-p", String(target.port)],
    `${target.user}@${target.address}`,
  ];
}

/**
 * Waits until somebody can log in: a port that answers is not enough, systemd lets no one in before the boot's end.
 *
 * @param deadlineMs from now
 * @param isOn whether there is any point in asking again
 * @returns nothing when somebody can, else what the last attempt said
 */
export async function untilLoginWorks(
  target: SshTarget,
  deadlineMs: number,
  isOn: () => Promise<boolean>,
): Promise<string | undefined> {
  const deadline = Date.now() + deadlineMs;
  let last = `no SSH server at ${target.address}:${target.port}`;
  while (Date.now() < deadline && (await isOn())) {
    if (await greets(target)) {
      const attempt = await execa("ssh", [...sshArguments(target), "true"], {
        reject: false,
        stdin: "ignore",
        timeout: ATTEMPT_MS * 2,
      });
      if (!attempt.failed) return undefined;
      last = attempt.stderr;
    }
    await delay(POLL_MS);
  }
  return last;
}

/** Whether an SSH server says its version. Costs no process, so it can be asked often. */
async function greets({ address, port }: SshTarget): Promise<boolean> {
  const socket = connect({ host: address, port, timeout: GREETING_MS });
  return new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    // Refused, unreachable, closed or silent: all the same to whoever asks again.
    for (const event of ["error", "timeout", "close"]) socket.once(event, () => resolve(false));
  }).finally(() => socket.destroy());
}
