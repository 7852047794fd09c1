import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addSecrets, generateSecret, loadSecrets } from "../../../src/config/secrets.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { Secret } from "../../../src/shared/secret.js";

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-secrets-"));
  file = join(folder, "imcloud.secrets.yaml");
});
afterEach(() => rm(folder, { recursive: true }));

const load = (secretSources = {}, environment = {}) =>
  loadSecrets({ secretsFile: file, secretSources }, environment);
const write = (text: string) => writeFile(file, text, { mode: 0o600 });

test("the environment wins over imcloud.yaml, which wins over the file", async () => {
  await write("one: file\ntwo: file\nthree: file\n");
  const sources = { two: { command: ["echo", "program"] }, three: { command: ["echo", "program"] } };
  const secrets = await load(sources, { IMCLOUD_SECRET_THREE: "environment" });
  expect(["one", "two", "three"].map((name) => secrets.get(name)?.reveal())).toEqual([
    "file",
    "program",
    "environment",
  ]);
  expect(secrets.get("four")).toBeUndefined();
});

test("a program's first line is the secret; the file may name programs and variables too", async () => {
  await write("one: { command: [printf, 'first\\r\\nsecond\\r\\n'] }\ntwo: { env: VAULT }\n");
  const secrets = await load({}, { VAULT: "from the vault" });
  expect([secrets.get("one")?.reveal(), secrets.get("two")?.reveal()]).toEqual(["first", "from the vault"]);
});

test("without a file there are the other places", async () => {
  expect((await load({}, { IMCLOUD_SECRET_ONE: "x" })).get("one")?.reveal()).toBe("x");
});

test("a file that others may read is refused", async () => {
  await write("one: file\n");
  await chmod(file, 0o640);
  await expect(load()).rejects.toMatchObject({
    code: "config.invalid",
    details: {
      found: "mode 0640",
      expected: "mode 0600",
      hint: expect.stringContaining("chmod 600") as string,
    },
  });
});

test.each([
  ["a program that is not there", { command: ["imcloud-no-such-program"] }, "could not be started (ENOENT)"],
  ["a program that fails", { command: ["sh", "-c", "echo canary; exit 3"] }, "ended with exit code 3"],
  ["a program that prints nothing", { command: ["true"] }, "printed nothing"],
  ["a variable that is not set", { env: "IMCLOUD_NO_SUCH" }, "is not set"],
])("%s", async (_title, source, found) => {
  const error: unknown = await load({ one: source }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "config.secret-missing",
    details: { found: expect.stringContaining(found) as string },
  });
  expect(inspect(error, { depth: 9 })).not.toContain("canary\\n");
});

test("a missing secret says where it may come from", async () => {
  const secrets = await load();
  expect(() => secrets.require("admin_password")).toThrow(ImcloudError);
  expect(() => secrets.require("admin_password")).toThrow(
    "the secret `admin_password` is needed and not to be had",
  );
});

test("a mistake in the secrets file is explained without its values", async () => {
  await write("one: [canary]\n");
  const error: unknown = await load().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "config.invalid", details: { found: "a list" } });
  expect(inspect(error, { depth: 9 })).not.toContain("canary");
});

test.each([
  ["a sign", "one: @canary\n", "a value that begins with a sign needs quotes"],
  ["a star", "one: *canary\n", "a value that begins with `*` needs quotes"],
  ["an exclamation mark", "one: !canary x\n", "a value that begins with `!` needs quotes"],
  ["an open quote", 'one: "canary', "a quote or bracket is not closed"],
  ["a colon", "one: canary: two\n", "it cannot be read beyond this place"],
])("a value with %s that YAML does not take is not shown either", async (_title, text, problem) => {
  await write(text);
  const error: unknown = await load().catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "config.syntax",
    message: `\`${file}\` is not well-formed YAML: ${problem}`,
    details: { origin: { line: 1 } },
  });
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
});

test("a variable that is there and empty gives no secret", async () => {
  await write("one: file\n");
  expect((await load({}, { IMCLOUD_SECRET_ONE: "" })).get("one")?.reveal()).toBe("file");
});

test("added secrets: the rest of the file stays, and nobody else may read it", async () => {
  await write("# from our vault\nold: value # rotated in May\n");
  await addSecrets(file, new Map([["new_one", new Secret('it\'s: "quoted" #1')]]));
  expect(await readFile(file, "utf8")).toContain("# from our vault\nold: value # rotated in May\n");
  expect((await load()).get("new_one")?.reveal()).toBe('it\'s: "quoted" #1');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("a new file", async () => {
  await addSecrets(file, new Map([["one", generateSecret()]]));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await load()).get("one")?.reveal()).toMatch(/^[\w-]{32}$/);
});
