/**
 * Each audit by what a board printed: recorded on virtual boards, or, where marked, written after the documentation of
 * the program. That planted faults are found on a real system is what test/e2e/hardening.test.ts is for.
 */
import { expect, test } from "vitest";
import { AUDITS, auditsFor } from "../../../src/health/audits.js";
import type { Judgement } from "../../../src/health/check.js";

const NOW = new Date("2026-11-24T12:00:00Z");

const SSHD = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=220,fd=3))';
const EPMD = 'tcp LISTEN 0 4096 *:4369 *:* users:(("epmd",pid=9,fd=3),("systemd",pid=1,fd=40))';
const ss = (...lines: readonly string[]) => [...lines.map((line) => `ss|${line}`), "end|"].join("\n");
const holds = (...lines: readonly string[]) =>
  ["port 22", ...lines].map((line) => `holds|${line}`).join("\n");

type Case = readonly [
  id: string,
  title: string,
  stdout: string,
  verdict: Judgement["verdict"],
  summary: string,
  exitCode?: number,
];

const CASES: readonly Case[] = [
  ["ports", "SSH alone", ss(SSHD, SSHD.replace("0.0.0.0:22", "[::]:22")), "ok", "22/tcp (sshd)"],
  [
    "ports",
    "only for this machine",
    ss('tcp LISTEN 0 128 127.0.0.1:5672 0.0.0.0:* users:(("beam.smp",pid=1,fd=2))'),
    "ok",
    "none",
  ],
  [
    "ports",
    "only for this machine, with an interface",
    ss(
      'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=2))',
      'tcp LISTEN 0 9 [::ffff:127.0.0.1]:9092 *:* users:(("java",pid=1,fd=2))',
    ),
    "ok",
    "none",
  ],
  [
    "ports",
    "what the network itself needs",
    ss(
      'udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:(("dhclient",pid=1,fd=2))',
      'udp UNCONN 0 0 *:5353 *:* users:(("avahi-daemon",pid=1,fd=2))',
    ),
    "ok",
    "68/udp (dhclient), 5353/udp (avahi-daemon)",
  ],
  [
    "ports",
    "SSH by systemd's socket (24.04; written from documentation)",
    `ssh|22\n${ss('tcp LISTEN 0 4096 *:22 *:* users:(("systemd",pid=1,fd=80))')}`,
    "ok",
    "22/tcp (systemd)",
  ],
  [
    "ports",
    "a name service of a broker",
    ss(SSHD, EPMD),
    "critical",
    "the network reaches a broker: 4369/tcp (epmd)",
  ],
  ["ports", "the same behind the firewall", `closed|\nopen|22\n${ss(SSHD, EPMD)}`, "ok", "22/tcp (sshd)"],
  [
    "ports",
    "a broker's port that somebody asked for",
    `closed|\nopen|22\nopen|5671\n${ss(SSHD, 'tcp LISTEN 0 128 *:5671 *:* users:(("beam.smp",pid=1,fd=2))')}`,
    "ok",
    "22/tcp (sshd), 5671/tcp (beam.smp)",
  ],
  [
    "ports",
    "a broker that could write to a syslog",
    ss(SSHD, 'udp UNCONN 0 0 0.0.0.0:41180 0.0.0.0:* users:(("beam.smp",pid=1,fd=35))'),
    "ok",
    "22/tcp (sshd)",
  ],
  [
    "ports",
    "a service of the same language by UDP",
    ss(SSHD, 'udp UNCONN 0 0 0.0.0.0:3478 0.0.0.0:* users:(("beam.smp",pid=1,fd=35))'),
    "critical",
    "the network reaches a broker: 3478/udp (beam.smp)",
  ],
  [
    "ports",
    "something that nobody asked for",
    ss(SSHD, 'tcp LISTEN 0 5 0.0.0.0:631 0.0.0.0:* users:(("cupsd",pid=1,fd=2))'),
    "warning",
    "nobody asked for 631/tcp (cupsd)",
  ],
  [
    "ports",
    "something of the kernel's",
    ss("udp UNCONN 0 0 0.0.0.0:111 0.0.0.0:*"),
    "warning",
    "nobody asked for 111/udp (the kernel)",
  ],
  [
    "ports",
    "a range that somebody asked for, and a port beside it",
    `closed|\nopen|22\nopen udp|3478\nopen udp|49152-49407\n${ss(
      SSHD,
      ...["3478", "49200", "49408"].map(
        (port) => `udp UNCONN 0 0 0.0.0.0:${port} 0.0.0.0:* users:(("relay",pid=1,fd=2))`,
      ),
    )}`,
    "ok",
    "22/tcp (sshd), 3478/udp (relay), 49200/udp (relay)",
  ],
  ["ports", "no ss", "", "unknown", "the board does not tell what listens", 1],
  ["ports", "half an answer", `ss|${SSHD}`, "unknown", "the board does not tell what listens"],

  ["passwords", "as it should be", "set|pi\nend|", "ok", "1 with a password, none that everybody knows"],
  [
    "passwords",
    "the image's own",
    "set|pi\nknown|pi\nend|",
    "critical",
    "a password that everybody knows: pi",
  ],
  ["passwords", "none", "empty|bob\nset|pi\nend|", "critical", "no password: bob"],
  [
    "passwords",
    "a hash of a newer system",
    "set|pi\nuntried|pi\nend|",
    "unknown",
    "a hash that the board's own crypt does not know: pi",
  ],
  ["passwords", "no perl", "", "unknown", "the accounts cannot be read", 127],

  [
    "ssh",
    "keys alone",
    holds("passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin without-password"),
    "ok",
    "by key alone",
  ],
  ["ssh", "passwords", holds("passwordauthentication yes"), "warning", "passwords are taken"],
  [
    "ssh",
    "passwords by PAM's own way, under its older name",
    holds("passwordauthentication no", "challengeresponseauthentication yes", "usepam yes"),
    "warning",
    "passwords are taken",
  ],
  [
    "ssh",
    "root by password too",
    holds("passwordauthentication yes", "permitrootlogin yes"),
    "warning",
    "passwords are taken; root may log in by password",
  ],
  [
    "ssh",
    "without a password",
    holds("passwordauthentication yes", "permitemptypasswords yes"),
    "critical",
    "accounts without a password may log in",
  ],
  ["ssh", "a broken file", "", "unknown", "sshd does not tell its settings", 255],

  [
    "sudo",
    "everybody is asked",
    `${holds("passwordauthentication yes")}\nend|`,
    "ok",
    "root asks everybody for a password",
  ],
  [
    "sudo",
    "as on Raspberry Pi OS, with passwords",
    `rule|pi ALL=(ALL) NOPASSWD: ALL\n${holds("passwordauthentication yes")}\nend|`,
    "warning",
    "pi: a password for SSH is one for root",
  ],
  [
    "sudo",
    "the same, by key alone",
    `rule|pi ALL=(ALL) NOPASSWD: ALL\n${holds("passwordauthentication no")}\nend|`,
    "ok",
    "pi: root without a password, and in by key alone",
  ],
  ["sudo", "no answer", "", "unknown", "the rules cannot be read"],

  ["secrets", "closed", "end|", "ok", "readable by their services alone"],
  [
    "secrets",
    "open",
    "open|/etc/imcloud/tls/key.pem\nopen|/etc/imcloud/tls/key.pem\nend|",
    "critical",
    "every account can read /etc/imcloud/tls/key.pem",
  ],
  ["secrets", "no account `nobody`", "", "unknown", "the board does not let us look as `nobody`", 1],

  ["firewall", "imcloud's", "closed|\nopen|22\nopen|8448\nend|", "ok", "lets in 22, 8448"],
  ["firewall", "somebody else's", "own|\nend|", "ok", "there is one, and it is not imcloud's"],
  ["firewall", "none", "end|", "warning", "none"],
  ["firewall", "no answer", "", "unknown", "no answer"],

  [
    "automatic-updates",
    "every day",
    "Unattended-Upgrade=1\nUpdate-Package-Lists=1\npackage=installed\ntimer=enabled",
    "ok",
    "security updates are installed every day",
  ],
  [
    "automatic-updates",
    "as on Raspberry Pi OS",
    "package=\ntimer=enabled",
    "warning",
    "unattended-upgrades is not installed; APT::Periodic::Unattended-Upgrade is off; APT::Periodic::Update-Package-Lists is off",
  ],
  [
    "automatic-updates",
    "the timer is masked",
    "Unattended-Upgrade=1\nUpdate-Package-Lists=1\npackage=installed\ntimer=masked",
    "warning",
    "apt-daily-upgrade.timer is masked",
  ],
  ["automatic-updates", "no apt", "", "unknown", "apt does not tell", 127],

  ["guest", "gone", "imcloud-server\t[]\nend|", "ok", "gone"],
  [
    "guest",
    "there",
    "guest\t[administrator]\nimcloud-server\t[]\nend|",
    "warning",
    "the account `guest` is there, whose password everybody knows",
  ],
  ["guest", "the broker is off", "", "unknown", "the broker does not tell its accounts", 69],

  [
    "sandbox",
    "as imcloud ships it",
    "systemd=252\nexposure=2.1",
    "ok",
    "the IM server reaches little of the board",
  ],
  [
    "sandbox",
    "opened by a drop-in",
    "systemd=252\nexposure=9.2",
    "warning",
    "the IM server reaches much of the board",
  ],
  [
    "sandbox",
    "18.04's systemd, which does not rate",
    "systemd=237\nexposure=",
    "not-applicable",
    "nothing of the kind",
  ],
  ["sandbox", "no unit", "systemd=252\nexposure=", "unknown", "systemd does not rate imcloud-server.service"],
];

for (const [id, title, stdout, verdict, summary, exitCode = 0] of CASES) {
  test(`${id}: ${title}`, () => {
    const audit = AUDITS.find((one) => one.id === id) ?? expect.fail(`no audit ${id}`);
    const judged = audit.judge(
      { stdout, exitCode },
      { playbooks: [], bad: new Set(), askedAt: NOW, now: NOW },
    );
    expect({ verdict: judged.verdict, summary: judged.summary }).toEqual({ verdict, summary });
    if (verdict !== "ok" && verdict !== "not-applicable") expect(judged.hint).toMatch(/\w/);
  });
}

test("the IM server's port is expected where the playbook brings it", () => {
  const stdout = ss('tcp LISTEN 0 512 0.0.0.0:8448 0.0.0.0:* users:(("bun",pid=1,fd=2))');
  const verdict = (playbooks: readonly string[]) =>
    AUDITS.find(({ id }) => id === "ports")?.judge(
      { stdout, exitCode: 0 },
      { playbooks, bad: new Set(), askedAt: NOW, now: NOW },
    ).verdict;
  expect([verdict(["imserver"]), verdict([])]).toEqual(["ok", "warning"]);
});

test("every audit has a name of its own, and those of playbooks come with them alone", () => {
  expect(new Set(AUDITS.map(({ id }) => id)).size).toBe(AUDITS.length);
  expect(auditsFor([]).map(({ id }) => id)).not.toContain("guest");
  expect(auditsFor(["rabbitmq", "imserver"]).length).toBe(AUDITS.length);
});
