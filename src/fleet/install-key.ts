/**
 * A key of imcloud's own on a board that was logged in to by password, so that the password is needed once.
 */
import { text } from "node:stream/consumers";
import { makeKeyPair } from "../board/ssh-keys.js";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import { openLink, type Connecting } from "./connect.js";
import { readOptional, writePrivate } from "../files/operator-files.js";
import { type Workspace } from "./workspace.js";

/** Run as the login itself: whoever logs in owns the file. The key comes on standard input; once is enough. */
const INSTALL = [
  "umask 077; mkdir -p ~/.ssh && read -r key",
  'if ! grep -qsxF -e "$key" ~/.ssh/authorized_keys; then printf "\\n%s\\n" "$key" >> ~/.ssh/authorized_keys; fi',
  "echo installed",
].join(" && ");

/** Makes the key if there is none, and lets it in. @throws ImcloudError `board.login-refused` if the board does not take it */
export async function installKey(board: BoardConfig, connecting: Connecting): Promise<void> {
  const publicKey = await ownKey(connecting.workspace);
  const link = await openLink(board, connecting);
  try {
    const channel = await link.open(INSTALL);
    channel.stdin.end(publicKey);
    const [stdout, stderr] = await Promise.all([text(channel.stdout), text(channel.stderr), channel.exit]);
    if (stdout.trim() === "installed") return;
    throw new ImcloudError("board.login-refused", `\`${board.name}\` did not take the key`, {
      found: stderr.trim() || "no answer",
      hint: "see whether the user's home folder is writable, or install a key with `ssh-copy-id`",
    });
  } finally {
    await link.close();
  }
}

/** @returns the public key as authorized_keys has it, with a line end */
export async function ownKey({ identity }: Workspace): Promise<string> {
  const known = await readOptional(`${identity}.pub`);
  if (known !== undefined && (await readOptional(identity)) !== undefined) return known;
  const pair = await makeKeyPair("imcloud");
  await writePrivate(identity, pair.private);
  await writePrivate(`${identity}.pub`, `${pair.public}\n`);
  return `${pair.public}\n`;
}
