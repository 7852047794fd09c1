/**
 * A shell on an emulated board. There is no way in past SSH: the board has a kernel of its own.
 */
import { execa } from "execa";
import { quote } from "../../board/script.js";
import { ImcloudError } from "../../shared/errors.js";
import { sshArguments, type SshTarget } from "../ssh.js";

/** An emulated CPU takes its time: one start of Erlang is 5 s. */
const COMMAND_DEADLINE_MS = 900_000;

const ROOT = [
  ...["sudo", "-n", "env", "-i", "HOME=/root", "LANG=C.UTF-8"],
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ...["/bin/sh", "-c", 'cd && exec /bin/sh -c "$1"', "sh"],
];

/**
 * Runs a command as root.
 *
 * @param target an account that needs no password for sudo
 * @returns what it wrote to stdout, without the last line end
 * @throws ImcloudError `lab.failed` when it ends with another status than 0
 */
export async function runAsRoot(target: SshTarget, command: string, input = ""): Promise<string> {
  const remote = [...ROOT, command].map(quote).join(" ");
  const result = await execa("ssh", [...sshArguments(target), remote], {
    reject: false,
    input,
    timeout: COMMAND_DEADLINE_MS,
  });
  if (!result.failed) return result.stdout;
  throw new ImcloudError("lab.failed", `a command on \`${target.name}\` failed`, {
    found: `${command}\nstatus ${result.exitCode ?? result.signal}\n${result.stdout}\n${result.stderr}`,
    hint: "status 255 is ssh's own: the board was switched off, or does not answer",
    cause: result,
  });
}
