import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { baseUrlOf } from "../../../src/fleet/resolver.js";

const ADDRESSES = ["192.168.1.5", "fd00::5"];

test.each([
  ["an address of the home network", "{ address: 192.168.1.23 }", ADDRESSES, "https://192.168.1.23:8448"],
  ["an IPv6 address", "{ address: 'fd00::5' }", ADDRESSES, "https://[fd00::5]:8448"],
  ["one of a cable's own", "{ address: 'fe80::5%eth0' }", ADDRESSES, "https://192.168.1.5:8448"],
  ["a name of mDNS", "{ address: shed.local }", ADDRESSES, "https://shed.local:8448"],
  [
    "a name below the server's",
    "{ address: attic.kitchen.example.org }",
    ADDRESSES,
    "https://attic.kitchen.example.org:8448",
  ],
  ["a name that only ~/.ssh/config knows", "", ADDRESSES, "https://192.168.1.5:8448"],
  ["a name of the router's", "{ address: pi.lan }", ADDRESSES, "https://192.168.1.5:8448"],
  ["such a name, before the board was asked", "{ address: pi.lan }", [], "https://pi.lan:8448"],
  ["this machine", "{ transport: local }", ADDRESSES, "https://192.168.1.5:8448"],
  ["this machine without a network", "{ transport: local }", [], "https://localhost:8448"],
  [
    "what a variable says",
    "{ address: pi.lan, vars: { base_url: 'https://chat.example.org' } }",
    ADDRESSES,
    "https://chat.example.org",
  ],
  ["another port", "{ address: 10.0.0.1, vars: { port: 443 } }", ADDRESSES, "https://10.0.0.1:443"],
])("clients find the server: %s", (_title, board, addresses, url) => {
  const text = `version: 1\ncloud: { name: kitchen, serverName: kitchen.example.org }\nboards:\n  attic: ${board}\n`;
  const config = readConfig(parseYaml(text, "imcloud.yaml"));
  const [attic] = config.boards;
  if (attic === undefined) throw new Error("no board");
  expect(baseUrlOf(config, attic, addresses)).toBe(url);
});
