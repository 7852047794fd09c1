/** Which board has a welcome page, where, and what of it comes to the board. */
import { expect, test } from "vitest";
import type { BoardConfig } from "../../../src/config/load.js";
import { readTls } from "../../../src/config/tls.js";
import { welcomeOf } from "../../../src/fleet/welcome.js";
import { ServerConfig } from "../../../src/shared/server-config.js";
import { factsOf, resolveShipped } from "../playbook/shipped.js";

const origin = { file: "imcloud.yaml", line: 7, key: "boards.attic.vars" };
const plan = async (vars: BoardConfig["vars"], tls: unknown = {}, clientPort = 8448) =>
  welcomeOf({ vars, origin }, await readTls(tls, "/nonexistent", origin), clientPort);

test.each([
  [{}, { isNeeded: true, port: 80 }],
  [{ welcome_port: 8080 }, { isNeeded: true, port: 8080 }],
  [{ welcome_port: 0 }, { isNeeded: true, port: 0 }],
  [{ welcome_port: "none" }, { isNeeded: true, port: 0 }],
] as const)("with %j it is planned as %j", async (vars, expected) => {
  expect(await plan(vars)).toEqual(expected);
});

test("where somebody else vouches for the server, or there is none, nothing has to be told", async () => {
  expect(await plan({}, { proxy: {} })).toEqual({ isNeeded: false, port: 0 });
  expect(welcomeOf({ vars: {}, origin }, undefined, 8448)).toEqual({ isNeeded: false, port: 0 });
});

test.each([
  [70_000, "is no port"],
  [-1, "is no port"],
  [80.5, "is no port"],
  ["80/tcp", "is no port"],
  [true, "is no port"],
  [8008, "is a port that the IM server has already"],
  [8448, "is a port that the IM server has already"],
] as const)("%j is refused", async (port, why) => {
  await expect(plan({ welcome_port: port })).rejects.toMatchObject({
    code: "config.invalid",
    message: `\`vars.welcome_port\` ${why}`,
    details: { origin, found: JSON.stringify(port) },
  });
});

async function filesOf(vars: Readonly<Record<string, unknown>>, tls?: object) {
  const items = await resolveShipped(factsOf("ubuntu-18.04.txt"), ["imserver"], vars, undefined, tls);
  return new Map(
    items.flatMap((item) => {
      if (item.kind !== "resource" || item.resource.type.type !== "file") return [];
      const { path, content } = item.resource.desired as { path: string; content: unknown };
      return [[path, content] as const];
    }),
  );
}
const UNIT = "/etc/systemd/system/imcloud-server.service";
const AUTHORITY = "/etc/imcloud/tls/authority.pem";
const welcomeIn = (files: ReadonlyMap<string, unknown>) =>
  ServerConfig.parse(JSON.parse(String(files.get("/etc/imcloud/server.json")))).welcome;

test("the board gets the authority's certificate, and the one capability that its port needs", async () => {
  const files = await filesOf({});
  expect(files.get(AUTHORITY)).toBe("CA\n");
  expect(welcomeIn(files)).toEqual({
    authorityFile: AUTHORITY,
    listener: { address: "0.0.0.0", port: 80 },
  });
  expect(String(files.get(UNIT)).match(/^.*Capabilit.*$/gm)).toEqual([
    "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
  ]);
});

test("a port above 1023 needs none; without a port the page is on the clients' one alone", async () => {
  for (const [welcome_port, listener] of [
    [8080, { address: "0.0.0.0", port: 8080 }],
    ["none", undefined],
  ] as const) {
    const files = await filesOf({ welcome_port });
    expect(welcomeIn(files)).toEqual({ authorityFile: AUTHORITY, ...(listener && { listener }) });
    expect(String(files.get(UNIT)).match(/^.*Capabilit.*$/gm)).toEqual(["CapabilityBoundingSet="]);
  }
  // The clients' own port may be one of them, too.
  expect(String((await filesOf({ port: 443, welcome_port: "none" })).get(UNIT))).toContain(
    "\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n",
  );
});

test("behind a proxy there is nothing of it", async () => {
  const proxy = await readTls({ proxy: {} }, "/nonexistent", origin);
  const files = await filesOf({}, proxy);
  expect([files.has(AUTHORITY), welcomeIn(files)]).toEqual([false, undefined]);
});
