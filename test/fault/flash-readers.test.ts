/**
 * A class with fewer readers than boards: the built command on loop devices of the test's own, whose disks are changed
 * as a robot or a teacher would. Nothing else is written to: see drives.ts.
 */
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator, type Operator } from "../e2e/operator.js";
import { terminal } from "../e2e/terminal.js";
import { BOOKWORM, card, partitioned, rootOf, type Card } from "../unit/flash/first-boot/card.js";
import { FAULTS, installDriveTools, testDrive, type TestDrive } from "./drives.js";

const MIB = 1_048_576;
const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");
const BOARDS = ["pi-01", "pi-02", "pi-03", "pi-04"];
const CONFIG = {
  version: 1,
  cloud: { name: "test" },
  boards: Object.fromEntries(BOARDS.map((name, index) => [name, { address: `192.0.2.${index + 1}` }])),
  groups: { "class-a": { boards: BOARDS } },
  firstBoot: { user: "ada" },
};

let source: Card;
let image = "";
let home: Operator;
beforeAll(async () => {
  await installDriveTools();
  source = await card({
    boot: { "cmdline.txt": "root=PARTUUID=1-02 rootwait\n", "config.txt": "arm_64bit=1\n" },
    root: rootOf(BOOKWORM, ["raspberrypi-sys-mods"]),
  });
  image = await partitioned(source);
  home = await operator({ boards: [], empty: true });
  await home.write("imcloud.yaml", stringify(CONFIG));
});
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const allowed = (drives: readonly TestDrive[]) => ({
  IMCLOUD_FLASH_ONLY: drives.map(({ path }) => path).join(":"),
});
const flash = (drives: readonly TestDrive[], ...more: readonly string[]) => [
  ...["flash", "--image", image, "--to", ...drives.map(({ id }) => id), ...more],
];
const consent = (drives: readonly TestDrive[]) => ["--yes", ...drives.map(({ id }) => id)];

/** Whose card a disk has become, by what its first boot would make of it. */
async function hostnameOn(disk: string): Promise<string | undefined> {
  const { stdout } = await execa("mtype", ["-i", `${disk}@@${source.target.boot.offset}`, "::firstrun.sh"], {
    env: { MTOOLS_SKIP_CHECK: "1" },
    reject: false,
  });
  return /^hostname=(\S+)$/m.exec(stdout)?.[1];
}

interface Told {
  readonly board: string;
  readonly event: string;
  readonly title?: string;
  readonly what?: string;
}

async function* events(running: ReturnType<Operator["start"]>): AsyncGenerator<Told> {
  for await (const line of running.iterable({ from: "stderr" }))
    if (line.startsWith("{")) yield JSON.parse(line) as Told;
}

/** A test that fails on its way leaves nobody waiting for cards in devices that others will have. */
const lastly = (end: () => unknown): AsyncDisposable => ({
  [Symbol.asyncDispose]: () => Promise.resolve(void end()),
});

test("two readers serve four boards; bad cards cost their boards nothing, and nobody sits at a terminal", async () => {
  await using one = await testDrive(64);
  await using two = await testDrive(64, FAULTS.writeError(30 * MIB));
  const drives = [one, two];
  const running = home.start(
    ...flash(drives, ...consent(drives), "--on", "class-a", "--card-minutes", "2", "--json"),
    { env: allowed(drives) },
  );
  await using _ended = lastly(() => running.kill());

  // The robot: whoever wants a card gets one. The first one that it takes is too small, the second one write-protected.
  const odd = [{ mib: 32 }, { isReadOnly: true }];
  const disks = new Map<string, string>();
  const hasEnded = new Set<string>();
  const refusals: string[] = [];
  for await (const { board, event, title = "", what = "" } of events(running)) {
    const drive = drives.find(({ id }) => id === board);
    const isRefused = event === "doing" && what.includes("or insert the card for");
    if (isRefused) refusals.push(what);
    if (event === "step-ended") hasEnded.add(board);
    if (isRefused || (event === "step-started" && hasEnded.has(board)))
      disks.set(
        title || (/the card for (\S+)/.exec(what)?.[1] ?? ""),
        (await drive?.swap(odd.shift())) ?? "",
      );
  }
  const { exitCode, stdout, stderr } = await running;
  expect(exitCode, stderr).toBe(0);
  const { boards } = JSON.parse(stdout) as { boards: Record<string, { outcome: string; target: string }> };
  expect(Object.keys(boards)).toEqual(BOARDS);
  for (const name of BOARDS) expect(boards[name], name).toMatchObject({ outcome: "written" });
  expect(refusals).toHaveLength(2);
  expect(refusals.join("\n")).toMatch(/is too small for the image/);
  expect(refusals.join("\n")).toMatch(/it is write-protected/);

  // The card that refused to be written was to be that of pi-02, which came to its turn again.
  expect(await one.content().then((bytes) => bytes.readUInt16LE(510))).toBe(0xaa55);
  expect(await two.content().then((bytes) => bytes.readUInt16LE(510))).toBe(0);
  const made = await Promise.all(
    ["pi-02", "pi-03", "pi-04"].map((name) => hostnameOn(disks.get(name) ?? "")),
  );
  expect(made).toEqual(["pi-02", "pi-03", "pi-04"]);
  const { cards } = JSON.parse(await home.read(".imcloud/cards.json")) as { cards: { board: string }[] };
  expect(cards.map(({ board }) => board).toSorted()).toEqual(BOARDS);
});

test("at a terminal: whose card is next is said, and Ctrl-C while waiting keeps what is done", async () => {
  await using drive = await testDrive(64);
  const labels = join(home.folder, "labels.pdf");
  // As wide as a window: the tree is drawn within it.
  const sized = ["sh", "-c", 'stty cols 120 rows 40; exec "$@"', "sh", process.execPath, CLI];
  const command = [...sized, ...flash([drive], "--on", "class-a", "--labels", labels)];
  const env = { ...home.environment, ...allowed([drive]), TERM: "xterm-256color" };
  const screen = terminal(command, home.folder, env);
  let isOver = false;
  void screen.exit.then(() => (isOver = true));
  // Twice: at once.
  await using _ended = lastly(() => isOver || screen.type("\x03\x03"));
  await screen.see("then, card by card as drives are free: pi-02, pi-03, pi-04");
  await screen.see("Overwrite all of this?");
  screen.type("y\r");
  await screen.see(`pi-01 is done: take its card out, and insert the card for pi-02 into ${drive.id}`);
  const second = await drive.swap();
  await screen.see(`insert the card for pi-03 into ${drive.id}`);
  screen.type("\x03");
  await screen.see("stopped before there was a card for pi-03, pi-04");
  await screen.see("--on pi-03 pi-04");
  await screen.see("2 of 4 cards are done; not: pi-03, pi-04");
  await screen.see("2 labels");
  expect(await screen.exit).toBe(4);
  expect(await hostnameOn(second)).toBe("pi-02");
});

test("nobody there, and nobody said for how long to wait: refused at once, and nothing is written", async () => {
  await using drive = await testDrive(64);
  const { exitCode, json } = await home.imcloud(
    ...flash([drive], ...consent([drive]), "--on", "class-a", "--json"),
    { env: allowed([drive]) },
  );
  expect(exitCode).toBe(64);
  expect(json).toMatchObject({
    error: { code: "cli.missing-answer", message: "nobody is there to be told whose card is next" },
  });
  expect((await drive.content()).equals(Buffer.alloc(64 * MIB))).toBe(true);
});
