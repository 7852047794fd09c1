import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";

const read = (text: string, environment = {}) =>
  readConfig(parseYaml(text, "/clouds/home/imcloud.yaml"), environment);

test("the least that works", () => {
  expect(read("version: 1\ncloud: { name: home }\nboards: { attic: }")).toEqual({
    file: "/clouds/home/imcloud.yaml",
    folder: "/clouds/home",
    cloud: { name: "home", serverName: "home.home.arpa", broker: "rabbitmq" },
    kafka: {},
    boards: [
      {
        name: "attic",
        transport: "ssh",
        address: "attic",
        fallbackUser: "pi",
        hostKeys: [],
        tags: [],
        groups: [],
        playbooks: ["base", "tuning", "rabbitmq", "imserver"],
        vars: {},
        firstBoot: {},
        origin: { file: "/clouds/home/imcloud.yaml", line: 3, column: 11, key: "boards.attic" },
      },
    ],
    groups: [],
    secretsFile: "/clouds/home/imcloud.secrets.yaml",
    secretSources: {},
  });
});

const LAYERS = `
version: 1
cloud: { name: home }
defaults: { user: ubuntu, port: 2222, tags: [all] }
vars: { a: top, b: top, c: top, d: top }
groups:
  first: { boards: [attic], vars: { b: first, c: first, d: first } }
  second: { vars: { c: second, d: second } }
boards:
  attic: { groups: [second], port: 22, tags: [ssd], vars: { d: own }, playbooks: [base] }
  here: { transport: local }
`;

test("a board's word wins over its groups', a group's over the top level's, and a later group's over an earlier one's", () => {
  const [attic, here] = read(LAYERS).boards;
  expect(attic).toMatchObject({
    vars: { a: "top", b: "first", c: "second", d: "own" },
    groups: ["first", "second"],
    tags: ["all", "ssd"],
    user: "ubuntu",
    port: 22,
    playbooks: ["base"],
  });
  expect(here).toMatchObject({ transport: "local", address: "localhost", port: 2222, vars: { d: "top" } });
});

test("the environment wins over the file", () => {
  const fingerprint = `SHA256:${"a".repeat(43)}`;
  const environment = {
    IMCLOUD_SSH_USER: "ci",
    IMCLOUD_SSH_PORT: "2022",
    IMCLOUD_SSH_KEY_FILE: "/run/key",
    IMCLOUD_HOST_KEY: fingerprint,
  };
  expect(read(LAYERS, environment).boards[0]).toMatchObject({
    user: "ci",
    port: 2022,
    identityFile: "/run/key",
    hostKeys: [fingerprint],
  });
});

test("a private key is looked for beside imcloud.yaml, or where the job runs", () => {
  const { boards } = readConfig(
    parseYaml(
      "version: 1\ncloud: { name: home }\nboards: { a: , b: { identityFile: ~/.ssh/b } }\ndefaults: { identityFile: keys/a }",
      "/srv/cloud/imcloud.yaml",
    ),
  );
  expect(boards.map(({ identityFile }) => identityFile)).toEqual(["/srv/cloud/keys/a", "~/.ssh/b"]);
  expect(read(LAYERS, { IMCLOUD_SSH_KEY_FILE: "./key" }).boards[0]?.identityFile).toBe(
    join(process.cwd(), "key"),
  );
});

test.each(["ssh", "0", "65536", "99999"])(
  "a port in the environment is checked as one in the file is: %s",
  (port) => {
    expect(() => read(LAYERS, { IMCLOUD_SSH_PORT: port })).toThrow(
      "`IMCLOUD_SSH_PORT` is not what is allowed there",
    );
  },
);

test("settings of the first boot are overlaid one by one, and whoever they make is who logs in", () => {
  const { boards } = readConfig(
    parseYaml(
      `version: 1
cloud: { name: home }
firstBoot: { user: ada, keyboard: de, wifi: { ssid: top, country: DE } }
groups:
  class: { boards: [attic], firstBoot: { keyboard: gb, timezone: Europe/London } }
boards:
  attic: { firstBoot: { wifi: { ssid: own, country: GB, hidden: true } } }
  cellar: { user: grace }
`,
      "imcloud.yaml",
    ),
  );
  const [attic, cellar] = boards;
  expect(attic?.firstBoot).toEqual({
    user: "ada",
    keyboard: "gb",
    timezone: "Europe/London",
    wifi: { ssid: "own", country: "GB", hidden: true, password: "wifi_password", security: "wpa2" },
  });
  expect([attic?.user, attic?.fallbackUser]).toEqual([undefined, "ada"]);
  expect([cellar?.user, cellar?.firstBoot.keyboard]).toEqual(["grace", "de"]);
});

test("the broker's playbook is among the defaults; without a broker there is none", () => {
  const playbooks = (broker: string) =>
    read(`version: 1\ncloud: { name: home, broker: ${broker} }\nboards: { attic: }`).boards[0]?.playbooks;
  expect(playbooks("rabbitmq")).toEqual(["base", "tuning", "rabbitmq", "imserver"]);
  expect(playbooks("none")).toEqual(["base", "tuning", "imserver"]);
});
