/**
 * The IM server's configuration: `/etc/imcloud/server.json`.
 *
 * One schema for both programs: the CLI renders the file from `imcloud.yaml`, the server refuses to start
 * with anything it does not understand. Secrets never stand in this file, only the paths of files that hold
 * them (one secret a file, a final line break is ignored), so that the file may be shown, diffed and logged.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { Acme } from "./acme-config.js";
import { FilePath, Port } from "./config-fields.js";
import { Welcome } from "./welcome-config.js";

/** The part of a user id behind the colon. Source: Matrix specification, appendices, "Server Name". */
const ServerName = z
  .string()
  .max(230)
  .regex(
    /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/,
    "a host name or address, with an optional port",
  )
  .describe("part of every user and room id; can never change");

const SizeBytes = z.int().positive();

/** Whether only this machine can reach the address. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

const Listener = z
  .strictObject({
    address: z.string().min(1).describe("an address of this machine, or `0.0.0.0` / `::` for all"),
    port: Port.describe("0 takes a free one (tests)"),
    tls: z.strictObject({ certFile: FilePath, keyFile: FilePath }).optional(),
    allowPlainHttp: z
      .boolean()
      .default(false)
      .describe(
        "serve passwords and messages unencrypted to the network, for instance behind a reverse proxy",
      ),
  })
  .refine(
    (listener) => listener.tls !== undefined || listener.allowPlainHttp || isLoopback(listener.address),
    {
      message: "plain HTTP is only for loopback addresses: give `tls`, or say `allowPlainHttp: true`",
      path: ["tls"],
    },
  );

const SqliteStore = z.strictObject({
  kind: z.literal("sqlite"),
  path: FilePath.describe("the database file; its folder must be writable, for the -wal and -shm files"),
  /** Only `full` keeps the promise that an acknowledged event survives a power cut. */
  synchronous: z.enum(["full", "off"]).default("full").describe("`off` is for tests that must lose data"),
});

const PostgresStore = z.strictObject({
  kind: z.literal("postgres"),
  host: z.string().min(1).describe("a host name, an address, or the folder of a Unix socket"),
  port: Port.default(5432),
  database: z.string().min(1),
  user: z.string().min(1),
  passwordFile: FilePath.optional().describe("not needed for peer authentication on a Unix socket"),
  tls: z.strictObject({ caFile: FilePath }).optional(),
  maxConnections: z
    .int()
    .min(2)
    .max(200)
    .default(8)
    .describe("readers; the writer and the listener have one each beside"),
});

const MemoryBus = z.strictObject({ kind: z.literal("memory") });

const RabbitmqBus = z.strictObject({
  kind: z.literal("rabbitmq"),
  host: z.string().min(1),
  port: Port.default(5672),
  vhost: z.string().min(1).default("/"),
  user: z.string().min(1),
  passwordFile: FilePath,
  exchange: z.string().min(1).max(255).default("imcloud.events"),
  tls: z.strictObject({ caFile: FilePath }).optional(),
});

const KafkaBus = z
  .strictObject({
    kind: z.literal("kafka"),
    brokers: z
      .array(z.string().regex(/^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):[0-9]{1,5}$/, "`host:port`"))
      .min(1)
      .describe("where to ask for the cluster's members; one that answers is enough"),
    topic: z
      .string()
      .regex(/^[\w.-]{1,249}$/, "letters, digits, `.`, `_` and `-`, at most 249")
      .default("imcloud.events")
      .describe("must be there: its partitions and retention are the operator's to choose"),
    user: z.string().min(1).optional().describe("for SASL, with `passwordFile`"),
    passwordFile: FilePath.optional(),
    mechanism: z
      .enum(["SCRAM-SHA-512", "PLAIN"])
      .optional()
      .describe("default `SCRAM-SHA-512`; `PLAIN` tells the broker the password, so only within `tls`"),
    tls: z.strictObject({ caFile: FilePath }).optional(),
  })
  .refine((bus) => (bus.user === undefined) === (bus.passwordFile === undefined), {
    message: "`user` and `passwordFile` go together",
    path: ["passwordFile"],
  })
  .refine((bus) => bus.mechanism !== "PLAIN" || bus.tls !== undefined, {
    message: "`PLAIN` only within `tls`",
    path: ["mechanism"],
  });

const RateLimit = z
  .strictObject({
    perSecond: z.number().positive().describe("allowed in the long run"),
    burst: z.int().positive().describe("allowed at once"),
  })
  .describe("a token bucket");

const RateLimits = z.strictObject({
  enabled: z.boolean().default(true).describe("`false` is for tests and load generation"),
  login: RateLimit.default({ perSecond: 0.2, burst: 10 }).describe("per address and per account"),
  registration: RateLimit.default({ perSecond: 0.1, burst: 5 }).describe(
    "per address: tries to come in, and names that turn out to be taken",
  ),
  message: RateLimit.default({ perSecond: 10, burst: 60 }).describe(
    "per account: events, redactions, invites",
  ),
  roomCreation: RateLimit.default({ perSecond: 0.2, burst: 20 }).describe("per account"),
  request: RateLimit.default({ perSecond: 50, burst: 500 }).describe(
    "per account, or per address without one: everything else",
  ),
  trustedProxies: z
    .array(z.string().min(1))
    .default([])
    .describe("addresses whose X-Forwarded-For names the client"),
});

const Registration = z.strictObject({
  mode: z.enum(["closed", "token", "open"]).default("closed"),
  tokenFile: FilePath.optional().describe(
    "a token by which anybody may register, in mode `token`, beside those that administrators make",
  ),
});

const Admin = z.strictObject({
  tokenPath: FilePath.optional().describe(
    "where each start writes the token by which `imcloud-server admin` administers, for the server's own user alone; default: `admin.token` beside SQLite's file; with PostgreSQL there is none unless it is named",
  ),
});

const Notices = z.strictObject({
  user: z
    .string()
    .regex(/^[a-z0-9._=/+-]{1,200}$/, "lower-case letters, digits and . _ = - / +")
    .default("notices")
    .describe("the account that tells people what administrators have to say; nobody logs in to it"),
  displayName: z.string().min(1).max(255).default("Notices"),
  roomName: z.string().min(1).max(255).default("Notices"),
});

const Days = z.number().positive();

const Retention = z
  .strictObject({
    enabled: z.boolean().default(false).describe("messages and uploads go when their time is over; for good"),
    messageDays: Days.optional().describe(
      "how long messages stay in rooms that do not say it by `m.room.retention`; default: for ever",
    ),
    leastMessageDays: Days.optional().describe("no room may have its messages go sooner"),
    mostMessageDays: Days.optional().describe("no room may keep its messages longer"),
    mediaDays: Days.optional().describe("how long uploads stay, avatars excepted; default: for ever"),
  })
  .refine(({ leastMessageDays: least, mostMessageDays: most }) => (least ?? 0) <= (most ?? Infinity), {
    message: "`leastMessageDays` is at most `mostMessageDays`",
    path: ["leastMessageDays"],
  });

const Limits = z.strictObject({
  requestBytes: SizeBytes.default(1_048_576).describe("largest request body"),
  syncWaitMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(120_000)
    .describe("longest wait of one sync, whatever the client asks"),
  timelineEvents: z
    .int()
    .min(1)
    .max(1_000)
    .default(100)
    .describe("most events of one room in one sync answer"),
  roomsInMemory: z.int().min(1).default(256).describe("rooms whose state is kept in memory"),
  delayedEventMs: z
    .int()
    .min(0)
    .default(86_400_000)
    .describe("longest delay of an event that is to be sent later"),
  delayedEventsOfUser: z.int().min(0).default(100).describe("events of one account that wait to be sent"),
  slidingRoomsInMemory: z
    .int()
    .min(1_000)
    .default(100_000)
    .describe("rooms that all sliding syncs together remember; a client that is forgotten starts anew"),
  sqliteCacheKib: z.int().min(256).default(8_192).describe("SQLite's page cache, per connection"),
  passwordMinimum: z.int().min(1).default(8).describe("characters of a password; 1 for tests"),
});

const Calls = z
  .strictObject({
    turn: z
      .strictObject({
        uris: z
          .array(z.string().regex(/^turns?:/, "`turn:` or `turns:`"))
          .min(1)
          .describe("`turn:board.local:3478?transport=udp`"),
        secretFile: FilePath.describe("coturn's `static-auth-secret`"),
        lifetimeS: z.int().min(60).max(604_800).default(86_400).describe("of a user's password, in seconds"),
      })
      .optional()
      .describe("a TURN server, for calls between two people behind different routers"),
    livekitServiceUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .default([])
      .describe("authorisation services of LiveKit media servers, for Element Call"),
  })
  .describe("what calls need beside the server");

const Media = z.strictObject({
  folder: FilePath.optional().describe(
    "where uploads are kept; default: `media` beside SQLite's file; with PostgreSQL there is none unless it is named",
  ),
  uploadBytes: SizeBytes.default(52_428_800).describe("largest upload"),
  userBytes: SizeBytes.default(1_073_741_824).describe("all uploads of one account together"),
});

const AppServices = z
  .strictObject({
    files: z
      .array(FilePath)
      .default([])
      .describe("registration files, YAML as bridges and bots write them; they hold tokens"),
    folder: FilePath.optional().describe("every `.yaml` file in it is a registration too"),
  })
  .describe("bridges and bots that speak for users of their own");

/** A network of IPv4 or IPv6, as `address/bits`. */
const Network = z.string().refine(isNetwork, "a network such as `192.168.1.0/24`");

function isNetwork(text: string): boolean {
  const [address = "", bits = ""] = text.split("/");
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32);
}

const Push = z.strictObject({
  allowedNetworks: z
    .array(Network)
    .default([])
    .describe(
      "networks of one's own in which pushers may be, also without TLS: `192.168.1.0/24` for a UnifiedPush distributor at home; none by default, as any user could let the server speak to what is there",
    ),
});

const Previews = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe("look at the links that people send, and show what is there; whoever is asked sees the server"),
  allowedNetworks: z
    .array(Network)
    .default([])
    .describe(
      "networks of one's own whose pages may be shown too: `192.168.1.0/24`; none by default, as everybody could then look at what is there",
    ),
  ports: z.array(Port).default([80, 443]).describe("ports that may be asked"),
  timeoutMs: z.int().min(100).max(60_000).default(10_000).describe("for a page, and again for its picture"),
});

/**
 * Of the settings that OWASP's cheat sheet on password storage counts as equal, the one with the least memory: on small
 * boards with small caches it is also the quickest. A hash keeps its own settings, so older ones stay good.
 */
const PasswordHash = z.strictObject({
  memoryKib: z.int().min(8).default(7_168),
  iterations: z.int().min(1).default(5),
  parallel: z.int().min(1).max(16).default(2).describe("hashes computed at once; the others queue"),
});

export const ServerConfig = z.strictObject({
  serverName: ServerName,
  listeners: z.array(Listener).min(1),
  publicBaseUrl: z
    .url({ protocol: /^https?$/ })
    .describe("where clients reach the server, for /.well-known/matrix/client: `https://board.local:8448`"),
  store: z.discriminatedUnion("kind", [SqliteStore, PostgresStore]),
  bus: z.discriminatedUnion("kind", [MemoryBus, RabbitmqBus, KafkaBus]).default({ kind: "memory" }),
  registration: Registration.prefault({}),
  welcome: Welcome.optional(),
  admin: Admin.prefault({}),
  retention: Retention.prefault({}),
  notices: Notices.prefault({}),
  rateLimits: RateLimits.prefault({}),
  metrics: z
    .strictObject({
      listener: z
        .strictObject({ address: z.string().refine(isLoopback, "a loopback address"), port: Port })
        .optional()
        .describe("a listener of its own for /metrics and /health, without a password"),
      tokenFile: FilePath.optional().describe(
        "with it, `Authorization: Bearer TOKEN` opens /metrics on every listener",
      ),
    })
    .prefault({}),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  probe: z
    .strictObject({ userFile: FilePath, passwordFile: FilePath })
    .optional()
    .describe("the service account of `imcloud-server probe`: its localpart, and its password"),
  passwordHash: PasswordHash.prefault({}),
  limits: Limits.prefault({}),
  media: Media.prefault({}),
  push: Push.prefault({}),
  previews: Previews.prefault({}),
  calls: Calls.prefault({}),
  acme: Acme.optional(),
  appServices: AppServices.prefault({}),
  presence: z
    .strictObject({
      enabled: z.boolean().default(true).describe("who is online, to those in the same rooms"),
    })
    .prefault({}),
  defaultRoomVersion: z.enum(["10", "11", "12"]).default("11"),
});

/** The configuration as the server uses it, defaults filled in. */
export type ServerConfig = z.infer<typeof ServerConfig>;

/** The configuration as a file may say it. */
export type ServerConfigInput = z.input<typeof ServerConfig>;
