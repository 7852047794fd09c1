/**
 * The board that imcloud itself runs on: the same interface as over SSH, with no connection to lose.
 *
 * A child has a process group of its own, so that Ctrl-C at the terminal reaches imcloud alone, which then
 * stops the run at a step's end; a channel that is closed hangs up on the whole group.
 */
import { spawn } from "node:child_process";
import { ImcloudError } from "../shared/errors.js";
import { localUser } from "../shared/local-user.js";
import type { Channel, ChannelExit, Link } from "./link.js";

/** @throws ImcloudError `board.unsupported` on a machine without a POSIX shell */
export function connectLocal(board: string): Link {
  if (process.platform === "win32") {
    throw new ImcloudError(
      "board.unsupported",
      `\`${board}\` has \`transport: local\`, but this machine is no board`,
      {
        found: "Windows",
        hint: `give \`${board}\` an address and \`transport: ssh\`, or run imcloud on the board itself`,
      },
    );
  }
  const open = new Set<Channel>();
  return {
    user: localUser(),
    handshakes: 0,
    isByPassword: false,
    async open(command) {
      const channel = await start(command, board);
      open.add(channel);
      void channel.exit.finally(() => open.delete(channel)).catch(() => undefined);
      return channel;
    },
    close() {
      for (const channel of open) channel.close();
      return Promise.resolve();
    },
  };
}

async function start(command: string, board: string): Promise<Channel> {
  const child = spawn("sh", ["-c", command], { detached: true, stdio: ["pipe", "pipe", "pipe"], cwd: "/" });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      reject(
        new ImcloudError("board.lost", `no command could be started on \`${board}\``, {
          found: error.message,
          hint: "see whether this machine has memory and processes left",
          cause: error,
        }),
      );
    });
  });
  let hangUp = (): void => undefined;
  const exit = new Promise<ChannelExit>((resolve) => {
    // `close`, not `exit`: the output is complete only then.
    child.once("close", (code, signal) => resolve({ code, signal }));
    hangUp = () => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        hangUpGroup(child.pid);
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve({ code: null, signal: null });
    };
  });
  // A command that ends early closes its input: its exit code says why, the broken pipe does not.
  child.stdin.on("error", () => undefined);
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit, close: hangUp };
}

function hangUpGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGHUP");
  } catch (error) {
    // The last of them may have gone in this very moment.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
