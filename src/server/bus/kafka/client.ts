/**
 * What every client of the Kafka cluster is opened with, and what its errors say.
 *
 * Secrets are read when a client is opened, so that a new password or authority counts from the next
 * connection on.
 */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { compatibilityPartitioner, type BaseOptions, type ConnectionPool } from "@platformatic/kafka";
import type { ServerConfig } from "../../../shared/server-config.js";
import { readSecretFile } from "../../runtime/secret-file.js";

export type KafkaConfig = Extract<ServerConfig["bus"], { kind: "kafka" }>;

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Carry over the moment in which a partition gets another leader; what lasts longer is for whoever asked. */
const RETRIES = 2;
const RETRY_DELAY_MS = 200;

/** @throws Error when the password or the authority cannot be read */
export function clientOptions({
  brokers,
  user,
  passwordFile,
  mechanism = "SCRAM-SHA-512",
  tls,
}: KafkaConfig): BaseOptions {
  return {
    clientId: "imcloud-server",
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retries: RETRIES,
    retryDelay: RETRY_DELAY_MS,
    ...(user !== undefined &&
      passwordFile !== undefined && {
        sasl: { mechanism, username: user, password: readSecretFile(passwordFile) },
      }),
    ...(tls !== undefined && { tls: { ca: [readFileSync(tls.caFile)], rejectUnauthorized: true } }),
  };
}

/** Where Kafka's own clients would put the key, so that others may publish beside the server. */
export function partitionOf(key: string, partitions: number): number {
  return compatibilityPartitioner({ value: "", topic: "" }, Buffer.from(key)) % partitions;
}

/** The library wraps errors in errors; the innermost ones say what happened. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1));
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${explain(error.cause)}`;
}

/** At once: a peer that is gone would never answer a goodbye. */
export async function hangUp(client: {
  readonly connections: ConnectionPool;
  close(force: boolean): Promise<void>;
}): Promise<void> {
  // A connection that could not even be tried has no socket, whatever its type says.
  const sockets: (Socket | undefined)[] = [...client.connections].map(([, { socket }]) => socket);
  const closed = client.close(true);
  for (const socket of sockets) socket?.destroy();
  await closed.catch(() => undefined); // it may be gone already
}
