/** Which card is whose, labels, what a board says of itself after its first boot, tables. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { parseBoards } from "../../../src/fleet/cards-csv.js";
import { readCards, recordCard } from "../../../src/fleet/cards.js";
import { codeOf, writeLabels } from "../../../src/fleet/labels.js";
import { remarks } from "../../../src/fleet/readiness.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";

const { boards } = readConfig(
  parseYaml(
    "version: 1\ncloud: { name: home }\nboards: { attic: , cellar: }\nfirstBoot: { wifi: { ssid: home, country: DE, hidden: true } }\n",
    "imcloud.yaml",
  ),
);
const CARD = {
  board: "attic",
  serial: "S1",
  drive: "SD Reader",
  image: "a.img",
  format: "systemd",
  fingerprints: ["SHA256:x"],
  flashedAt: "2026-11-24T12:00:00Z",
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-cards-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the last card comes first, and earlier ones stay", async () => {
  const workspace = workspaceAt(folder);
  expect(await readCards(workspace)).toEqual([]);
  await recordCard(workspace, CARD);
  await recordCard(workspace, { ...CARD, serial: "S2" });
  expect((await readCards(workspace)).map(({ serial }) => serial)).toEqual(["S2", "S1"]);
});

test("of cards that are done at once none is lost", async () => {
  const workspace = workspaceAt(folder);
  const serials = ["S1", "S2", "S3", "S4"];
  await Promise.all(serials.map((serial) => recordCard(workspace, { ...CARD, serial })));
  expect((await readCards(workspace)).map(({ serial }) => serial).toSorted()).toEqual(serials);
});

test("a record that somebody has broken is told, and not written over", async () => {
  const workspace = workspaceAt(folder);
  await mkdir(join(folder, ".imcloud"));
  await writeFile(workspace.cards, "{");
  await expect(recordCard(workspace, CARD)).rejects.toMatchObject({ code: "config.invalid" });
  expect(await readFile(workspace.cards, "utf8")).toBe("{");
});

test("thirty labels take two sheets, each with its name and a code", async () => {
  const labels = Array.from({ length: 30 }, (_, index) => ({
    board: `pi-${index}`,
    user: "ada",
    address: `192.168.1.${index}`,
    fingerprint: "SHA256:9fQm",
  }));
  const file = join(folder, "labels.pdf");
  await writeLabels(file, labels);
  const pdf = (await readFile(file)).toString("latin1");
  expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(2);
  // Text is drawn as hexadecimal digits, within packed streams.
  const drawn = [...pdf.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)]
    .map(([, packed = ""]) => inflateSync(Buffer.from(packed, "latin1")).toString("latin1"))
    .join("\n");
  const shown = [...drawn.matchAll(/\[([^\]]*)\] TJ/g)].map(([, parts = ""]) =>
    Buffer.from([...parts.matchAll(/<([0-9a-f]+)>/g)].map(([, hex = ""]) => hex).join(""), "hex").toString(
      "latin1",
    ),
  );
  expect(shown).toContain("pi-29");
  expect(shown).toContain("ada@192.168.1.29");
  // Squares of the codes: 21 rows and more for each.
  expect((drawn.match(/ re$/gm) ?? []).length).toBeGreaterThan(30 * 150);
  expect(codeOf({ user: "ada", address: "pi-07.local" })).toBe("ssh://ada@pi-07.local");
});

test("a table of another system is read: byte order mark, line ends, quotes, empty lines and fields", () => {
  const text =
    '\ufeffBoard,Hostname,address,gateway,dns,wifi_ssid\r\ncellar,"grace",192.168.1.8/24,192.168.1.1,9.9.9.9 1.1.1.1,\r\n\r\n attic ,,,,,"Caf\u00e9, upstairs"\r\n';
  const [cellar, attic, ...more] = parseBoards(text, "boards.csv", boards);
  expect(more).toEqual([]);
  expect([cellar?.name, attic?.name]).toEqual(["cellar", "attic"]);
  expect(cellar?.firstBoot).toMatchObject({
    hostname: "grace",
    ethernet: { address: "192.168.1.8/24", gateway: "192.168.1.1", dns: ["9.9.9.9", "1.1.1.1"] },
    wifi: { ssid: "home" },
  });
  // What imcloud.yaml says of the radio stays; the table has but its name.
  expect(attic?.firstBoot.wifi).toMatchObject({ ssid: "Caf\u00e9, upstairs", country: "DE", hidden: true });
});

test("what a board says after its first boot, in words; silence is no fault", () => {
  expect(
    remarks("ready|cloud-init|done\nready|boot|running\nready|packages|free\nready|clock|right\n"),
  ).toEqual([]);
  expect(remarks("ready|boot|running\nready|packages|free\nready|clock|right\n")).toEqual([]);
  expect(
    remarks("ready|cloud-init|error\nready|boot|degraded\nready|packages|held\nready|clock|-86400\n"),
  ).toEqual([
    "cloud-init says `error`: look at `cloud-init status --long`",
    "systemd says `degraded`: look at `systemctl --failed`",
    "another program holds dpkg's lock: apply waits for it",
    "its clock is off by -86400 s: apply sets it",
  ]);
});
