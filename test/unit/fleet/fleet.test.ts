import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { mergeDiscovered, parseArpTable } from "../../../src/fleet/discovery.js";
import { eachBoard } from "../../../src/fleet/each-board.js";
import { failureCode } from "../../../src/fleet/failure-code.js";
import { loginsFrom } from "../../../src/fleet/logins.js";
import { ImcloudError, type ErrorCode } from "../../../src/shared/errors.js";
import { Secret } from "../../../src/shared/secret.js";

const error = (code: ErrorCode) => new ImcloudError(code, "it failed", { hint: "mend it" });

test("one cause for all failed boards is the exit code; several are 1", () => {
  expect(failureCode([])).toBeUndefined();
  expect(failureCode([error("board.unreachable"), error("board.lost")])).toBe(69);
  expect(failureCode([error("board.unreachable"), error("board.login-refused")])).toBe(1);
  expect(failureCode([new Error("a bug")])).toBe(1);
});

test("boards in parallel, no more than allowed; one that fails stops no other", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `b${index}`);
  const { boards } = readConfig(
    parseYaml(
      `version: 1\ncloud: { name: home }\nboards: {${names.map((name) => `${name}: `).join(",")}}`,
      "imcloud.yaml",
    ),
  );
  let running = 0;
  let most = 0;
  const outcomes = await eachBoard(boards, 4, async ({ name }) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (name === "b7") throw error("board.unreachable");
    return name;
  });
  expect(most).toBe(4);
  expect(outcomes.map(({ board }) => board.name)).toEqual(names);
  expect(outcomes.filter(({ ok }) => !ok).map(({ board }) => board.name)).toEqual(["b7"]);
});

test("neighbours that are Raspberry Pis, by their network cards", () => {
  const table = `IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         60:8d:26:11:22:33     *        eth0
192.168.1.23     0x1         0x2         dc:a6:32:aa:bb:cc     *        eth0
192.168.1.24     0x1         0x0         b8:27:eb:00:00:00     *        eth0
192.168.1.25     0x1         0x2         B8:27:EB:01:02:03     *        wlan0
`;
  expect(parseArpTable(table)).toEqual(["192.168.1.23", "192.168.1.25"]);
  expect(parseArpTable("")).toEqual([]);
});

test("found boards: Raspberry Pis first, each once", () => {
  const announced = new Map([
    ["192.168.1.30", "nas"],
    ["192.168.1.23", "attic"],
    ["192.168.1.40", "raspberrypi"],
  ]);
  expect(mergeDiscovered(announced, ["192.168.1.23", "192.168.1.25"])).toEqual([
    { address: "192.168.1.25", name: "", isRaspberryPi: true },
    { address: "192.168.1.23", name: "attic", isRaspberryPi: true },
    { address: "192.168.1.40", name: "raspberrypi", isRaspberryPi: true },
    { address: "192.168.1.30", name: "nas", isRaspberryPi: false },
  ]);
});

test("a password is asked for once, however many boards want it, and only where somebody may ask", async () => {
  const questions: string[] = [];
  const asker = {
    secret: (question: string) => {
      questions.push(question);
      return Promise.resolve(new Secret("open sesame"));
    },
  };
  const secrets = { get: () => undefined, require: () => new Secret(""), all: () => [] };
  const logins = loginsFrom(secrets, asker, {});
  expect(await logins.sudoPassword("pi", false)).toBeUndefined();
  const answers = await Promise.all([1, 2, 3].map(() => logins.sudoPassword("pi", true)));
  expect(answers.map((answer) => answer?.reveal())).toEqual(Array(3).fill("open sesame"));
  expect((await logins.sudoPassword("pi", false))?.reveal()).toBe("open sesame");
  expect(questions).toEqual(["sudo password of pi"]);
  expect(await loginsFrom(secrets, undefined, {}).sshPassword("pi", true)).toBeUndefined();
});

test("the environment answers before anybody is asked, and before the secrets file", async () => {
  const secrets = {
    get: (name: string) => new Secret(`file ${name}`),
    require: () => new Secret(""),
    all: () => [],
  };
  const logins = loginsFrom(secrets, undefined, { IMCLOUD_SUDO_PASSWORD: "environment" });
  expect((await logins.sudoPassword("pi", false))?.reveal()).toBe("environment");
  expect((await logins.sshPassword("pi", false))?.reveal()).toBe("file ssh_password");
});
