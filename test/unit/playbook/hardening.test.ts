/** The playbook `hardening`: what it asks for by release, and what it says of settings that cannot be meant. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Item } from "../../../src/engine/types.js";
import { FACTS_FILES, factsOf, resolveShipped } from "./shipped.js";

const BOOKWORM = factsOf("raspios-bookworm.txt");
const harden = (vars: Readonly<Record<string, unknown>> = {}, facts = BOOKWORM) =>
  resolveShipped(facts, ["hardening"], vars);
const desiredOf = (items: readonly Item[], type: string) =>
  items.flatMap((item) =>
    item.kind === "resource" && item.resource.type.type === type ? [item.resource.desired] : [],
  );

test.each<readonly [title: string, vars: Readonly<Record<string, unknown>>]>([
  ["a port above all", { open_ports: [70_000] }],
  ["a port of 0", { open_ports: [0] }],
  ["a port by name", { open_ports: ["amqps"] }],
  ["a fraction of a port", { open_ports: [56.5] }],
  ["a range that runs backwards", { open_udp: [[5001, 5000]] }],
  ["an IM port that is none", { port: "8448/tcp" }],
  ["an SSH port that is none", { ssh_ports: [-22] }],
])("%s is refused", async (_title, vars) => {
  await expect(harden(vars)).rejects.toMatchObject({ code: "playbook.invalid" });
});

test("ports that are asked for are open beside the IM server's", async () => {
  expect(desiredOf(await harden({ open_ports: [5671, 9092] }), "firewall")).toMatchObject([
    { tcp: [5671, 9092, 8448], ssh: [], by: "nft" },
  ]);
  expect(desiredOf(await harden({ port: 443 }), "firewall")).toMatchObject([{ tcp: [443] }]);
  expect(desiredOf(await harden({ amqp_tls_port: 5671 }), "firewall")).toMatchObject([{ tcp: [5671, 8448] }]);
});

test("the welcome page's port is open where there is one", async () => {
  const tcp = async (playbooks: readonly string[], vars = {}) =>
    desiredOf(await resolveShipped(BOOKWORM, [...playbooks, "hardening"], vars), "firewall");
  expect(await tcp(["imserver"])).toMatchObject([{ tcp: [80, 8448] }]);
  expect(await tcp(["imserver"], { welcome_port: 8080 })).toMatchObject([{ tcp: [8080, 8448] }]);
  expect(await tcp(["imserver"], { welcome_port: "none" })).toMatchObject([{ tcp: [8448] }]);
  expect(await tcp([])).toMatchObject([{ tcp: [8448] }]);
});

test("a relay's UDP ports are open where there is one, and those that are asked for", async () => {
  const udp = async (playbooks: readonly string[], vars = {}) =>
    desiredOf(await resolveShipped(BOOKWORM, [...playbooks, "hardening"], vars), "firewall");
  expect(await udp([])).toMatchObject([{ tcp: [8448], udp: [] }]);
  expect(await udp(["calls"])).toMatchObject([{ tcp: [3478, 8448], udp: [3478, [49152, 49407]] }]);
  expect(await udp(["calls"], { turn_ports: [50_000, 50_099], open_udp: [53] })).toMatchObject([
    { udp: [53, 3478, [50_000, 50_099]] },
  ]);
});

test("brokers of a cluster are reached by each other; one alone, and a board beside them, is not", async () => {
  const tcp = async (playbooks: readonly string[], cluster?: readonly [string, string, string]) =>
    desiredOf(await resolveShipped(BOOKWORM, playbooks, {}, cluster), "firewall");
  const cluster = ["pi-1", "pi-2", "pi-3"] as const;
  expect(await tcp(["kafka", "hardening"], cluster)).toMatchObject([{ tcp: [9092, 9093, 8448] }]);
  expect(await tcp(["kafka", "hardening"])).toMatchObject([{ tcp: [8448] }]);
  expect(await tcp(["imserver", "hardening"], cluster)).toMatchObject([{ tcp: [80, 8448] }]);
});

test.each(FACTS_FILES)("%s: the release's own firewall, and the word that its sshd knows", async (name) => {
  const facts = factsOf(name);
  const items = await harden({}, facts);
  const isOlder = /ubuntu-(18|20)\.04/.test(name);
  expect(desiredOf(items, "firewall")).toMatchObject([{ by: isOlder ? "iptables" : "nft" }]);
  const hasKbd = /22\.04|24\.04|bookworm|trixie|debian-12/.test(name);
  const [sshd] = desiredOf(items, "sshd") as { settings: Readonly<Record<string, string>> }[];
  expect(Object.keys(sshd?.settings ?? {})[1]).toBe(
    hasKbd ? "KbdInteractiveAuthentication" : "ChallengeResponseAuthentication",
  );
});

test("ufw keeps the rules where it is switched on", async () => {
  const items = await harden({}, { ...BOOKWORM, ufw: true });
  expect(desiredOf(items, "firewall")).toMatchObject([{ by: "ufw" }]);
  expect(desiredOf(items, "package")).toMatchObject([{ names: ["ufw"] }]);
});

test("passwords stay where somebody wants them", async () => {
  expect(desiredOf(await harden({ ssh_passwords: true }), "sshd")).toMatchObject([
    { settings: { PasswordAuthentication: "yes", PermitEmptyPasswords: "no" } },
  ]);
});

test.each<readonly [title: string, says: readonly string[], open: string]>([
  ["where nothing is said", ["port 22", "listenaddress [::]:22", "listenaddress 0.0.0.0:22"], "22, 8448"],
  ["at two ports", ["port 22", "port 2222", "listenaddress 0.0.0.0:22"], "22, 2222, 8448"],
  ["at an address with a port of its own", ["port 22", "listenaddress 10.0.0.1:2022"], "22, 2022, 8448"],
  ["in a routing domain", ["port 22", "listenaddress [fd00::1]:2022 rdomain blue"], "22, 2022, 8448"],
])("SSH is let in %s", (_title, says, open) => {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-firewall-"));
  const settings = join(folder, "settings");
  writeFileSync(settings, 'FIREWALL_SSH=""\nFIREWALL_TCP="8448"\nFIREWALL_BY=nft\n');
  writeFileSync(join(folder, "sshd"), `#!/bin/sh\n${says.map((line) => `echo '${line}'\n`).join("")}`, {
    mode: 0o755,
  });
  const program = readFileSync("templates/usr/local/sbin/imcloud-firewall", "utf8")
    .replaceAll("/etc/default/imcloud-firewall", settings)
    .replaceAll("/run/sshd", join(folder, "run"))
    .replace(/^PATH=/m, `PATH=${folder}:`);
  const rules = execFileSync("dash", ["-c", program, "imcloud-firewall", "rules"], { encoding: "utf8" });
  expect(/tcp dport \{ (.*) \} accept/.exec(rules)?.[1]).toBe(open);
  rmSync(folder, { recursive: true });
});
