/**
 * A key of imcloud's own on a board that was logged in to by password, so that the password is needed once.
 */
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import { openLink, type Connecting } from "./connect.js";
import { readOptional, writePrivate, type Workspace } from "./workspace.js";

/** Run as the login itself: whoever logs in owns the file. The key comes on standard input. */
const INSTALL = "umask 077; mkdir -p ~/.ssh && { echo; cat; } >> ~/.ssh/authorized_keys && echo installed";

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
async function ownKey({ identity }: Workspace): Promise<string> {
  const known = await readOptional(`${identity}.pub`);
  if (known !== undefined && (await readOptional(identity)) !== undefined) return known;
  const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment: "imcloud" });
  await writePrivate(identity, pair.private);
  await writePrivate(`${identity}.pub`, `${pair.public}\n`);
  return `${pair.public}\n`;
}
