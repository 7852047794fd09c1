/**
 * Two resources of every type, as a playbook gives them: for the law, for shellcheck, for the registry.
 */
import { RESOURCE_TYPES } from "../../../src/resources/registry.js";
import { resourceId, type Located } from "../../../src/resources/resource.js";
import { Secret } from "../../../src/shared/secret.js";

const source = (digit: string) => ({ path: "/dev/null", sha256: digit.repeat(64), sizeBytes: 0 });
const KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n";

const UUIDS = ["7f648332-ab36-86e1-8581-153602ff7373", "11111111-2222-8333-8444-555555555555"];

export const SAMPLES: Readonly<Record<string, readonly [unknown, unknown]>> = {
  "apt-repository": [
    { name: "one", uris: ["https://example.org/debian"], suites: ["stable"], components: ["main"], key: KEY },
    { name: "two", uris: ["file:///srv/debian"], suites: ["./"], components: ["main"], key: KEY },
  ],
  artifact: [
    { path: "/opt/imtest/one", source: source("a"), mode: "0755" },
    { path: "/opt/imtest/two", source: source("b"), unpack: true },
  ],
  command: [
    {
      name: "one",
      unless: "test -e /etc/imtest/one",
      run: "touch /etc/imtest/one",
      undo: "rm -f /etc/imtest/one",
    },
    { name: "two", unless: "true", run: "cat", input: new Secret("in"), notifies: ["cron.service"] },
  ],
  "data-move": [
    { path: "/var/lib/imtest", disk: "/srv/ssd", units: ["cron.service"] },
    { path: "/var/log/imtest", disk: "/srv/ssd" },
  ],
  directory: [{ path: "/etc/imtest" }, { path: "/var/lib/imtest", mode: "0750", data: true }],
  disk: [
    { name: "ssd", uuid: UUIDS[0], roomFor: ["/var/lib/imtest"] },
    { name: "other", uuid: UUIDS[1], serial: "it's 1", format: { reservedPercent: 0 } },
  ],
  "disk-trim": [
    { path: "/srv/ssd", uuid: UUIDS[0] },
    { path: "/srv/other", uuid: UUIDS[1] },
  ],
  file: [
    { path: "/etc/imtest/it's here", content: "one\n", notifies: ["cron.service"] },
    { path: "/etc/imtest/secret", content: new Secret("hush"), mode: "0600" },
  ],
  "kernel-argument": [
    { path: "/etc/imtest/cmdline.txt", argument: "cgroup_enable=memory" },
    { path: "/etc/imtest/cmdline.txt", argument: "usb-storage.quirks=152d:0578:u", only: true },
  ],
  firewall: [
    { tcp: [8448], by: "nft" },
    { tcp: [8448, 5671], ssh: [22], by: "ufw" },
  ],
  "kafka-topic": [
    {
      name: "imtest.one",
      partitions: 3,
      config: { "retention.ms": 60_000, "cleanup.policy": "compact,delete" },
    },
    { name: "imtest.two", partitions: 1 },
  ],
  line: [
    { path: "/etc/hosts", line: "192.0.2.1 one" },
    { path: "/etc/hosts", line: "192.0.2.2 two", match: "two$" },
  ],
  mount: [
    { path: "/srv/ssd", uuid: UUIDS[0] },
    { path: "/srv/other", uuid: UUIDS[1], options: ["noatime", "nofail"] },
  ],
  package: [{ names: ["hello"] }, { names: ["figlet", "toilet"], recommends: true }],
  "rabbitmq-definitions": [
    { users: [{ name: "one", password: new Secret("hush") }] },
    {
      node: "other@localhost",
      policies: [{ vhost: "/", name: "p", pattern: "^x", definition: { "max-length": 9 } }],
    },
  ],
  "rabbitmq-plugins": [{ names: ["rabbitmq_prometheus"] }, { names: [] }],
  service: [{ unit: "cron.service" }, { unit: "ssh.service", port: 22 }],
  shaper: [
    {
      device: "eth0",
      settings: { uplink: "20mbit", downlink: "100mbit" },
      ports: [8448],
      marks: "nft",
    },
    { device: "", settings: { device: "eth1" }, ports: [8448, 5672], marks: "iptables" },
  ],
  sshd: [
    { settings: { PasswordAuthentication: "no", PermitRootLogin: "prohibit-password" }, login: "key" },
    { settings: { MaxAuthTries: "4" } },
  ],
  sysctl: [
    { key: "net.core.somaxconn", value: 4096, atLeast: true },
    { key: "vm.dirty_bytes", value: "50331648" },
  ],
  user: [{ name: "one" }, { name: "two", groups: ["adm", "video"], home: "/var/lib/two" }],
};

/** The samples of a type as the engine hands them on. */
export function located(word: string): readonly Located<unknown>[] {
  const type = RESOURCE_TYPES.get(word);
  if (type === undefined) throw new Error(`no type ${word}`);
  return (SAMPLES[word] ?? []).map((input, index) => {
    const desired = type.schema.parse(input);
    return {
      id: resourceId(word, type.key(desired)),
      desired,
      origin: { file: "samples.yaml", line: index + 1 },
    };
  });
}
