/**
 * What the playbooks of one board are resolved with: its configuration, the cloud's, secrets and artifacts.
 */
import { readAppServices } from "../config/app-services.js";
import type { BoardConfig, Config } from "../config/load.js";
import { ACME_SECRET, readTls } from "../config/tls.js";
import type { Secrets } from "../config/secrets.js";
import { releaseOf, type Facts } from "../board/facts.js";
import { refuseUnfit, resolvePlaybooks, type ResolvedItem } from "../playbook/resolve.js";
import { Secret } from "../shared/secret.js";
import { boardArtifacts } from "./artifacts.js";
import { boardCertificate, certifiable } from "./board-certificate.js";
import { rememberedFacts } from "./facts-cache.js";
import { CALLS, CLUSTER_SECRETS, GENERATED, TURN_SECRET } from "./generated-secrets.js";
import { clusterNodes, fetchKafka, kafkaOf } from "./kafka.js";
import { welcomeOf } from "./welcome.js";
import type { Workspace } from "./workspace.js";

/** The port of the IM server's clients, unless a playbook's variable says otherwise. */
const CLIENT_PORT = 8448;

/** The playbook by which boards install from a kit alone. */
const OFFLINE = "offline";

const NOT_FETCHED = { path: "", sha256: "0".repeat(64), sizeBytes: 0 };

export interface ResolverInput {
  readonly config: Config;
  readonly board: BoardConfig;
  readonly secrets: Secrets;
  readonly workspace: Workspace;
  /** Called before something is downloaded. */
  readonly fetching: (what: string) => void;
  /** The operator's own login is one by password. */
  readonly isByPassword?: boolean;
  /** Make and fetch nothing: certificate, artifacts and secrets that are not there yet are stood in for. */
  readonly onlyLooking?: boolean;
}

export function resolverOf({
  config,
  board,
  secrets,
  workspace,
  fetching,
  isByPassword = false,
  onlyLooking = false,
}: ResolverInput): (facts: Facts) => Promise<readonly ResolvedItem[]> {
  return async (facts) => {
    const { playbooks } = board;
    const asked = {
      playbooks,
      folder: config.folder,
      facts,
      board: {
        ...{ name: board.name, address: board.address, tags: board.tags, groups: board.groups },
        login: isByPassword ? "password" : "key",
      },
    };
    await refuseUnfit(asked);
    const isServer = playbooks.includes("imserver");
    const isTlsBroker = playbooks.includes("rabbitmq") && Boolean(board.vars.amqp_tls_port);
    const isBroker = playbooks.includes("kafka");
    const usesKafka = isBroker || (isServer && config.cloud.broker === "kafka");
    const nodes = usesKafka ? await clusterNodes(config, factsAround(workspace, board.name, facts)) : [];
    const kafka = isBroker ? await kafkaOf(config, board.name, facts, nodes) : undefined;
    const known = new Map<string, Secret>(secrets.all());
    const isOffline = playbooks.includes(OFFLINE) && !onlyLooking;
    const packages = isOffline ? await packagesFor(facts) : undefined;
    const appServices = isServer
      ? await readAppServices(board.vars.app_services, config.folder, board.origin)
      : [];
    const tls = await readTls(isServer ? board.vars.tls : undefined, config.folder, board.origin);
    for (const { name, content } of appServices) known.set(secretNameOf(name), content);
    const cloud: Record<string, unknown> = {
      ...config.cloud,
      baseUrl: baseUrlOf(config, board, facts.addresses, tls.host),
      tls,
      welcome: welcomeOf(board, isServer ? tls : undefined, clientPortOf(board)),
      kafka: kafka ?? { nodes },
      packages: packages?.note ?? { sources: "" },
      isRelay: playbooks.includes(CALLS),
      turnHosts: isServer ? await turnHosts(config, factsAround(workspace, board.name, facts)) : [],
      appServices: appServices.map(({ name }) => ({ name, secret: secretNameOf(name) })),
    };
    if (onlyLooking) {
      cloud.certificate = "(made by `imcloud apply`)\n";
      cloud.authority = cloud.kafkaCertificate = cloud.certificate;
      for (const name of [
        ...GENERATED,
        ...CLUSTER_SECRETS,
        TURN_SECRET,
        ACME_SECRET,
        "tls_key",
        "kafka_tls_key",
      ])
        known.set(name, known.get(name) ?? new Secret(""));
    } else {
      const certify = async (name: string, names: readonly string[]) =>
        boardCertificate(workspace, {
          board: name,
          serverName: config.cloud.serverName,
          names,
          passphrase: secrets.get("authority_passphrase"),
        });
      if (isServer || isTlsBroker) {
        const { chain, key } = await certify(board.name, namesOf(board, facts.addresses));
        cloud.certificate = chain;
        cloud.authority = authorityIn(chain);
        known.set("tls_key", key);
      }
      // The cloud's own authority vouches for its brokers all the same.
      if (tls.files !== null) {
        cloud.certificate = tls.files.chain;
        known.set("tls_key", tls.files.key);
      }
      if (tls.needsSecret) known.set(ACME_SECRET, secrets.require(ACME_SECRET));
      if (kafka !== undefined && nodes.length > 0) {
        // Without addresses: Bun's TLS refuses any that an authority's constraints speak of.
        const { chain, key } = await certify(`${board.name}.kafka`, [kafka.self.name, "localhost"]);
        cloud.kafkaCertificate = chain;
        cloud.authority = authorityIn(chain);
        known.set("kafka_tls_key", key);
      }
    }
    return resolvePlaybooks({
      ...asked,
      cloud,
      vars: board.vars,
      secrets: known,
      artifacts: onlyLooking
        ? { bun: NOT_FETCHED, server: NOT_FETCHED, kafka: NOT_FETCHED, packages: NOT_FETCHED }
        : {
            ...(isServer && (await boardArtifacts(facts.arch, fetching))),
            ...(packages !== undefined && { packages: packages.source }),
            ...(kafka !== undefined && { kafka: await fetchKafka(kafka, config, fetching) }),
          },
    });
  };
}

async function packagesFor(facts: Facts) {
  const { keptPackages } = await import("./kit/packages.js");
  return keptPackages({ release: releaseOf(facts), arch: facts.arch });
}

/** No name that a secret of the operator's can have. */
const secretNameOf = (appService: string): string => `app service ${appService}`;

/** The board's own certificate comes first, the authority's last. */
const authorityIn = (chain: string): string => chain.slice(chain.lastIndexOf("-----BEGIN"));

/** This board's facts are at hand; the others' are those of the last time. */
function factsAround(workspace: Workspace, own: string, facts: Facts) {
  return (name: string): Promise<Facts | undefined> =>
    name === own ? Promise.resolve(facts) : rememberedFacts(workspace, name);
}

/**
 * Where clients find the server: the address that the operator uses, because that one is known to work. A name that
 * the certificate cannot carry (the home router's `pi.lan`, a `Host` of ~/.ssh/config) gives way to an address.
 * @param host a name of a certificate that is not of the cloud's own authority
 */
export function baseUrlOf(
  config: Config,
  board: BoardConfig,
  addresses: readonly string[],
  host = hostOf(config, board, addresses),
): string {
  const given = board.vars.base_url;
  if (typeof given === "string") return given;
  return `https://${host}:${clientPortOf(board)}`;
}

/** As it stands in a URL. */
function hostOf(config: Config, board: BoardConfig, addresses: readonly string[]): string {
  const known = board.transport === "local" ? [...addresses, "localhost"] : [board.address, ...addresses];
  const address = certifiable(known, config.cloud.serverName)[0] ?? known[0] ?? "localhost";
  return address.includes(":") ? `[${address}]` : address;
}

/** Where clients find the cloud's own TURN servers: what the board's variable `turn_host` says, else its address. */
function turnHosts(
  config: Config,
  factsOf: (board: string) => Promise<Facts | undefined>,
): Promise<readonly string[]> {
  return Promise.all(
    config.boards
      .filter(({ playbooks }) => playbooks.includes(CALLS))
      .map(async (board) => {
        const given = board.vars.turn_host;
        if (typeof given === "string") return given;
        return hostOf(config, board, (await factsOf(board.name))?.addresses ?? []);
      }),
  );
}

/** Where the IM server listens. */
export const clientPortOf = ({ vars }: BoardConfig): number =>
  typeof vars.port === "number" ? vars.port : CLIENT_PORT;

/** All names under which a client may come to the board. */
function namesOf(board: BoardConfig, addresses: readonly string[]): string[] {
  return [
    board.address,
    `${board.name}.local`,
    `${board.name}.home.arpa`,
    "localhost",
    "127.0.0.1",
    ...addresses,
  ];
}
