/**
 * From `imcloud.yaml` and the environment to one value that the rest of imcloud can trust.
 *
 * Precedence: flag, then environment (`IMCLOUD_*`), then the file, then the default. Flags are the commands'
 * business; here the other three meet.
 */
import { dirname, resolve } from "node:path";
import { didYouMean } from "../shared/did-you-mean.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { check } from "./explain.js";
import { overlay, type FirstBoot } from "./first-boot.js";
import { ConfigFile, type Broker, type KafkaSource, type SecretSource, type Vars } from "./schema.js";
import { readYaml, type YamlFile } from "./yaml-file.js";

export const DEFAULT_FILE = "imcloud.yaml";
/** Raspberry Pi OS's own account, until the operator says otherwise. */
const DEFAULT_USER = "pi";

export interface BoardConfig {
  readonly name: string;
  readonly transport: "ssh" | "local";
  readonly address: string;
  readonly port?: number;
  /** Undefined: what ~/.ssh/config says, else {@link BoardConfig.fallbackUser}. */
  readonly user?: string;
  readonly fallbackUser: string;
  readonly identityFile?: string;
  readonly jump?: string;
  readonly hostKeys: readonly string[];
  readonly tags: readonly string[];
  readonly groups: readonly string[];
  readonly playbooks: readonly string[];
  /** The top level's, overlaid by its groups' in the order of the file, overlaid by its own. */
  readonly vars: Vars;
  /** Overlaid in the same order, setting by setting. */
  readonly firstBoot: FirstBoot;
  readonly origin: Origin;
}

export interface Config {
  /** As the operator named it. */
  readonly file: string;
  /** Absolute; playbooks, templates, secrets and `.imcloud/` are found from here. */
  readonly folder: string;
  readonly cloud: {
    readonly name: string;
    readonly serverName: string;
    readonly broker: Broker;
  };
  readonly kafka: KafkaSource;
  readonly boards: readonly BoardConfig[];
  readonly groups: readonly string[];
  readonly secretsFile: string;
  readonly secretSources: Readonly<Record<string, SecretSource>>;
}

export interface LoadOptions {
  /** Default `imcloud.yaml` in the working directory. */
  readonly file?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** @throws ImcloudError `config.unreadable`, `config.syntax`, `config.invalid` */
export async function loadConfig({
  file = DEFAULT_FILE,
  environment = process.env,
}: LoadOptions = {}): Promise<Config> {
  const yaml = await readYaml(file, "run `imcloud init` to make one, or name another with `--config`");
  return readConfig(yaml, environment);
}

/** Pure. @throws ImcloudError `config.invalid` */
export function readConfig(yaml: YamlFile, environment: LoadOptions["environment"] = {}): Config {
  const file = check(ConfigFile, yaml);
  const boards = Object.keys(file.boards);
  checkNames(file, yaml);
  const override = overrides(environment);
  const all = boards.map((name) => boardOf(name, file, yaml, override));
  checkCluster(file.kafka.cluster, all, yaml);

  return {
    file: yaml.file,
    folder: dirname(resolve(yaml.file)),
    cloud: { ...file.cloud, serverName: file.cloud.serverName ?? `${file.cloud.name}.home.arpa` },
    kafka: file.kafka,
    boards: all,
    groups: groupNames(file),
    secretsFile: resolve(dirname(resolve(yaml.file)), file.secretsFile),
    secretSources: file.secrets,
  };
}

interface Override {
  readonly user?: string;
  readonly port?: number;
  readonly identityFile?: string;
  readonly hostKeys?: readonly string[];
}

/** A CI job has one board and no file of its own to change. What it has set and left empty is not set. */
function overrides(environment: LoadOptions["environment"] = {}): Override {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const {
    IMCLOUD_SSH_USER: user,
    IMCLOUD_SSH_PORT: port,
    IMCLOUD_SSH_KEY_FILE: identityFile,
    IMCLOUD_HOST_KEY: hostKey,
  } = given;
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) {
    throw new ImcloudError("config.invalid", "`IMCLOUD_SSH_PORT` is not what is allowed there", {
      found: port,
      expected: "a port from 1 to 65535",
      hint: "change the environment variable",
    });
  }
  return {
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    ...(identityFile !== undefined && { identityFile: pathFrom(process.cwd(), identityFile) }),
    ...(hostKey !== undefined && { hostKeys: hostKey.split(/[\s,]+/) }),
  };
}

function boardOf(name: string, file: ConfigFile, yaml: YamlFile, override: Override): BoardConfig {
  const own = file.boards[name] ?? {};
  const { defaults } = file;
  const groups = groupNames(file).filter((group) => membersOf(group, file).includes(name));
  const transport = own.transport ?? "ssh";
  const identityFile = own.identityFile ?? defaults.identityFile;
  const merged = {
    port: own.port ?? defaults.port,
    user: own.user ?? defaults.user,
    identityFile: identityFile && pathFrom(dirname(resolve(yaml.file)), identityFile),
    jump: own.jump ?? defaults.jump,
    ...override,
  };
  const hostKeys = override.hostKeys ?? (own.hostKey === undefined ? [] : [own.hostKey].flat());
  const groupsFirstBoot = groups.map((group) => file.groups[group]?.firstBoot);
  const firstBoot = overlay(file.firstBoot, ...groupsFirstBoot, own.firstBoot);
  return {
    name,
    transport,
    address: own.address ?? (transport === "local" ? "localhost" : name),
    ...(merged.port !== undefined && { port: merged.port }),
    ...(merged.user !== undefined && { user: merged.user }),
    // Who has a board make an account means to log in with it.
    fallbackUser: firstBoot.user ?? DEFAULT_USER,
    ...(merged.identityFile !== undefined && { identityFile: merged.identityFile }),
    ...(merged.jump !== undefined && { jump: merged.jump }),
    hostKeys,
    tags: [...new Set([...(defaults.tags ?? []), ...(own.tags ?? [])])],
    groups,
    playbooks: own.playbooks ?? file.playbooks ?? defaultPlaybooks(file.cloud.broker),
    vars: Object.assign(
      {},
      file.vars,
      ...groups.map((group) => file.groups[group]?.vars ?? {}),
      own.vars ?? {},
    ) as Vars,
    firstBoot,
    origin: yaml.originOfKey(["boards", name]),
  };
}

/** A path of the operator's home stays one: it is another on another machine. */
const pathFrom = (folder: string, path: string): string =>
  path.startsWith("~") ? path : resolve(folder, path);

/** What boards get of which nothing is said. Without a broker there is none to install. */
export function defaultPlaybooks(broker: ConfigFile["cloud"]["broker"]): string[] {
  return ["base", "tuning", ...(broker === "none" ? [] : [broker]), "imserver"];
}

/** A broker in the cluster and one for itself would both take themselves for the cloud's. */
function checkCluster(
  cluster: readonly string[] | undefined,
  boards: readonly BoardConfig[],
  yaml: YamlFile,
): void {
  if (cluster === undefined) return;
  const brokers = boards.filter(({ playbooks }) => playbooks.includes("kafka")).map(({ name }) => name);
  const [wrong] = [
    ...cluster.filter((name) => !brokers.includes(name)),
    ...brokers.filter((name) => !cluster.includes(name)),
  ];
  if (wrong === undefined) return;
  throw new ImcloudError("config.invalid", "`kafka.cluster` names other boards than those that get `kafka`", {
    origin: yaml.originOfKey(["kafka", "cluster"]),
    found: cluster.join(", "),
    expected: brokers.length === 0 ? "boards with the playbook `kafka`" : brokers.join(", "),
    hint: brokers.includes(wrong)
      ? `\`${wrong}\` gets \`kafka\` too: say otherwise in its \`playbooks:\``
      : `give \`${wrong}\` the playbook \`kafka\`, or name another board`,
  });
}

function groupNames(file: ConfigFile): string[] {
  return [
    ...new Set([
      ...Object.keys(file.groups),
      ...Object.values(file.boards).flatMap((board) => board?.groups ?? []),
    ]),
  ];
}

function membersOf(group: string, file: ConfigFile): string[] {
  const named = file.groups[group]?.boards ?? [];
  return Object.keys(file.boards).filter(
    (name) => named.includes(name) || (file.boards[name]?.groups ?? []).includes(group),
  );
}

/** What no single value can know: that names refer to something, and to one thing only. */
function checkNames(file: ConfigFile, yaml: YamlFile): void {
  const boards = Object.keys(file.boards);
  for (const [group, content] of Object.entries(file.groups)) {
    if (boards.includes(group)) {
      throw new ImcloudError("config.invalid", `\`${group}\` is the name of a board and of a group`, {
        origin: yaml.originOfKey(["groups", group]),
        found: group,
        expected: "a name that no board has",
        hint: "rename one of the two: `--on` must know which one is meant",
      });
    }
    for (const [index, member] of (content?.boards ?? []).entries()) {
      if (boards.includes(member)) continue;
      const meant = didYouMean(member, boards);
      throw new ImcloudError("config.invalid", `group \`${group}\` names a board that does not exist`, {
        origin: yaml.originOf(["groups", group, "boards", index]),
        found: member,
        expected: `one of ${boards.join(", ")}`,
        hint:
          meant === undefined
            ? `add \`${member}\` to \`boards\`, or remove it here`
            : `did you mean \`${meant}\`?`,
      });
    }
  }
}
