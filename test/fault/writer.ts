/**
 * A service that writes numbered lines, each flushed before it is acknowledged, into a folder with 64 MiB of all that a
 * folder can hold.
 */
import { createInterface } from "node:readline";
import { execa } from "execa";
import { expect } from "vitest";
import type { EmulatedBoard } from "../../src/lab/emulated-board.js";

const FOLDER = "/srv/data";
/** In memory: what is in it has been flushed to the log, and it is gone with the power, as clients' memories are not. */
const ACKNOWLEDGED = "/run/acknowledged";

const UNIT_FILE = `[Service]
ExecStart=/bin/sh -c 'n=$$(wc -l < ${FOLDER}/log); while n=$$((n + 1)); do sleep 0.05; echo $$n >> ${FOLDER}/log && sync ${FOLDER}/log && echo $$n >> ${ACKNOWLEDGED}; done'
[Install]
WantedBy=multi-user.target
`;

const MANIFEST = `cd ${FOLDER}; find . ! -name log -printf '%p %y %m %U:%G %n %T@ %l\\n' | sort; find . -type f ! -name log -print0 | sort -z | xargs -0 sha256sum`;

let made = "";

export const writer = {
  unit: "writer.service",
  folder: FOLDER,

  async install(board: EmulatedBoard): Promise<void> {
    await board.sh(`
      mkdir -p ${FOLDER}/deep/er ${FOLDER}/"a name with spaces"
      head -c 60M /dev/urandom > ${FOLDER}/big
      for n in $(seq 200); do head -c 20000 /dev/urandom > ${FOLDER}/deep/$n; done
      ln ${FOLDER}/deep/1 ${FOLDER}/deep/er/linked
      ln -s ../big ${FOLDER}/deep/symbolic
      truncate -s 8M ${FOLDER}/hole
      echo ü > ${FOLDER}/"a name with spaces"/ü
      chown 12:34 ${FOLDER}/deep/2; chmod 0400 ${FOLDER}/deep/3; chmod 0710 ${FOLDER}
      : > ${FOLDER}/log`);
    await board.sh("cat > /etc/systemd/system/writer.service", UNIT_FILE);
    made = await board.sh(MANIFEST);
    await board.sh("systemctl daemon-reload; systemctl --quiet enable --now writer.service; sync");
  },

  manifest: (board: EmulatedBoard): Promise<string> => board.sh(MANIFEST),
  original: (): Promise<string> => Promise.resolve(made),

  /** Every line once and in order. @returns how many there are */
  async judge(board: EmulatedBoard): Promise<number> {
    const [count, wrong] = (
      await board.sh(`awk '$0 != NR { wrong++ } END { print NR, wrong + 0 }' ${FOLDER}/log`)
    ).split(" ");
    expect(wrong).toBe("0");
    return Number(count);
  },

  /** Hears what is acknowledged, as clients do: outside the board. */
  async watch(board: EmulatedBoard): Promise<{ last(): number } & AsyncDisposable> {
    let last = 0;
    const following = execa(
      "ssh",
      [
        ...[
          "-i",
          board.sshKeyPath,
          "-o",
          `UserKnownHostsFile=${board.knownHostsPath}`,
          "-o",
          "BatchMode=yes",
        ],
        ...["-p", String(board.port), `pi@${board.address}`, `tail -n +1 -F -s 0.05 ${ACKNOWLEDGED}`],
      ],
      { reject: false, buffer: false },
    );
    const heard = createInterface({ input: following.stdout });
    const first = new Promise<void>((resolve) => heard.once("line", () => resolve()));
    heard.on("line", (line) => (last = Number(line)));
    await first;
    return {
      last: () => last,
      async [Symbol.asyncDispose]() {
        following.kill();
        await following;
      },
    };
  },
};
