import fc from "fast-check";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { Name } from "../../../src/config/schema.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { nameFrom, renderCloud, writeCloud, type NewCloud } from "../../../src/fleet/new-cloud.js";
import { Secret } from "../../../src/shared/secret.js";

const cloud: NewCloud = {
  name: "kitchen",
  serverName: "kitchen.home.arpa",
  broker: "rabbitmq",
  board: {
    name: "attic",
    transport: "ssh",
    address: "192.168.1.23",
    user: "pi",
    hostKey: `SHA256:${"a".repeat(43)}`,
  },
};

test("what init writes is what the configuration reads", () => {
  const config = readConfig(parseYaml(renderCloud(cloud), "imcloud.yaml"));
  expect(config.cloud).toEqual({ name: "kitchen", serverName: "kitchen.home.arpa", broker: "rabbitmq" });
  expect(config.boards).toMatchObject([
    { name: "attic", address: "192.168.1.23", user: "pi", hostKeys: [cloud.board.hostKey] },
  ]);
});

test("boards without internet install from a kit, before all else", () => {
  const text = renderCloud({ ...cloud, isOffline: true });
  expect(readConfig(parseYaml(text, "imcloud.yaml")).boards).toMatchObject([
    { name: "attic", playbooks: ["offline", "base", "tuning", "rabbitmq", "imserver"] },
  ]);
});

test("this machine as the board", () => {
  const text = renderCloud({ ...cloud, board: { name: "here", transport: "local", address: "localhost" } });
  expect(readConfig(parseYaml(text, "imcloud.yaml")).boards).toMatchObject([
    { name: "here", transport: "local" },
  ]);
});

test.each(["2026", "null", "true", "1e5", "0x1f"])("%s is a name, and stays one in the file", (name) => {
  const board = { name, transport: "ssh", address: "192.168.1.23" } as const;
  const text = renderCloud({ ...cloud, name, serverName: `${name}.home.arpa`, board });
  expect(readConfig(parseYaml(text, "imcloud.yaml"))).toMatchObject({
    cloud: { name, serverName: `${name}.home.arpa` },
    boards: [{ name, address: "192.168.1.23" }],
  });
});

test("any address, user and path survives the file", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  fc.assert(
    fc.property(text, text, text, (address, user, key) => {
      const identityFile = `~/${key}`;
      const written = renderCloud({
        ...cloud,
        board: { name: "attic", transport: "ssh", address, user, identityFile },
      });
      expect(readConfig(parseYaml(written, "imcloud.yaml")).boards).toMatchObject([
        { address, user, identityFile },
      ]);
    }),
    { examples: [["\u2028 ", " ", "a\u2029b"]] },
  );
});

test("any words give a name that is allowed", () => {
  expect(nameFrom("Ada's Küche 2", "home")).toBe("ada-s-ku-che-2");
  expect(nameFrom("日本", "home")).toBe("home");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (words) => {
      expect(Name.safeParse(nameFrom(words, "home")).success).toBe(true);
    }),
  );
});

test("three files; secrets are private, .gitignore keeps what was there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-new-"));
  await writeFile(join(folder, ".gitignore"), "node_modules/\n.imcloud/");
  const file = join(folder, "imcloud.yaml");
  await writeCloud(folder, file, cloud, new Map([["admin_password", new Secret("open sesame")]]));
  expect(await readFile(join(folder, ".gitignore"), "utf8")).toBe(
    "node_modules/\n.imcloud/\nimcloud.secrets.yaml\n",
  );
  expect((await stat(join(folder, "imcloud.secrets.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readFile(file, "utf8")).not.toContain("sesame");
  // A second init does not overwrite the first.
  await expect(writeCloud(folder, file, cloud, new Map())).rejects.toMatchObject({ code: "EEXIST" });
  await rm(folder, { recursive: true });
});
