/** The playbook `qos`: what it asks for, and what it says of settings that cannot be meant. */
import { expect, test } from "vitest";
import type { Item } from "../../../src/engine/types.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { factsOf, resolveShipped } from "./shipped.js";

const BOOKWORM = "raspios-bookworm.txt";

const qos = (settings: unknown, facts = factsOf(BOOKWORM), further: Readonly<Record<string, unknown>> = {}) =>
  resolveShipped(facts, ["qos"], { qos: settings, ...further });
const idsOf = (items: readonly Item[]) =>
  items.flatMap((item) => (item.kind === "resource" ? [item.resource.id] : []));
const contentOf = (items: readonly Item[], id: string) =>
  items.flatMap((item) =>
    item.kind === "resource" && item.resource.id === id
      ? [(item.resource.desired as { readonly content: string }).content]
      : [],
  )[0];

test.each<readonly [title: string, settings: unknown, message: string]>([
  ["a number without a unit", { uplink: 20 }, "`20` is no rate"],
  ["no rate at all", { uplink: "fast" }, "`fast` is no rate"],
  ["a unit that tc would take for bytes", { uplink: "20mbps" }, "`20mbps` is no rate"],
  ["a fraction", { uplink: "2.5mbit" }, "`2.5mbit` is no rate"],
  ["a negative rate", { uplink: "-20mbit" }, "`-20mbit` is no rate"],
  ["a space before the unit", { uplink: "20 mbit" }, "`20 mbit` is no rate"],
  ["an uplink of 0", { uplink: 0 }, "`0` is no rate"],
  ["a rate of 0", { uplink: "0mbit" }, "a rate of 0mbit is out of range: from 256kbit to 10gbit"],
  ["a rate too low for a packet", { uplink: "64kbit" }, "a rate of 64kbit is out of range"],
  ["a rate that nothing reaches", { uplink: "100gbit" }, "a rate of 100gbit is out of range"],
  ["a downlink that is no rate", { uplink: "20mbit", downlink: true }, "`true` is no rate"],
  ["an unknown kind", { uplink: "20mbit", kind: "wfq" }, "`settings.kind` is not right"],
  ["htb without a rate", { kind: "htb" }, "`kind: htb` divides a rate, and there is none"],
  ["fq_codel with a rate", { uplink: "20mbit", kind: "fq_codel" }, "`kind: fq_codel` keeps to no rate"],
  ["a mistyped key", { upload: "20mbit" }, "there is no `upload` here"],
  ["an interface that is a path", { device: "/dev/eth0" }, "`settings.device` is not right"],
  ["an interface with syntax in it", { device: "eth0; reboot" }, "`settings.device` is not right"],
  ["settings that are no mapping", "20mbit", "`settings` is not right"],
])("%s is refused", async (_title, settings, message) => {
  const error: unknown = await qos(settings).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ImcloudError);
  expect(error).toMatchObject({
    code: "playbook.invalid",
    message: expect.stringContaining(message) as string,
  });
  expect((error as ImcloudError).details.hint).toMatch(
    /imcloud\.yaml|allowed:|docs\/playbooks\.md|vars\.qos/,
  );
});

test.each<readonly [title: string, ports: unknown]>([
  ["a port above all", [70_000]],
  ["a port of 0", [0]],
  ["no port", []],
  ["a name for a port", ["https"]],
])("%s is refused", async (_title, ports) => {
  await expect(qos({}, factsOf(BOOKWORM), { qos_ports: ports })).rejects.toMatchObject({
    code: "playbook.invalid",
  });
});

test("a board without a way out has to be told its interface", async () => {
  const facts = { ...factsOf(BOOKWORM), device: "" };
  await expect(qos({}, facts)).rejects.toMatchObject({
    message: "the board does not tell which network interface leads out",
    details: { hint: "name it in imcloud.yaml: `vars: { qos: { device: eth0 } }`" },
  });
  expect(idsOf(await qos({ device: "eth1" }, facts))).toContain("shaper:way out");
});

test("the unit hangs on its interface, but in a container, where nothing tells of interfaces", async () => {
  const unit = "file:/etc/systemd/system/imcloud-qos.service";
  const onBoard = contentOf(await qos({ device: "wlan-0" }), unit);
  expect(onBoard).toContain("\nBindsTo=sys-subsystem-net-devices-wlan\\x2d0.device\n");
  expect(onBoard).toContain("\nWantedBy=multi-user.target sys-subsystem-net-devices-wlan\\x2d0.device\n");
  const inContainer = contentOf(await qos({}, { ...factsOf(BOOKWORM), container: "systemd-nspawn" }), unit);
  expect(inContainer).not.toContain(".device");
});

test("marks are made with iptables where a release's own firewall is", async () => {
  const packageOf = async (name: string) =>
    idsOf(await qos({}, factsOf(name))).find((id) => id.startsWith("package:"));
  expect(await Promise.all(["ubuntu-18.04.txt", "ubuntu-20.04.txt", BOOKWORM].map(packageOf))).toEqual([
    "package:iptables",
    "package:iptables",
    "package:nftables",
  ]);
});

test("a radio is kept awake where there is one, by NetworkManager where it runs", async () => {
  const awake = (items: readonly Item[]) => idsOf(items).filter((id) => /wifi|:iw$/.test(id));
  expect(awake(await qos({}))).toEqual([
    "file:/etc/NetworkManager/conf.d/60-imcloud-wifi.conf",
    "package:iw",
    "file:/etc/systemd/system/imcloud-wifi-awake.service",
    "service:imcloud-wifi-awake.service",
  ]);
  expect(awake(await qos({}, factsOf("ubuntu-22.04.txt")))).toEqual([]);
});
