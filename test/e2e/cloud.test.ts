/**
 * The whole way, on a bare board: plan, apply, nothing left to do, people chat, a broker's listener hears all of it.
 */
import { createHash, X509Certificate } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareManifests } from "../../src/lab/manifest.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { amqpListener, onBoard } from "./amqp-listener.js";
import { secretOf, twoPeopleChat } from "./chat.js";
import { operator, type Operator } from "./operator.js";
import { settledFiles } from "./wishes.js";

/** More than the shipped playbooks need would mean that somebody waits for somebody in vain. */
const MOST_WAVES = 4;

let board: VirtualBoard;
let home: Operator;
let bare: ReadonlySet<string>;
beforeAll(async () => {
  board = await virtualBoard("pi-1");
  bare = new Set(settledFiles(await board.manifest()));
  home = await operator({ boards: [board] });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

interface Finding {
  readonly check: string;
  readonly verdict: string;
}

/** What a command's JSON says of the board. */
const findingsIn = (json: Readonly<Record<string, unknown>>): readonly Finding[] =>
  (json["boards"] as Readonly<Record<string, { findings: Finding[] }>>)["pi-1"]?.findings ?? [];

interface Invitation {
  readonly token: string;
  readonly link: string;
  readonly address: string;
  readonly fingerprint: string;
}

interface BoardReport {
  readonly outcome: string;
  readonly waves: readonly unknown[];
  readonly execs: number;
}

describe("a bare board", () => {
  test("`plan` shows what would change, and changes nothing", async () => {
    const before = await board.manifest();
    const plan = await home.imcloud("plan");
    expect(plan.exitCode).toBe(2);
    expect(plan.stdout).toContain("package:rabbitmq-server");
    expect(compareManifests(before, await board.manifest())).toEqual([]);
  });

  test("`apply` brings everything up in few waves, and the second one has nothing to do", async () => {
    const first = await home.imcloud("apply", "--yes", "--json");
    expect(first.exitCode, first.stderr).toBe(0);
    const report = (run: typeof first) => (run.json["boards"] as Record<string, BoardReport>)["pi-1"];
    expect(report(first)?.outcome).toBe("changed");
    expect(report(first)?.waves.length).toBeLessThanOrEqual(MOST_WAVES);

    const second = await home.imcloud("apply", "--yes", "--json");
    expect(report(second)).toMatchObject({ outcome: "unchanged", execs: 1 });
    expect((await home.imcloud("plan")).exitCode).toBe(0);

    const health = await home.imcloud("health", "--json");
    const findings = findingsIn(health.json);
    // A virtual board has its machine's load.
    const own = findings.filter(({ check }) => check !== "load");
    expect(own.filter(({ verdict }) => verdict === "critical" || verdict === "unknown")).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(["rabbitmq-port", "rabbitmq-alarms", "imserver", "welcome", "certificate"]),
    );
    expect(findings.find(({ check }) => check === "welcome")?.verdict).toBe("ok");
  });

  test("only SSH and the IM server answer to the network", async () => {
    const listening = await board.sh("ss -Hltn | awk '{ print $4 }' | grep -v '^127\\.' | sort -u");
    expect(listening.split("\n").toSorted()).toEqual(
      ["0.0.0.0:22", "0.0.0.0:80", "0.0.0.0:8448", "[::]:22"].toSorted(),
    );
  });

  test("who holds an invitation learns to trust the server, and comes in", async () => {
    const run = await home.imcloud("invite", "--json");
    expect(run.exitCode, run.stderr).toBe(0);
    const invitation = run.json as unknown as Invitation;
    expect(invitation).toMatchObject({
      version: 1,
      link: `http://${board.address}/welcome#/join/${invitation.token}`,
      address: `https://${board.address}:8448/`,
      uses: 1,
    });

    // All that a device has is the link. What it finds there is enough to trust the server, and nothing else is.
    const page = await request(invitation.link);
    expect([page.statusCode, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.body.text()).toContain(`href="${invitation.address}"`);
    const der = Buffer.from(
      await (await request(`http://${board.address}/welcome/ca.crt`)).body.arrayBuffer(),
    );
    expect(createHash("sha256").update(der).digest("hex").toUpperCase()).toBe(
      invitation.fingerprint.replaceAll(" ", ""),
    );
    expect((await request(`http://${board.address}/_matrix/client/versions`)).statusCode).toBe(404);
    await expect(request(invitation.address)).rejects.toThrow(/certificate/);
    const ca = new X509Certificate(der).toString();
    const dispatcher = new Agent({ connect: { ca } });
    expect((await request(invitation.address, { dispatcher })).statusCode).toBe(200);

    const register = (username: string) =>
      request(`${invitation.address}_matrix/client/v3/register`, {
        ...{ dispatcher, method: "POST" },
        body: JSON.stringify({
          ...{ username, password: "a-long-password" },
          auth: { type: "m.login.registration_token", token: invitation.token },
        }),
      });
    const grace = await register("grace");
    expect(await grace.body.json()).toMatchObject({ user_id: "@grace:test.home.arpa" });
    expect((await register("heidi")).statusCode).not.toBe(200);
    await dispatcher.close();

    // The token was handed out, and is nowhere else: neither here nor there.
    expect(await home.tracesOf(invitation.token)).toEqual(["output:invite --json"]);
  });

  test("another program on the welcome page's port is told of, and people chat on", async () => {
    const squat = `use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 1, ReuseAddr => 1) or die; sleep`;
    await board.sh(`systemctl stop imcloud-server
systemd-run -q --unit squatter perl -e '${squat}'
until ss -Hltn | grep -q ':80 '; do sleep 0.1; done
systemctl start imcloud-server`);
    const verdicts = async () => {
      const { json } = await home.imcloud("health", "--json");
      const findings = findingsIn(json);
      return findings.filter(({ check }) => ["imserver", "welcome"].includes(check));
    };
    expect(await verdicts()).toMatchObject([
      { check: "imserver", verdict: "ok" },
      {
        check: "welcome",
        verdict: "warning",
        summary: "port 80 for the welcome page: another program has it",
      },
    ]);
    const invited = await home.imcloud("invite");
    expect(invited.stdout).toContain(`https://${board.address}:8448/#/join/`);
    expect(invited.stderr).toContain("another program has it");
    await board.sh("systemctl stop squatter; systemctl restart imcloud-server");
    expect((await verdicts()).map(({ verdict }) => verdict)).toEqual(["ok", "ok"]);
  });

  test("the network reaches no broker, not even by its command line while that runs", async () => {
    await board.sh(`systemd-run -q --unit asking rabbitmqctl eval 'timer:sleep(60000).'
until ss -Hltn | grep -q ':3567[0-9] '; do sleep 0.1; done`);
    const audit = await home.imcloud("audit", "--json");
    await board.sh("systemctl stop asking");
    const findings = findingsIn(audit.json);
    expect(findings.filter(({ check }) => ["ports", "sandbox"].includes(check))).toMatchObject([
      { check: "ports", verdict: "ok" },
      { check: "sandbox", verdict: "ok" },
    ]);
  });

  test("two people chat through it over TLS, and the broker hears every event", async () => {
    const listener = await amqpListener(await onBoard(board), {
      AMQP_PASSWORD: await secretOf(home, "amqp_password"),
    });
    const { seen, sent } = await twoPeopleChat(board, home);
    expect(seen).toContain("dinner is ready");
    expect(sent).toHaveLength(2);
    await listener.until((events) => sent.every((id) => events.some(({ event }) => event.event_id === id)));
    // Create, joins, power levels, name: everything that happened in the room, in its order.
    const types = listener.events.map(({ event }) => event.type);
    expect(types.slice(0, 2)).toEqual(["m.room.create", "m.room.member"]);
    expect(types.filter((type) => type === "m.room.message")).toHaveLength(2);
    await listener.stop();
  });

  test("a backup comes here while it serves, and goes back; half of one does not", async () => {
    const saved = await home.imcloud("backup", "cloud.tar", "--json");
    expect(saved.exitCode, saved.stderr).toBe(0);
    expect(saved.json).toMatchObject({ file: join(home.folder, "cloud.tar"), media: 1 });
    expect((await stat(join(home.folder, "cloud.tar"))).mode & 0o777).toBe(0o600);
    const again = await home.imcloud("backup", "cloud.tar");
    expect([again.exitCode, again.stderr]).toEqual([64, expect.stringContaining("is there already")]);

    const accounts = (await home.imcloud("user", "list", "--json")).json["users"];
    expect((await home.imcloud("user", "add", "late", "--generate")).exitCode).toBe(0);
    const kept = await home.imcloud("restore", "cloud.tar", "--yes");
    expect([kept.exitCode, kept.stderr]).toEqual([4, expect.stringContaining("say --replace")]);
    expect(await board.sh("systemctl is-active imcloud-server")).toBe("active");

    const whole = await readFile(join(home.folder, "cloud.tar"));
    await writeFile(join(home.folder, "half.tar"), whole.subarray(0, whole.length / 2));
    const half = await home.imcloud("restore", "half.tar", "--replace", "--yes");
    expect([half.exitCode, half.stderr]).toEqual([65, expect.stringContaining("or not all of one")]);

    const back = await home.imcloud("restore", "cloud.tar", "--replace", "--yes");
    expect([back.exitCode, back.stderr]).toEqual([0, expect.stringContaining("brought back")]);
    expect((await home.imcloud("user", "list", "--json")).json["users"]).toEqual(accounts);
    expect(await board.sh("imcloud-server probe --json")).toContain('"ok":true');
  });

  test("after a reboot everything is there again, and there is nothing to do", async () => {
    await board.reboot();
    await board.sh("systemctl start multi-user.target");
    const plan = await home.imcloud("plan");
    expect([plan.stdout, plan.exitCode]).toEqual([expect.stringContaining("nothing to change"), 0]);
    expect(await board.sh("systemctl is-active rabbitmq-server imcloud-server")).toBe("active\nactive");
    expect(await board.sh("imcloud-server probe --json")).toContain('"ok":true');
  });

  test("a change that makes the server ill goes back by itself", async () => {
    const config = await home.read("imcloud.yaml");
    await home.write("playbooks/harm.yaml", HARM);
    await home.write("imcloud.yaml", `${config}\nplaybooks: [base, tuning, rabbitmq, imserver, harm]\n`);
    const harmed = await home.imcloud("apply", "--yes");
    expect(harmed.exitCode).toBe(4);
    expect(harmed.stderr).toContain("error[engine.reverted]");
    expect(await board.sh("imcloud-server probe --json")).toContain('"ok":true');
    expect((await home.imcloud("health")).stdout).toContain("IM server");
    await home.write("imcloud.yaml", config);
  });

  test("`destroy` leaves nothing of imcloud's behind", async () => {
    const refused = await home.imcloud("destroy", "pi-1");
    expect(refused.exitCode, refused.stderr).toBe(64);
    const destroyed = await home.imcloud("destroy", "pi-1", "--yes", "pi-1", "--purge-data");
    expect(destroyed.exitCode, destroyed.stderr).toBe(0);
    // Debian's packages leave their accounts behind when they go.
    const accounts = /^[0-9a-f]{64} {2}\/etc\/(passwd|shadow|group|gshadow)$/;
    const left = settledFiles(await board.manifest()).filter((row) => !bare.has(row) && !accounts.test(row));
    expect(left).toEqual([]);
    expect(await board.sh("getent passwd imcloud || :; cat /proc/sys/net/ipv4/tcp_keepalive_time")).toBe(
      "7200",
    );
    expect(
      await board.sh(
        "systemctl list-unit-files 'imcloud*' 'rabbitmq*' --no-legend | grep -v imcloud-lab || :",
      ),
    ).toBe("");
  });
});

/** It starts, says so and listens, and is no IM server. */
const HARM = `
description: A server that is none
tasks:
  - file:
      path: /etc/systemd/system/imcloud-server.service.d/harm.conf
      content: |
        [Service]
        Type=simple
        WatchdogSec=0
        ExecStart=
        ExecStart=/opt/imcloud/bun -e "Bun.serve({ port: 8448, fetch: () => new Response('no') })"
      notifies: [imcloud-server.service]
`;
