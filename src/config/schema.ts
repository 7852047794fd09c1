/**
 * What `imcloud.yaml` may say. The types, the error messages, `docs/configuration.md` and the JSON Schema for
 * editors all come from here.
 *
 * A format's message says what is allowed, as a noun: it is printed behind "expected".
 */
import { z } from "zod";
import { FirstBoot } from "./first-boot.js";

/** Of clouds, boards and groups. */
export const Name = z
  .string("a name")
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "lower-case letters, digits and hyphens, at most 63 (it becomes a host name)",
  );

/** Without the `@` that marks it on the command line. */
const Tag = z.string("a tag").regex(/^[\w.-]{1,63}$/, "letters, digits, `_`, `.` and `-`, without the `@`");

/** Part of every user and room id. */
export const ServerName = z
  .string("a domain name")
  .max(230, "a domain name of at most 230 characters")
  .regex(
    /^(?=.*[a-z])[a-z0-9-]+(?:\.[a-z0-9-]+)*$/,
    "a domain name in lower case, such as `kitchen.home.arpa`",
  );

const Port = z
  .int("a port from 1 to 65535")
  .min(1, "a port from 1 to 65535")
  .max(65_535, "a port from 1 to 65535");

const Fingerprint = z
  .string("a fingerprint such as `SHA256:9fQm…`")
  .regex(
    /^SHA256:[A-Za-z0-9+/]{43}$/,
    "a fingerprint as `ssh-keygen -lf` prints it: `SHA256:` and 43 characters",
  );

const Text = z.string("text").min(1, "text that is not empty");

/** Variables are anything that YAML can say; playbooks decide what they mean. */
const Vars = z.record(z.string().regex(/^[a-zA-Z_]\w*$/, "a name of letters, digits and `_`"), z.json());

const settings = {
  address: Text.optional().describe(
    "host name, IP address, or a `Host` of ~/.ssh/config; default: the board's name",
  ),
  port: Port.optional().describe("of the SSH server; default: ~/.ssh/config, else 22"),
  user: Text.optional().describe("to log in as; default: ~/.ssh/config, else `pi`"),
  transport: z
    .enum(["ssh", "local"])
    .optional()
    .describe("`local`: imcloud runs on the board itself; default `ssh`"),
  identityFile: Text.optional().describe(
    "private key to offer first: a file beside imcloud.yaml, an absolute path, or one below `~`, your home",
  ),
  jump: Text.optional().describe("ProxyJump: `user@host:port`, several separated by commas"),
  hostKey: z
    .union(
      [Fingerprint, z.array(Fingerprint).min(1, "at least one fingerprint")],
      "a fingerprint, or a list of them",
    )
    .optional()
    .describe("pinned host key; then no known_hosts file counts"),
  tags: z.array(Tag, "a list of tags").optional().describe("free marks; `--on @tag` selects by them"),
  playbooks: z
    .array(Text, "a list of playbook names")
    .optional()
    .describe("instead of the list at the top level"),
  vars: Vars.optional().describe(
    "variables of playbooks; a board's win over a group's, a group's over the top level's",
  ),
};

/** The reference has its settings once. */
const OwnFirstBoot = FirstBoot.optional()
  .describe("settings as those of `firstBoot`; they win over a group's, a group's over the top level's")
  .meta({ sameAs: "firstBoot" });

const Board = z
  .strictObject({
    ...settings,
    groups: z.array(Name, "a list of groups").optional().describe("groups it belongs to"),
    firstBoot: OwnFirstBoot,
  })
  .nullable()
  .describe("one board; a name alone is enough if ~/.ssh/config knows it");

const Group = z
  .strictObject({
    boards: z
      .array(Name, "a list of boards")
      .default([])
      .describe("boards that belong to it; a board may also name its groups"),
    vars: settings.vars,
    firstBoot: OwnFirstBoot,
  })
  .nullable()
  .describe("several boards under one name");

export const SecretSource = z
  .union(
    [
      z.strictObject({
        command: z
          .array(Text)
          .min(1)
          .describe("program and arguments; its first line of output is the secret"),
      }),
      z.strictObject({ env: Text.describe("name of an environment variable") }),
    ],
    "`{ command: [program, argument, ...] }` or `{ env: NAME }`",
  )
  .describe("where a secret comes from");
export type SecretSource = z.infer<typeof SecretSource>;

export const SecretName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "lower-case letters, digits and `_`");

export const BROKERS = ["rabbitmq", "kafka", "none"] as const;
export type Broker = (typeof BROKERS)[number];

/** Where the broker's program comes from: no release has a package of it. */
const KafkaSource = z
  .strictObject({
    version: z
      .string("a version in quotes")
      .regex(/^(?:3\.9|4\.\d{1,3})\.\d{1,3}$/, 'a release of the lines 3.9 and 4, such as "4.3.1"')
      .optional()
      .describe("default: the newest that imcloud knows for the Java of the board's release"),
    mirror: z
      .url({ protocol: /^https?$/, error: "an http or https address" })
      .optional()
      .describe(
        "where there is `VERSION/kafka_2.13-VERSION.tgz`; default `https://archive.apache.org/dist/kafka`",
      ),
    archive: Text.optional().describe(
      "instead of downloading: a release archive, beside imcloud.yaml or absolute",
    ),
    sha512: z
      .string("128 hexadecimal digits")
      .regex(/^[0-9a-fA-F]{128}$/, "128 hexadecimal digits")
      .transform((digits) => digits.toLowerCase())
      .optional()
      .describe("of the archive; default: what imcloud knows of the version, else its signature decides"),
    keys: Text.optional().describe(
      "a file of OpenPGP keys, beside imcloud.yaml or absolute: one of them has to have signed the archive; default, where no sum is known: `https://downloads.apache.org/kafka/KEYS`",
    ),
    cluster: z
      .array(Name, "the names of three boards")
      .length(3, "the names of three boards")
      .refine((names) => new Set(names).size === names.length, "three different boards")
      .optional()
      .describe("boards whose brokers keep three copies of everything together; default: each for itself"),
  })
  .refine(({ archive, mirror }) => archive === undefined || mirror === undefined, {
    message: "either a `mirror` or an `archive`",
    path: ["archive"],
  });
export type KafkaSource = z.output<typeof KafkaSource>;

export const ConfigFile = z.strictObject({
  version: z.literal(1, "1").describe("of this format"),
  cloud: z
    .strictObject({
      name: Name.describe("short name of the cloud"),
      serverName: ServerName.optional().describe(
        "part of every user and room id: `@ada:NAME`; can never change; default `<name>.home.arpa`",
      ),
      broker: z.enum(BROKERS).default("rabbitmq").describe("where every accepted event is published"),
    })
    .describe("what the boards make together"),
  kafka: KafkaSource.prefault({}).describe("for `broker: kafka`: which release, from where, on which boards"),
  boards: z
    .record(Name, Board)
    .refine((boards) => Object.keys(boards).length > 0, "at least one board")
    .describe("the fleet, by name"),
  groups: z.record(Name, Group).default({}).describe("named sets of boards"),
  defaults: z
    .strictObject({
      port: settings.port,
      user: settings.user,
      identityFile: settings.identityFile,
      jump: settings.jump,
      tags: settings.tags,
    })
    .default({})
    .describe("for boards that do not say otherwise"),
  playbooks: z
    .array(Text, "a list of playbook names")
    .optional()
    .describe(
      "what every board gets, in this order; your own are `playbooks/NAME.yaml` beside imcloud.yaml; default: base, tuning, the broker's, imserver",
    ),
  vars: Vars.default({}).describe("variables of playbooks, for all boards"),
  firstBoot: FirstBoot.optional().describe(
    "what `imcloud flash` has boards be from their first boot on: [first-boot.md](first-boot.md)",
  ),
  secretsFile: Text.default("imcloud.secrets.yaml").describe(
    "beside imcloud.yaml, mode 0600, never committed",
  ),
  secrets: z
    .record(SecretName, SecretSource)
    .default({})
    .describe("secrets that come from elsewhere; IMCLOUD_SECRET_<NAME> wins over both"),
});
export type ConfigFile = z.infer<typeof ConfigFile>;

/** The secrets file: a name and a value a line, or where the value comes from. */
export const SecretsFile = z.record(
  SecretName,
  z.union([z.string().min(1), SecretSource], "text, `{ command: [...] }` or `{ env: NAME }`"),
);

export type Json = z.infer<ReturnType<typeof z.json>>;
export type Vars = Readonly<Record<string, Json>>;
