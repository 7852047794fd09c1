/**
 * What the playbooks of one board are resolved with: its configuration, the cloud's, secrets and artifacts.
 */
import type { BoardConfig, Config } from "../config/load.js";
import type { Secrets } from "../config/secrets.js";
import type { Facts } from "../board/facts.js";
import { refuseUnfit, resolvePlaybooks, type ResolvedItem } from "../playbook/resolve.js";
import { Secret } from "../shared/secret.js";
import { boardArtifacts } from "./artifacts.js";
import { boardCertificate, certifiable } from "./board-certificate.js";
import { GENERATED } from "./generated-secrets.js";
import { fetchKafka, kafkaOf } from "./kafka.js";
import type { Workspace } from "./workspace.js";

/** The port of the IM server's clients, unless a playbook's variable says otherwise. */
const CLIENT_PORT = 8448;

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
    const kafka = playbooks.includes("kafka") ? await kafkaOf(config, board.name, facts) : undefined;
    const known = new Map<string, Secret>(secrets.all());
    const cloud: Record<string, unknown> = {
      ...config.cloud,
      baseUrl: baseUrlOf(config, board, facts.addresses),
      ...(kafka !== undefined && { kafka }),
    };
    if (onlyLooking) {
      cloud.certificate = "(made by `imcloud apply`)\n";
      for (const name of [...GENERATED, "tls_key"]) known.set(name, known.get(name) ?? new Secret(""));
    } else if (isServer || isTlsBroker) {
      const { chain, key } = await boardCertificate(workspace, {
        board: board.name,
        serverName: config.cloud.serverName,
        names: namesOf(board, facts.addresses),
        passphrase: secrets.get("authority_passphrase"),
      });
      cloud.certificate = chain;
      known.set("tls_key", key);
    }
    return resolvePlaybooks({
      ...asked,
      cloud,
      vars: board.vars,
      secrets: known,
      artifacts: onlyLooking
        ? { bun: NOT_FETCHED, server: NOT_FETCHED, kafka: NOT_FETCHED }
        : {
            ...(isServer && (await boardArtifacts(facts.arch, fetching))),
            ...(kafka !== undefined && { kafka: await fetchKafka(kafka, config, fetching) }),
          },
    });
  };
}

/**
 * Where clients find the server: the address that the operator uses, because that one is known to work. A name that
 * the certificate cannot carry (the home router's `pi.lan`, a `Host` of ~/.ssh/config) gives way to an address.
 */
export function baseUrlOf(config: Config, board: BoardConfig, addresses: readonly string[]): string {
  const given = board.vars.base_url;
  if (typeof given === "string") return given;
  const known = board.transport === "local" ? [...addresses, "localhost"] : [board.address, ...addresses];
  const address = certifiable(known, config.cloud.serverName)[0] ?? known[0] ?? "localhost";
  return `https://${address.includes(":") ? `[${address}]` : address}:${clientPortOf(board)}`;
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
