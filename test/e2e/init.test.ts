/**
 * `imcloud init` as a person has it: in a terminal, in an empty folder, with a board that knows them by password only.
 */
import { expect, test } from "vitest";
import { ACCOUNTS } from "../../src/lab/accounts.js";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { newcomerChats } from "./newcomer.js";
import { operator } from "./operator.js";

test("a few answers, and the cloud is up", async () => {
  await using board = await virtualBoard("raspberrypi", { user: "fresh" });
  await using home = await operator({ boards: [board], empty: true });
  const person = home.terminal(["init", "--address", board.address]);

  await person.see("User to log in as");
  person.type("fresh\r");
  await person.see("Name for the board");
  person.type("attic\r");
  // Whose key that is, only the person can tell.
  await person.see(board.fingerprint);
  await person.see("Is this your board?");
  person.type("\r");
  await person.see("password of fresh");
  person.type(`${ACCOUNTS.fresh.password}\r`);
  await person.see("Name of the cloud");
  person.type("loft\r");
  await person.see("can never change");
  await person.see("Permanent server name");
  person.type("\r");
  await person.see("Broker");
  person.type("\u001b[B\u001b[B\r"); // below RabbitMQ and Kafka: none
  await person.see("Name of the first account");
  person.type("ada\r");
  await person.see("Password for ada");
  person.type("\r"); // one is made
  await person.see("Apply these changes?");
  person.type("\r");

  expect(await person.exit, person.screen).toBe(0);
  expect(person.screen).toContain("@ada:loft.home.arpa");
  // And a link for the next person.
  expect(person.screen).toContain(`http://${board.address}/welcome#/join/`);
  expect(person.screen).not.toContain(ACCOUNTS.fresh.password);

  // What it wrote is enough for the next command, without a terminal and without the password.
  const plan = await home.imcloud("plan", "--json");
  expect(plan, plan.stderr).toMatchObject({ exitCode: 0 });
  expect(await home.read(".gitignore")).toContain("imcloud.secrets.yaml");
  expect(await board.sh("hostname")).toBe("attic");
});

test("flags alone, one document says what there is now, and whoever gets its link chats", async () => {
  await using board = await virtualBoard("raspberrypi");
  await using home = await operator({ boards: [board], empty: true });
  const where = ["--address", board.address, "--user", board.user, "--identity-file", board.sshKeyPath];
  const what = ["--host-key", board.fingerprint, "--board", "attic", "--name", "loft", "--broker", "none"];

  const run = await home.imcloud("init", ...where, ...what, "--admin", "ada", "--yes", "--json");

  expect(run, run.stderr).toMatchObject({
    exitCode: 0,
    json: {
      cloud: { name: "loft", serverName: "loft.home.arpa", broker: "none" },
      boards: { attic: { outcome: "changed" } },
      address: `https://${board.address}:8448`,
      account: "@ada:loft.home.arpa",
      invitation: {
        link: expect.stringMatching(`^http://${board.address}/welcome#/join/`) as string,
        uses: 1,
      },
    },
  });
  expect((await home.imcloud("plan")).exitCode).toBe(0);

  const { link } = run.json["invitation"] as { readonly link: string };
  const address = run.json["address"] as string;
  expect(await newcomerChats(home, { link, address, admin: "ada" })).toBe(true);
});
