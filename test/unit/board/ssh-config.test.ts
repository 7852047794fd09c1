import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readSurroundings, resolveTarget, type SshSurroundings } from "../../../src/board/ssh-config.js";

const around = (config: string): SshSurroundings => ({
  home: "/home/ada",
  localUser: "ada",
  config,
  agent: "/run/agent",
  ownIdentities: [],
});
const resolve = (config: string, asked: Partial<Parameters<typeof resolveTarget>[0]> = {}) =>
  resolveTarget({ board: "attic", address: "attic", ...asked }, around(config));

test("nothing said anywhere: ssh's own defaults", () => {
  expect(resolve("")).toEqual({
    board: "attic",
    address: "attic",
    port: 22,
    user: "ada",
    identityFiles: ["/home/ada/.ssh/id_rsa", "/home/ada/.ssh/id_ecdsa", "/home/ada/.ssh/id_ed25519"],
    identitiesOnly: false,
    agent: "/run/agent",
    knownHostsFiles: ["/home/ada/.ssh/known_hosts", "/home/ada/.ssh/known_hosts2"],
    jumps: [],
    pinnedHostKeys: [],
  });
});

test("what ~/.ssh/config says is used", () => {
  const target = resolve(`
    Host attic
      HostName 192.168.1.23
      Port 2222
      User pi
      IdentityFile ~/.ssh/boards_%r
      IdentitiesOnly yes
      IdentityAgent none
      UserKnownHostsFile ~/boards/known_hosts`);
  expect(target).toMatchObject({
    address: "192.168.1.23",
    port: 2222,
    user: "pi",
    identityFiles: ["/home/ada/.ssh/boards_pi"],
    identitiesOnly: true,
    agent: "",
    knownHostsFiles: ["/home/ada/boards/known_hosts"],
  });
});

test("imcloud.yaml wins over ~/.ssh/config, first value over later ones, keywords in any case", () => {
  const config =
    "host attic\n  user pi\n  PORT 2222\nHost *\n  User nobody\n  Port 3333\n  HostName %h.home.arpa\n";
  expect(resolve(config, { port: 22 })).toMatchObject({ user: "pi", port: 22, address: "attic.home.arpa" });
  expect(resolve(config, { user: "ubuntu" })).toMatchObject({ user: "ubuntu", port: 2222 });
});

test("jump hosts: several, each with its own settings", () => {
  const config =
    "Host gate\n  HostName gate.example.org\n  User guard\nHost attic\n  ProxyJump gate,root@[fe80::1]:2200\n";
  expect(resolve(config).jumps).toMatchObject([
    { address: "gate.example.org", user: "guard", port: 22 },
    { address: "fe80::1", user: "root", port: 2200 },
  ]);
  expect(resolve(config).proxyJump).toBe("gate,root@[fe80::1]:2200");
  expect(resolve(config, { jump: "none" }).jumps).toEqual([]);
  expect(resolve(config, { jump: "none" })).not.toHaveProperty("proxyJump");
  expect(resolve(config, { jump: "gate" }).jumps).toHaveLength(1);
});

test("Match exec starts nothing", () => {
  expect(resolve('Match exec "touch /tmp/imcloud-was-here"\n  User intruder\n').user).toBe("ada");
});

test("behind an Include goes on what was before it", () => {
  const home = mkdtempSync(join(tmpdir(), "imcloud-ssh-"));
  vi.stubEnv("HOME", home);
  mkdirSync(join(home, ".ssh", "config.d"), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(home, ".ssh", name), text);
  write("config", "Include config.d/*\nPort 2022\nHost attic\n  Include inner\n  User ada\n");
  write("config.d/one", "Host shed\n  User root\n");
  write("config.d/two", "Host barn\n  User admin");
  write("inner", "IdentitiesOnly yes\n");
  const { config } = readSurroundings();
  const target = (address: string) => {
    const { user, port, identitiesOnly } = resolve(config, { address, fallbackUser: "pi" });
    return [user, port, identitiesOnly];
  };
  expect(target("shed")).toEqual(["root", 2022, false]);
  expect(target("barn")).toEqual(["admin", 2022, false]);
  expect(target("attic")).toEqual(["ada", 2022, true]);
  expect(target("other")).toEqual(["pi", 2022, false]);
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});
