/**
 * Who gets into the board by the network, and in which order things leave it: each type by what a board printed.
 */
import { sha256, testAll, type Case } from "./expected.js";

const WAY_OUT = { device: "eth0", settings: { uplink: "20mbit" }, ports: [8448, 5672], marks: "nft" };
const WAY_OUT_SETTINGS = `# Managed by imcloud: what /usr/local/sbin/imcloud-qos goes by.
QOS_DEVICE=eth0
QOS_UPLINK=20mbit
QOS_DOWNLINK=
QOS_KINDS="cake htb fq_codel"
QOS_MARKS=nft
QOS_PORTS="8448, 5672"
`;
/** The answer of a board where all is as {@link WAY_OUT} has it, but for the rows given. */
const wayOut = (other: Readonly<Record<string, string>>) =>
  Object.values({
    devices: "device|lo\ndevice|eth0",
    settings: `settings|${sha256(WAY_OUT_SETTINGS)}  -`,
    queues: "tc|qdisc cake 1c1: dev eth0 root refcnt 2 bandwidth 19Mbit diffserv4",
    marks: "marks|table inet imcloud_qos",
    ...other,
    end: "end",
  }).join("\n");

const FIREWALL = (by: string, udp = "") =>
  `# Managed by imcloud: what /usr/local/sbin/imcloud-firewall goes by. Empty: wherever sshd listens.
FIREWALL_SSH=""
FIREWALL_TCP="8448"
${udp === "" ? "" : `FIREWALL_UDP="${udp}"\n`}FIREWALL_BY=${by}
`;
const SSHD = { settings: { PasswordAuthentication: "no", PermitRootLogin: "prohibit-password" } };
const SSHD_DROP_IN =
  "# Managed by imcloud. First by name, because the first value that sshd reads counts.\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n";
const SSHD_BLOCK =
  "# imcloud: begin\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n# imcloud: end\n";

const CASES: readonly Case[] = [
  ["shaper", "nothing to do", WAY_OUT, wayOut({}), []],
  [
    "shaper",
    "the kernel's own queue, no settings",
    WAY_OUT,
    wayOut({ settings: "", queues: "tc|qdisc fq_codel 0: dev eth0 root refcnt 2", marks: "" }),
    [`create cutoff: eth0: fq_codel -> ${WAY_OUT_SETTINGS}`],
  ],
  [
    "shaper",
    "another rate",
    WAY_OUT,
    wayOut({ settings: `settings|${"0".repeat(64)}  -` }),
    [`update cutoff: eth0: cake, by imcloud, marked -> ${WAY_OUT_SETTINGS}`],
  ],
  [
    "shaper",
    "the queue that came with a new interface",
    WAY_OUT,
    wayOut({ queues: "tc|qdisc mq 0: dev eth0 root" }),
    [`update cutoff: eth0: mq, marked -> ${WAY_OUT_SETTINGS}`],
  ],
  [
    "shaper",
    "without its marks",
    WAY_OUT,
    wayOut({ marks: "" }),
    [`update cutoff: eth0: cake, by imcloud -> ${WAY_OUT_SETTINGS}`],
  ],
  [
    "shaper",
    "inward wanted, and no ifb",
    { ...WAY_OUT, settings: { uplink: "20mbit", downlink: "1gbit" } },
    wayOut({}),
    [
      `update cutoff: eth0: cake, by imcloud, marked -> ${WAY_OUT_SETTINGS.replace("DOWNLINK=", "DOWNLINK=1gbit")}`,
    ],
  ],
  [
    "shaper",
    "an interface that is not there",
    { ...WAY_OUT, settings: { device: "eth7" } },
    wayOut({}),
    "unknowable",
  ],
  [
    "firewall",
    "nothing to do",
    { tcp: [8448], by: "nft" },
    `settings|${sha256(FIREWALL("nft"))}  -\nin force|nft\nend|`,
    [],
  ],
  [
    "firewall",
    "none yet",
    { tcp: [8448], by: "nft" },
    "end|",
    [`create cutoff: no rules of imcloud's -> ${FIREWALL("nft")}`],
  ],
  [
    "firewall",
    "somebody has flushed all rules",
    { tcp: [8448], by: "iptables" },
    `settings|${sha256(FIREWALL("iptables"))}  -\nend|`,
    [`update cutoff: no rules of imcloud's -> ${FIREWALL("iptables")}`],
  ],
  [
    "firewall",
    "other ports",
    { tcp: [8448], by: "nft" },
    `settings|${"0".repeat(64)}  -\nin force|nft\nend|`,
    [`update cutoff: other rules of imcloud's -> ${FIREWALL("nft")}`],
  ],
  [
    "firewall",
    "ufw has a rule for each port",
    { tcp: [8448], by: "ufw" },
    `settings|${sha256(FIREWALL("ufw"))}  -\nufw|22\nufw|8448\nend|`,
    [],
  ],
  [
    "firewall",
    "ufw lost the rule",
    { tcp: [8448], by: "ufw" },
    `settings|${sha256(FIREWALL("ufw"))}  -\nufw|22\nend|`,
    [`update cutoff: no rules of imcloud's -> ${FIREWALL("ufw")}`],
  ],
  [
    "firewall",
    "ufw has the range of UDP ports too",
    { tcp: [8448], udp: [3478, [49152, 49407]], by: "ufw" },
    `settings|${sha256(FIREWALL("ufw", "3478 49152:49407"))}  -\nufw|8448\nufw udp|3478\nufw udp|49152:49407\nend|`,
    [],
  ],
  [
    "firewall",
    "ufw lost the range of UDP ports",
    { tcp: [8448], udp: [3478, [49152, 49407]], by: "ufw" },
    `settings|${sha256(FIREWALL("ufw", "3478 49152:49407"))}  -\nufw|8448\nufw udp|3478\nend|`,
    [`update cutoff: no rules of imcloud's -> ${FIREWALL("ufw", "3478 49152:49407")}`],
  ],

  [
    "sshd",
    "nothing to do, by a drop-in",
    SSHD,
    `drop-ins|\nours|${sha256(SSHD_DROP_IN)}  -\nholds|port 22\nholds|passwordauthentication no\nholds|permitrootlogin without-password`,
    [],
  ],
  [
    "sshd",
    "nothing to do, by a block at the head of the main file",
    SSHD,
    `ours|${sha256(SSHD_BLOCK)}  -\nholds|port 22\nholds|passwordauthentication no\nholds|permitrootlogin without-password`,
    [],
  ],
  [
    "sshd",
    "passwords are taken",
    SSHD,
    "drop-ins|\nholds|port 22\nholds|passwordauthentication yes\nholds|permitrootlogin without-password",
    [`create cutoff: PasswordAuthentication yes\nPermitRootLogin without-password\n -> ${SSHD_DROP_IN}`],
  ],
  [
    "sshd",
    "OpenSSH 7.6, which knows no drop-ins",
    SSHD,
    "holds|port 22\nholds|passwordauthentication yes\nholds|permitrootlogin yes",
    [`create cutoff: PasswordAuthentication yes\nPermitRootLogin yes\n -> ${SSHD_BLOCK}`],
  ],
  [
    "sshd",
    "ours is there, and another file comes before it",
    SSHD,
    `drop-ins|\nours|${sha256(SSHD_DROP_IN)}  -\nholds|port 22\nholds|passwordauthentication yes\nholds|permitrootlogin without-password`,
    [`update cutoff: PasswordAuthentication yes\nPermitRootLogin without-password\n -> ${SSHD_DROP_IN}`],
  ],
  ["sshd", "no server", SSHD, "none|", "unknowable"],
  [
    "sshd",
    "a server with a broken file",
    SSHD,
    "drop-ins|\nholds|/etc/ssh/sshd_config: line 3: Bad",
    "unknowable",
  ],
];

testAll(CASES);
