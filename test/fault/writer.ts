/**
 * A service that writes numbered lines, each flushed before it is acknowledged, into a folder with all that a folder can
 * hold.
 */
import { createInterface } from "node:readline";
import { execa } from "execa";
import type { EmulatedBoard } from "../../src/lab/emulated-board.js";

const FOLDER = "/srv/data";
/** In memory: what is in it has been flushed to the log, and it is gone with the power, as clients' memories are not. */
const ACKNOWLEDGED = "/run/acknowledged";

/**
 * As a database does when it opens: what a power cut left behind the last whole line was never acknowledged. ext4 may
 * leave zeros there, where a file had grown within a block.
 */
const REPAIR = `tr -d '\\000' < ${FOLDER}/log | awk '$0 != NR { exit } { print }' > ${FOLDER}/log.new; sync ${FOLDER}/log.new; mv ${FOLDER}/log.new ${FOLDER}/log; sync ${FOLDER}`;

/** One process, because each that an emulated CPU starts costs it a hundredth of a second. After an error it only waits. */
const WRITE = `
use strict; use warnings; use IO::Handle;
open(my $log, "+>>", "${FOLDER}/log") or die $!;
open(my $acknowledged, ">>", "${ACKNOWLEDGED}") or die $!;
seek($log, 0, 0);
my $n = () = <$log>;
while (1) {
  select(undef, undef, undef, 0.05);
  $n++;
  syswrite($log, "$n\\n") && $log->sync && syswrite($acknowledged, "$n\\n") or last;
}
sleep 1 while 1;
`;

const UNIT_FILE = `[Service]
ExecStartPre=/bin/sh /usr/local/sbin/repair
ExecStart=/usr/bin/perl /usr/local/sbin/write
[Install]
WantedBy=multi-user.target
`;

const MANIFEST = `cd ${FOLDER}; find . -mindepth 1 ! -name log -printf '%p %y %m %U:%G %n %T@ %l\\n' | sort; find . -type f ! -name log -print0 | sort -z | xargs -0 sha256sum`;

let made = "";

export const writer = {
  unit: "writer.service",
  folder: FOLDER,

  /** @param sizeMib of its one big file; the others have 4 MB together */
  async install(board: EmulatedBoard, sizeMib: number): Promise<void> {
    await board.sh(`
      mkdir -p ${FOLDER}/deep/er ${FOLDER}/"a name with spaces"
      head -c ${sizeMib}M /dev/urandom > ${FOLDER}/big
      for n in $(seq 200); do head -c 20000 /dev/urandom > ${FOLDER}/deep/$n; done
      ln ${FOLDER}/deep/1 ${FOLDER}/deep/er/linked
      ln -s ../big ${FOLDER}/deep/symbolic
      truncate -s 8M ${FOLDER}/hole
      echo ü > ${FOLDER}/"a name with spaces"/ü
      chown 12:34 ${FOLDER}/deep/2; chmod 0400 ${FOLDER}/deep/3; chmod 0710 ${FOLDER}
      : > ${FOLDER}/log`);
    await board.sh("cat > /usr/local/sbin/repair", REPAIR);
    await board.sh("cat > /usr/local/sbin/write", WRITE);
    await board.sh("cat > /etc/systemd/system/writer.service", UNIT_FILE);
    made = await board.sh(MANIFEST);
    await board.sh("systemctl daemon-reload; systemctl --quiet enable --now writer.service; sync");
  },

  manifest: (board: EmulatedBoard): Promise<string> => board.sh(MANIFEST),
  original: (): string => made,

  /** Lines that are not where they were written, which every one must be, once; as cat(1) shows them. */
  wrongLines: (board: EmulatedBoard): Promise<string> =>
    board.sh(`awk '$0 != NR { print NR ": " $0 }' ${FOLDER}/log | head -n 3 | cat -A`),

  lines: async (board: EmulatedBoard): Promise<number> => Number(await board.sh(`wc -l < ${FOLDER}/log`)),

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
