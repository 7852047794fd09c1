/** Registration files of bridges and bots, from beside imcloud.yaml to the board. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAppServices } from "../../../src/config/app-services.js";
import { readConfig } from "../../../src/config/load.js";
import { loadSecrets } from "../../../src/config/secrets.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { resolverOf } from "../../../src/fleet/resolver.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { Secret } from "../../../src/shared/secret.js";
import { factsOf } from "../playbook/shipped.js";

const REGISTRATION = `id: irc
url: http://localhost:9999
as_token: canary-as
hs_token: canary-hs
sender_localpart: ircbot
namespaces: { users: [{ exclusive: true, regex: "@irc_.*" }] }
`;
const ORIGIN = { file: "imcloud.yaml", line: 4, key: "boards.attic" };
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-services-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("they reach the board as secrets, and the server's configuration names them", async () => {
  await writeFile(join(folder, "irc.yaml"), REGISTRATION);
  const text =
    "version: 1\ncloud: { name: home }\nboards:\n  attic: { playbooks: [imserver], vars: { app_services: [irc.yaml] } }\n";
  const config = readConfig(parseYaml(text, join(folder, "imcloud.yaml")));
  const [board] = config.boards;
  if (board === undefined) throw new Error("no board");
  const resolve = resolverOf({
    ...{ config, board, secrets: await loadSecrets(config, {}), workspace: workspaceAt(folder) },
    ...{ fetching: () => undefined, onlyLooking: true },
  });
  const items = (await resolve(factsOf("raspios-bookworm.txt"))).flatMap((item) =>
    item.kind === "resource" ? [item.resource] : [],
  );
  const contentOf = (path: string) =>
    items
      .map(({ desired }) => desired as { path?: string; content?: unknown })
      .find((one) => one.path === path)?.content;
  const content = contentOf("/etc/imcloud/app-services/irc.yaml");
  expect(content).toBeInstanceOf(Secret);
  expect((content as Secret).reveal()).toBe(REGISTRATION);
  const server = JSON.parse(String(contentOf("/etc/imcloud/server.json"))) as { appServices: unknown };
  expect(server.appServices).toEqual({ files: ["/etc/imcloud/app-services/irc.yaml"] });
  expect(JSON.stringify(items)).not.toContain("canary");
});

test.each([
  ["no list", "irc.yaml", "", "config.invalid"],
  ["a file that is not there", ["none.yaml"], "", "config.unreadable"],
  ["a file that is no YAML", ["one.yaml"], "as_token: [canary-as", "config.syntax"],
  ["a registration without its tokens", ["one.yaml"], "id: one\nhs_token: canary-hs\n", "config.invalid"],
  [
    "one with an address of another kind",
    ["one.yaml"],
    REGISTRATION.replace("http:", "ftp:"),
    "config.invalid",
  ],
  ["two files of one name", ["one.yaml", "./one.yaml"], REGISTRATION, "config.invalid"],
  ["a name that no file should have", [" one.yaml"], REGISTRATION, "config.invalid"],
])("%s is refused, and no token shown", async (_what, paths, content, code) => {
  await writeFile(join(folder, "one.yaml"), content);
  await writeFile(join(folder, " one.yaml"), content);
  const error = await readAppServices(paths, folder, ORIGIN).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ImcloudError);
  expect(error).toMatchObject({ code });
  expect(JSON.stringify([(error as ImcloudError).message, (error as ImcloudError).details])).not.toContain(
    "canary",
  );
});
