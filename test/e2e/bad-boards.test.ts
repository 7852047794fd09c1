/**
 * Boards in a bad state: each failure has its code, its exit status and the board's own words, leaves nothing half done,
 * and is gone when its cause is. Boards that let nobody in are the business of ways-in.test.ts.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareManifests } from "../../src/lab/manifest.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { operator, type Operator, type Run } from "./operator.js";

let board: VirtualBoard;
beforeAll(async () => {
  board = await virtualBoard("kitchen");
});
afterAll(() => board[Symbol.asyncDispose]());

interface BoardError {
  readonly code: string;
  readonly found?: string;
  readonly hint: string;
}

/** What a run says of the board that failed it. */
function errorOf(run: Run): BoardError {
  const boards = run.json["boards"] as Readonly<Record<string, { readonly error?: BoardError }>>;
  const error = boards["kitchen"]?.error;
  if (error === undefined) throw new Error(`nothing failed:\n${run.stdout}\n${run.stderr}`);
  return error;
}

async function expectFailure(home: Operator, code: string, exitCode: number): Promise<BoardError> {
  const run = await home.imcloud("apply", "--yes", "--json");
  const error = errorOf(run);
  expect([error.code, run.exitCode], JSON.stringify(error)).toEqual([code, exitCode]);
  expect(run.stderr).toContain(`error[${code}]`);
  expect(run.stderr).toContain("hint: ");
  return error;
}

async function expectSuccess(home: Operator): Promise<void> {
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, `${run.stdout}\n${run.stderr}`).toMatchObject({ exitCode: 0 });
}

test.each(["rabbitmq", "imserver"])("32-bit systems are refused %s before anything is done", async (name) => {
  await using home = await operator({ boards: [board], playbooks: [name] });
  // A stand-in: the lab has no 32-bit board, and dpkg is who imcloud asks.
  await board.sh(
    "cat >/usr/local/bin/dpkg; chmod 0755 /usr/local/bin/dpkg",
    `#!/bin/sh\n[ "$1" != --print-architecture ] || { echo armhf; exit 0; }\nexec /usr/bin/dpkg "$@"\n`,
  );
  const before = await board.manifest();
  const error = await expectFailure(home, "board.unsupported", 65);
  expect(error.found).toContain("armhf");
  expect(error.hint).toContain("flash a 64-bit image");
  expect(compareManifests(before, await board.manifest())).toEqual([]);
  await board.sh("rm /usr/local/bin/dpkg");
});

test("a system that is none of the supported ones says what it lacks, and is left alone", async () => {
  await using home = await operator({ boards: [board], playbook: FILE });
  // A stand-in for a system with another init.
  await board.sh(
    "cat >/usr/local/bin/systemctl; chmod 0755 /usr/local/bin/systemctl",
    "#!/bin/sh\necho 'systemctl: not here' >&2\nexit 127\n",
  );
  const before = await board.manifest();
  const run = await home.imcloud("plan", "--json");
  expect([errorOf(run).code, run.exitCode]).toEqual(["board.unsupported", 65]);
  expect(errorOf(run).found).toContain("systemd");
  expect(compareManifests(before, await board.manifest())).toEqual([]);
  await board.sh("rm /usr/local/bin/systemctl");
});

const FILE = '- file: { path: /etc/imtest/greeting, content: "hello\\n" }';

test("a read-only /etc is said to be one, and nothing of the file is there", async () => {
  await using home = await operator({ boards: [board], playbook: FILE });
  await board.sh("mount --bind /etc /etc && mount -o remount,bind,ro /etc");
  const error = await expectFailure(home, "engine.step-failed", 4);
  expect(error.found).toContain("Read-only file system");
  expect(error.found).not.toContain("undefined");
  await board.sh("umount /etc");
  expect(await board.sh("ls -A /etc/imtest 2>/dev/null || :")).toBe("");

  await expectSuccess(home);
  expect(await board.sh("cat /etc/imtest/greeting")).toBe("hello");
});

test("a full disk keeps the old content whole; with room again the same command finishes", async () => {
  const wish = (content: string): string =>
    `- file: { path: /etc/imfull/large, content: ${JSON.stringify(content)} }`;
  await board.sh("mkdir /etc/imfull && mount -t tmpfs -o size=128k none /etc/imfull");
  await using small = await operator({ boards: [board], playbook: wish("old\n") });
  await expectSuccess(small);

  await using large = await operator({ boards: [board], playbook: wish("new ".repeat(50_000)) });
  const error = await expectFailure(large, "engine.step-failed", 4);
  expect(error.found).toContain("No space left on device");
  expect(await board.sh("cat /etc/imfull/large; ls -A /etc/imfull")).toBe("old\nlarge");

  await board.sh("mount -o remount,size=1m /etc/imfull");
  await expectSuccess(large);
  expect(await board.sh("wc -c </etc/imfull/large; ls -A /etc/imfull")).toBe("200000\nlarge");
  await board.sh("umount /etc/imfull");
});

test("without room for its journal a run does nothing; with room again the same command finishes", async () => {
  await using home = await operator({
    boards: [board],
    playbook: '- file: { path: /etc/imjournal, content: "there\\n" }',
  });
  await board.sh("mkdir -p /var/lib/imcloud && mount -t tmpfs -o size=64k none /var/lib/imcloud");
  await board.sh("cat /dev/zero >/var/lib/imcloud/ballast 2>/dev/null || :");
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 4 });
  expect(errorOf(run).found).toContain("No space left on device");
  expect(await board.sh("ls /etc/imjournal 2>/dev/null || :")).toBe("");

  await board.sh("rm /var/lib/imcloud/ballast");
  await expectSuccess(home);
  expect(await board.sh("cat /etc/imjournal")).toBe("there");
  await board.sh("umount /var/lib/imcloud");
});

test("what apt complains of is shown in its own words", async () => {
  await using home = await operator({
    boards: [board],
    playbook: "- package: { names: [imcloud-has-no-such-package] }",
  });
  await board.sh("echo 'deb nonsense' >/etc/apt/sources.list.d/broken.list");
  const malformed = await expectFailure(home, "engine.step-failed", 4);
  expect(malformed.found).toContain("Malformed entry 1 in list file /etc/apt/sources.list.d/broken.list");

  await board.sh("rm /etc/apt/sources.list.d/broken.list");
  const missing = await expectFailure(home, "engine.step-failed", 4);
  expect(missing.found).toContain("Unable to locate package imcloud-has-no-such-package");
  expect(await board.sh("dpkg --audit; apt-get check -qq")).toBe("");
});

/** A unit file and its service, as a playbook has them. */
const serviceTasks = (unit: string, lines: readonly string[], port?: number): string => `
- file: { path: "/etc/systemd/system/${unit}", content: ${JSON.stringify(`${lines.join("\n")}\n`)} }
- service: { unit: "${unit}"${port === undefined ? "" : `, port: ${port}, portWithinS: 20`} }
`;

test.each([5672, 8448])(
  "port %i taken: the service says so; free again, the same command finishes",
  async (port) => {
    const unit = `im${port}.service`;
    await using home = await operator({
      boards: [board],
      playbook: serviceTasks(
        unit,
        // Any service that listens would do; this one tells systemd when it is up, as the broker and the server do.
        [
          "[Service]",
          "Type=notify",
          `ExecStart=/usr/sbin/sshd -D -e -p ${port}`,
          "[Install]",
          "WantedBy=multi-user.target",
        ],
        port,
      ),
    });
    await board.sh(`systemd-run --quiet --unit=squatter --service-type=notify /usr/sbin/sshd -D -p ${port}`);
    const error = await expectFailure(home, "engine.step-failed", 4);
    expect(error.found).toContain(`Bind to port ${port} on 0.0.0.0 failed: Address already in use.`);

    await board.sh("systemctl stop squatter");
    await expectSuccess(home);
    expect(await board.sh(`systemctl is-active ${unit}; systemctl stop ${unit}`)).toBe("active");
  },
);

test.each<[string, readonly string[], number | undefined]>([
  ["fails as it starts", ["Type=oneshot", "RemainAfterExit=yes"], undefined],
  ["says it has started and is gone", ["Type=simple"], 5999],
])("a service that %s shows the last lines of its journal", async (_way, type, port) => {
  const unit = `im-ill-${port ?? "oneshot"}.service`;
  const words = "the configuration names a room that is not there";
  await using home = await operator({
    boards: [board],
    playbook: serviceTasks(
      unit,
      [
        "[Service]",
        ...type,
        `ExecStart=/bin/sh -c 'echo "${words}"; exit 3'`,
        "[Install]",
        "WantedBy=multi-user.target",
      ],
      port,
    ),
  });
  const error = await expectFailure(home, "engine.step-failed", 4);
  expect(error.found).toContain(words);
});

test("a lock in somebody else's hands turns an apply away, and keeps nobody from looking", async () => {
  await using home = await operator({
    boards: [board],
    playbook: '- file: { path: /etc/imlocked, content: "there\\n" }',
  });
  await board.sh(
    `mkdir -p /run/imcloud
    systemd-run --quiet --unit=holder flock /run/imcloud/lock sleep infinity
    while flock -n /run/imcloud/lock true; do :; done`,
  );
  expect(await home.imcloud("plan")).toMatchObject({ exitCode: 2 });
  await expectFailure(home, "board.locked", 75);
  expect(await board.sh("ls /etc/imlocked 2>/dev/null || :")).toBe("");

  await board.sh("systemctl stop holder");
  await expectSuccess(home);
  expect(await board.sh("cat /etc/imlocked")).toBe("there");

  // Nor is anything taken back meanwhile.
  await board.sh("systemd-run --quiet --unit=holder flock /run/imcloud/lock sleep infinity");
  await board.sh("while flock -n /run/imcloud/lock true; do :; done");
  const rollback = await home.imcloud("rollback", "--yes", "--json");
  expect([errorOf(rollback).code, rollback.exitCode]).toEqual(["board.locked", 75]);
  await board.sh("systemctl stop holder");
  expect(await board.sh("cat /etc/imlocked")).toBe("there");
});
