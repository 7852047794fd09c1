/**
 * `probe`: does the server do what people need of it? Logs in as the service account, sends an event, sees it
 * come by sync, asks about the broker; each step timed.
 *
 * It always uses one device and one room, and writes one state event that replaces the one before: a probe
 * every minute for years costs rows of one kind, and no room list grows. It speaks through the listener like
 * any client, so it sees what clients see: certificates included.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { ServerConfig } from "../../shared/server-config.js";
import { ConfigError } from "../load-config.js";
import { readSecretFile } from "../runtime/secret-file.js";
import { baseUrlOf } from "./base-url.js";
import { probeBroker } from "./probe-broker.js";

const STEP_MS = 10_000;
const DEVICE = "IMCLOUDPROBE";
const ALIAS = "imcloud-probe";
const EVENT = "imcloud.probe";

interface Step {
  readonly name: string;
  readonly ms: number;
  readonly ok: boolean;
  readonly error?: string;
}

/** Prints the steps as one JSON document. @returns whether all went well */
export async function probe(config: ServerConfig): Promise<boolean> {
  const steps: Step[] = [];
  const client = new ProbeClient(config);
  const run = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    // What comes after a failure would only repeat it.
    if (steps.some(({ ok }) => !ok)) return undefined;
    const startedAt = performance.now();
    const tookMs = () => Math.round((performance.now() - startedAt) * 10) / 10;
    try {
      const value = await work();
      steps.push({ name, ms: tookMs(), ok: true });
      return value;
    } catch (error) {
      steps.push({
        name,
        ms: tookMs(),
        ok: false,
        error: error instanceof Error ? error.message : String(error),
      });
      return undefined;
    }
  };

  await run("login", () => client.logIn());
  const roomId = (await run("room", () => client.room())) ?? "";
  const since = (await run("sync", () => client.sync(roomId))) ?? "";
  const nonce = randomUUID();
  const waiting = client.awaitEvent(roomId, since, nonce);
  waiting.catch(() => undefined); // told by the step below
  const sentAt = Date.now();
  await run("send", () => client.send(roomId, nonce));
  await run("receive", () => waiting);
  await run("logout", () => client.logOut());
  const { bus } = config;
  const warning =
    bus.kind === "memory"
      ? undefined
      : await run("broker", () => probeBroker(bus, { roomId, nonce, sentAt }, STEP_MS));
  const ok = steps.every((step) => step.ok);
  process.stdout.write(`${JSON.stringify({ ok, steps, ...(warning !== undefined && { warning }) })}\n`);
  return ok;
}

class ProbeClient {
  readonly #config: ServerConfig;
  readonly #baseUrl: string;
  #token = "";

  constructor(config: ServerConfig) {
    this.#config = config;
    const listener = config.listeners[0];
    if (listener === undefined) throw new ConfigError("there is no listener");
    this.#baseUrl = baseUrlOf(listener);
  }

  async logIn(): Promise<void> {
    if (this.#config.probe === undefined) throw new ConfigError("`probe` names no service account");
    const { userFile, passwordFile } = this.#config.probe;
    const session = await this.#call("POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: readSecretFile(userFile) },
      password: readSecretFile(passwordFile),
      device_id: DEVICE,
      initial_device_display_name: "imcloud probe",
    });
    this.#token = String(session["access_token"]);
  }

  /** The one room, made by the first probe. */
  async room(): Promise<string> {
    const alias = encodeURIComponent(`#${ALIAS}:${this.#config.serverName}`);
    const known = await this.#call("GET", `directory/room/${alias}`).catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith("M_NOT_FOUND")) return undefined;
      throw error;
    });
    if (known !== undefined) return String(known["room_id"]);
    const made = await this.#call("POST", "createRoom", { room_alias_name: ALIAS, name: "imcloud probe" });
    return String(made["room_id"]);
  }

  async sync(roomId: string): Promise<string> {
    return String((await this.#call("GET", `sync?filter=${this.#filter(roomId, 1)}`))["next_batch"]);
  }

  async awaitEvent(roomId: string, since: string, nonce: string): Promise<void> {
    if (since === "") return;
    const deadline = performance.now() + STEP_MS;
    let token = since;
    while (performance.now() < deadline) {
      const body = await this.#call(
        "GET",
        `sync?timeout=2000&since=${token}&filter=${this.#filter(roomId, 20)}`,
      );
      if (JSON.stringify(body).includes(nonce)) return;
      token = String(body["next_batch"]);
    }
    throw new Error(`the event did not come by sync within ${STEP_MS} ms`);
  }

  async send(roomId: string, nonce: string): Promise<void> {
    await this.#call("PUT", `rooms/${encodeURIComponent(roomId)}/state/${EVENT}/`, { nonce });
  }

  async logOut(): Promise<void> {
    await this.#call("POST", "logout", {});
  }

  #filter(roomId: string, limit: number): string {
    return encodeURIComponent(
      JSON.stringify({
        room: { rooms: [roomId], timeline: { limit, types: [EVENT] }, state: { types: [] } },
      }),
    );
  }

  async #call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const listener = this.#config.listeners[0];
    const response = await fetch(`${this.#baseUrl}/_matrix/client/v3/${path}`, {
      method,
      headers: this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(STEP_MS),
      // Whether the chain is trusted is the client's business; that this is our certificate is the probe's.
      ...(listener?.tls !== undefined && {
        tls: {
          ca: readFileSync(listener.tls.certFile, "utf8"),
          checkServerIdentity: () => undefined,
          rejectUnauthorized: false,
        },
      }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok)
      throw new Error(`${String(answer["errcode"])}: ${String(answer["error"])} (HTTP ${response.status})`);
    return answer;
  }
}
