/**
 * Who gets in, and to what: asked from outside, before and after.
 */
import { connect as connectTcp } from "node:net";
import { expect, test } from "vitest";
import { connectSsh } from "../../src/board/ssh-link.js";
import { ACCOUNTS } from "../../src/lab/accounts.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { ImcloudError } from "../../src/shared/errors.js";
import { Secret } from "../../src/shared/secret.js";
import { operator } from "./operator.js";

const PASSWORD = "fresh-password";
const UNASKED_PORT = 9999;
const IM_PORT = 8448;

/** Logs in by password alone. @returns `in`, or the code of the refusal */
async function byPassword(board: VirtualBoard): Promise<string> {
  try {
    const link = await connectSsh(
      {
        ...{ board: board.name, address: board.address, port: board.port, user: ACCOUNTS.fresh.name },
        ...{ identityFiles: [], identitiesOnly: true, agent: "", knownHostsFiles: [], jumps: [] },
        pinnedHostKeys: [board.fingerprint],
      },
      { hostKeys: { file: "/nonexistent", unknown: "refuse" }, password: new Secret(PASSWORD) },
    );
    await link.close();
    return "in";
  } catch (error) {
    if (error instanceof ImcloudError) return error.code;
    throw error;
  }
}

/** @returns `open`, or why not */
function knock(board: VirtualBoard, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: board.address, port, timeout: 5_000 });
    const end = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end("open"));
    socket.once("timeout", () => end("silence"));
    socket.once("error", ({ code = "" }: NodeJS.ErrnoException) => end(code));
  });
}

/** Listens on both ports, also after a reboot. */
const LISTEN = `
for port in ${UNASKED_PORT} ${IM_PORT}; do
  printf '[Socket]\\nListenStream=%s\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' "$port" >/etc/systemd/system/imtest-$port.socket
  printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/imtest-$port@.service
done
systemctl daemon-reload
systemctl enable -q --now imtest-${UNASKED_PORT}.socket imtest-${IM_PORT}.socket`;

test("hardened: by key alone, to the ports of its roles alone, also after a reboot; then as before", async () => {
  await using board = await virtualBoard("kitchen");
  await using home = await operator({ boards: [board], playbooks: ["hardening"] });
  await board.sh(LISTEN);
  expect([await byPassword(board), await knock(board, UNASKED_PORT), await knock(board, IM_PORT)]).toEqual([
    "in",
    "open",
    "open",
  ]);
  const before = await board.sh("sshd -T; nft list ruleset; ls /etc/ssh /etc/ssh/sshd_config.d");

  const applied = await home.imcloud("apply", "--yes");
  expect(applied.exitCode, applied.stderr).toBe(0);
  const asHardened = async () => {
    expect([await byPassword(board), await knock(board, UNASKED_PORT), await knock(board, IM_PORT)]).toEqual([
      "board.login-refused",
      "ECONNREFUSED",
      "open",
    ]);
    expect((await home.imcloud("plan")).exitCode).toBe(0);
  };
  await asHardened();
  await board.reboot();
  await asHardened();
  expect(
    await board.sh("sshd -t; imcloud-firewall rules | nft -c -f -; systemctl --failed --no-legend"),
  ).toBe("");

  const gone = await home.imcloud("destroy", "kitchen", "--yes", "kitchen");
  expect(gone.exitCode, gone.stderr).toBe(0);
  expect(await board.sh("sshd -T; nft list ruleset; ls /etc/ssh /etc/ssh/sshd_config.d")).toBe(before);
  expect([await byPassword(board), await knock(board, UNASKED_PORT)]).toEqual(["in", "open"]);
  expect(await board.sh("ls -d /var/lib/imcloud/confirmed 2>/dev/null || :")).toBe("");
});

test("who is logged in by a password is told so, and not locked out", async () => {
  await using board = await virtualBoard("kitchen", { user: "fresh" });
  await using home = await operator({
    boards: [board],
    playbooks: ["hardening"],
    secrets: { ssh_password: PASSWORD },
  });
  const refused = await home.imcloud("plan");
  expect(refused.exitCode).toBe(65);
  expect(refused.stderr).toContain("you are logged in by a password, and passwords are about to be refused");
  expect(refused.stderr).toContain("ssh-copy-id");
});

const WRONG = (confirmWithinS: number) => `
- file: { path: /usr/local/sbin/imcloud-firewall, template: usr/local/sbin/imcloud-firewall, mode: "0755" }
- firewall: { tcp: [8448], ssh: [2222], by: nft, confirmWithinS: ${confirmWithinS} }
`;

test("rules that leave SSH out are undone by their deadline, and the board is reachable", async () => {
  await using board = await virtualBoard("kitchen");
  await using home = await operator({ boards: [board], playbook: WRONG(10) });
  const reverted = await home.imcloud("apply", "--yes", "--json");
  expect(reverted.exitCode).toBe(4);
  expect(reverted.stdout).toContain("engine.reverted");
  await board.sh(
    'until [ -z "$(nft list tables)" ] && [ ! -e /etc/default/imcloud-firewall ]; do sleep 0.1; done',
  );
  await board.untilReady();
  expect((await home.imcloud("exec", "--", "true")).exitCode).toBe(0);
});

test("an old server's main file gets a block at its head, and nothing else in it changes", async () => {
  await using board = await virtualBoard("kitchen");
  await board.sh(
    "rm -r /etc/ssh/sshd_config.d; sed -i '/^Include/d' /etc/ssh/sshd_config; systemctl reload ssh",
  );
  const before = await board.sh("cat /etc/ssh/sshd_config");
  await using home = await operator({
    boards: [board],
    playbook: '- sshd: { settings: { PasswordAuthentication: "no", PermitRootLogin: prohibit-password } }',
  });
  const applied = await home.imcloud("apply", "--yes");
  expect(applied.exitCode, applied.stderr).toBe(0);
  expect(await byPassword(board)).toBe("board.login-refused");
  expect(await board.sh("cat /etc/ssh/sshd_config")).toBe(
    `# imcloud: begin\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n# imcloud: end\n${before}`,
  );
  expect((await home.imcloud("plan")).exitCode).toBe(0);

  // A value that sshd does not know changes nothing.
  await home.write(
    "playbooks/test.yaml",
    (await home.read("playbooks/test.yaml")).replace('"no"', '"perhaps"'),
  );
  const refused = await home.imcloud("apply", "--yes");
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain("perhaps");
  expect(await board.sh("sshd -t; grep -c perhaps /etc/ssh/sshd_config || :")).toBe("0");

  expect((await home.imcloud("destroy", "kitchen", "--yes", "kitchen")).exitCode).toBe(0);
  expect(await board.sh("cat /etc/ssh/sshd_config")).toBe(before);
});

interface Audited {
  readonly boards: {
    readonly kitchen: { readonly findings: readonly { check: string; verdict: string; summary: string }[] };
  };
}

test("an audit finds what was planted, and has nothing to say of the hardened board", async () => {
  await using board = await virtualBoard("kitchen");
  await using home = await operator({ boards: [board], playbooks: ["base", "hardening"] });
  await board.sh(LISTEN);
  await board.sh(`
useradd -m -p "$(perl -e 'print crypt("raspberry", "\\$6\\$imtest\\$")')" ada
useradd -m -p '' bob
mkdir -p /etc/rabbitmq /etc/kafka
printf '# default_pass = in a comment\\ndefault_user = im\\n' >/etc/rabbitmq/harmless.conf
printf 'default_pass = hush\\n' >/etc/rabbitmq/rabbitmq.conf
printf 'password=hush\\n' >/etc/kafka/closed.properties
chmod 0640 /etc/kafka/closed.properties`);

  const audit = async () => {
    const { exitCode, json } = await home.imcloud("audit", "--json");
    const { findings } = (json as unknown as Audited).boards.kitchen;
    return { exitCode, of: new Map(findings.map((finding) => [finding.check, finding])) };
  };
  const before = await audit();
  expect(before.exitCode).toBe(3);
  expect(before.of.get("passwords")).toMatchObject({
    verdict: "critical",
    summary: "no password: bob; a password that everybody knows: ada",
  });
  expect(before.of.get("secrets")).toMatchObject({
    verdict: "critical",
    summary: "every account can read /etc/rabbitmq/rabbitmq.conf",
  });
  expect(before.of.get("ports")).toMatchObject({
    verdict: "warning",
    summary: `nobody asked for ${IM_PORT}/tcp (systemd), ${UNASKED_PORT}/tcp (systemd)`,
  });
  expect(before.of.get("ssh")).toMatchObject({ verdict: "warning", summary: "passwords are taken" });
  expect(before.of.get("firewall")).toMatchObject({ verdict: "warning", summary: "none" });

  // As the hints say; the timer is the lab's doing.
  await board.sh(`
passwd -q --lock ada; passwd -q --lock bob
chmod o-r /etc/rabbitmq/rabbitmq.conf
systemctl unmask -q apt-daily-upgrade.timer; systemctl enable -q apt-daily-upgrade.timer`);
  const applied = await home.imcloud("apply", "--yes");
  expect(applied.exitCode, applied.stderr).toBe(0);
  const after = await audit();
  const bad = [...after.of.values()].filter(({ check, verdict }) => verdict !== "ok" && check !== "updates");
  expect(bad).toEqual([]);
  expect(after.of.get("ports")?.summary).toBe(`22/tcp (sshd), ${IM_PORT}/tcp (systemd)`);
});

test("where a release keeps to iptables, or somebody to ufw, the rules are theirs, and go as they came", async () => {
  await using board = await virtualBoard("kitchen", { packages: ["iptables", "ufw"] });
  await board.sh(LISTEN);
  const playbook = (by: string) => `
- file: { path: /usr/local/sbin/imcloud-firewall, template: usr/local/sbin/imcloud-firewall, mode: "0755" }
- firewall: { tcp: [${IM_PORT}], by: ${by} }
`;
  const rules = "iptables-legacy -S; ip6tables-legacy -S; ufw show added";
  await board.sh(
    "for each in iptables ip6tables; do update-alternatives --quiet --set $each /usr/sbin/$each-legacy; done",
  );
  for (const by of ["iptables", "ufw"]) {
    if (by === "ufw") await board.sh("ufw allow 22/tcp; ufw --force enable");
    const before = await board.sh(rules);
    await using home = await operator({ boards: [board], playbook: playbook(by) });
    const applied = await home.imcloud("apply", "--yes");
    expect(applied.exitCode, applied.stderr).toBe(0);
    expect([await knock(board, IM_PORT), await knock(board, UNASKED_PORT)], by).toEqual([
      "open",
      by === "ufw" ? "silence" : "ECONNREFUSED",
    ]);
    expect((await home.imcloud("plan")).exitCode).toBe(0);
    if (by === "iptables") {
      const started = await board.sh(
        "imcloud-firewall stop; unshare --mount sh -c 'mount -t tmpfs none /proc/sys/net && imcloud-firewall start'",
      );
      expect(started, "on a kernel without IPv6").toContain(`open: 22 ${IM_PORT}`);
      expect(await board.sh("iptables-legacy -S INPUT; ip6tables-legacy -S INPUT")).toBe(
        ["-P INPUT ACCEPT", "-A INPUT -j IMCLOUD_INPUT", "-P INPUT ACCEPT"].join("\n"),
      );
    }
    expect((await home.imcloud("destroy", "kitchen", "--yes", "kitchen")).exitCode).toBe(0);
    expect(await board.sh(rules), by).toBe(before);
  }
});
