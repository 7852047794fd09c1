/**
 * The application services of this server: whom their tokens speak for, what is theirs alone, and what they know that
 * the server does not.
 * Source: Matrix Application Service API v1.19, "Querying", "Third-party networks"; client-server API, "Pinging".
 */
import { performance } from "node:perf_hooks";
import { isObject, itemsOf, type JsonObject, type JsonValue } from "../core/json.js";
import type { Log } from "../runtime/log.js";
import type { Account } from "../store/accounts.js";
import type { Network } from "../store/directory.js";
import type { Store } from "../store/store.js";
import { askService, isGood, jsonOf, type ServiceAnswer } from "./app-service-client.js";
import type { AppService, NamespaceName } from "./app-service.js";
import { Failure, forbidden, invalid, notFound } from "./failure.js";
import type { Caller } from "./sessions.js";

/** Somebody waits for the answer, in milliseconds. */
const QUERY_MS = 10_000;
const PING_MS = 30_000;
/** What is shown of an answer that was not good. */
const SHOWN = 2_000;

export class AppServices {
  readonly all: readonly AppService[];
  readonly #store: Store;
  readonly #log: Log;
  readonly #byToken: ReadonlyMap<string, AppService>;
  /** Questions under way: many ask for one new user at once. */
  readonly #asking = new Map<string, Promise<boolean>>();
  #tellAlive: (id: string) => void = () => undefined;

  constructor(all: readonly AppService[], store: Store, log: Log) {
    this.all = all;
    this.#store = store;
    this.#log = log;
    this.#byToken = new Map(all.map((service) => [service.asToken, service]));
  }

  /** Makes the accounts that services have of their own, where they are not there yet. */
  async prepare(): Promise<void> {
    for (const { sender } of this.all)
      if ((await this.#store.accounts.get(sender)) === undefined)
        await this.#store.accounts.create(sender, undefined, false);
  }

  byToken(token: string): AppService | undefined {
    return this.#byToken.get(token);
  }

  /** @param listener hears of a service that has answered a ping */
  onAlive(listener: (id: string) => void): void {
    this.#tellAlive = listener;
  }

  /** @throws Failure M_EXCLUSIVE for what is another's, or is not in the namespaces of the service that asks */
  assertMayMake(namespace: NamespaceName, id: string, asking: AppService | undefined): void {
    const isOutside =
      asking !== undefined && !(namespace === "users" ? asking.coversUser(id) : asking.covers(namespace, id));
    if (isOutside || this.all.some((service) => service !== asking && service.owns(namespace, id)))
      throw new Failure("M_EXCLUSIVE", `${id} is reserved, or not in your namespace`);
  }

  /** An account that is there, or that the service of its namespace makes when it is asked. */
  async account(userId: string): Promise<Account | undefined> {
    const known = await this.#store.accounts.get(userId);
    if (known !== undefined || !(await this.#find("users", userId))) return known;
    return this.#store.accounts.get(userId);
  }

  /** Where an alias leads, after asking the service of its namespace when it leads nowhere. */
  async alias(alias: string): Promise<string | undefined> {
    const known = await this.#store.directory.alias(alias);
    if (known !== undefined || !(await this.#find("aliases", alias))) return known?.roomId;
    return (await this.#store.directory.alias(alias))?.roomId;
  }

  /**
   * Whether the service can be reached.
   *
   * @returns how long it took, in milliseconds
   * @throws Failure M_URL_NOT_SET, M_FORBIDDEN, M_BAD_STATUS, M_CONNECTION_FAILED, M_CONNECTION_TIMEOUT
   */
  async ping(id: string, caller: Caller, transactionId: string | undefined): Promise<number> {
    const { service } = caller;
    if (service === undefined || service.id !== id) throw forbidden("that is not your service");
    if (service.url === null) throw new Failure("M_URL_NOT_SET", "the registration has no `url`");
    const startedAt = performance.now();
    const body = JSON.stringify(transactionId === undefined ? {} : { transaction_id: transactionId });
    let answer: ServiceAnswer;
    try {
      answer = await askService(service, "POST", "/ping", { body, timeoutMs: PING_MS });
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError")
        throw new Failure("M_CONNECTION_TIMEOUT", `no answer within ${PING_MS} ms`);
      throw new Failure(
        "M_CONNECTION_FAILED",
        error instanceof Error ? error.message : "the connection failed",
      );
    }
    if (!isGood(answer)) {
      const { status, text } = answer;
      throw new BadStatus(status, text.slice(0, SHOWN));
    }
    this.#tellAlive(id);
    return Math.round(performance.now() - startedAt);
  }

  /** What is known of the networks that services bridge to, by protocol. */
  async protocols(): Promise<Readonly<Record<string, JsonObject>>> {
    const names = [...new Set(this.all.flatMap(({ protocols }) => protocols))];
    const found = await Promise.all(names.map(async (name) => [name, await this.#protocol(name)] as const));
    return Object.fromEntries(found.flatMap(([name, about]) => (about === undefined ? [] : [[name, about]])));
  }

  /** @throws Failure M_NOT_FOUND for one that no service speaks */
  async protocol(name: string): Promise<JsonObject> {
    const found = await this.#protocol(name);
    if (found === undefined) throw notFound("no service speaks that protocol");
    return found;
  }

  /**
   * Places or people of other networks.
   *
   * @param path `/location/irc`, `/user`
   * @param protocol those services only that speak it
   * @throws Failure M_NOT_FOUND when no service knows any
   */
  async lookUp(
    path: string,
    query: Readonly<Record<string, string>>,
    protocol?: string,
  ): Promise<JsonObject[]> {
    const asked = this.all.filter(({ protocols }) => protocol === undefined || protocols.includes(protocol));
    const target = `/thirdparty${path}?${new URLSearchParams(query).toString()}`;
    const answers = await Promise.all(asked.map((service) => this.#ask(service, target)));
    const found = answers.flatMap((answer) => itemsOf(answer).filter(isObject));
    if (found.length === 0) throw notFound("no service knows any");
    return found;
  }

  async #protocol(name: string): Promise<JsonObject | undefined> {
    const speakers = this.all.filter(({ protocols }) => protocols.includes(name));
    const answers = await Promise.all(
      speakers.map(async (service) => {
        const about = await this.#ask(service, `/thirdparty/protocol/${encodeURIComponent(name)}`);
        if (!isObject(about)) return undefined;
        const instances = itemsOf(about["instances"]).filter(isObject);
        return { ...about, instances: instances.map((instance) => withInstanceId(instance, service.id)) };
      }),
    );
    const found = answers.filter((about) => about !== undefined);
    const [first] = found;
    return first && { ...first, instances: found.flatMap(({ instances }) => instances) };
  }

  #find(namespace: "users" | "aliases", id: string): Promise<boolean> {
    const services = this.all.filter((service) => service.covers(namespace, id) && service.url !== null);
    if (services.length === 0) return Promise.resolve(false);
    const key = `${namespace} ${id}`;
    const underWay = this.#asking.get(key);
    if (underWay !== undefined) return underWay;
    const path = `/${namespace === "users" ? "users" : "rooms"}/${encodeURIComponent(id)}`;
    const asking = (async () => {
      for (const service of services) if ((await this.#ask(service, path)) !== undefined) return true;
      return false;
    })().finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  /** @returns undefined where the service has nothing to say, or does not answer: then nobody is held up by it */
  async #ask(service: AppService, path: string): Promise<JsonValue | undefined> {
    if (service.url === null) return undefined;
    try {
      const answer = await askService(service, "GET", path, { timeoutMs: QUERY_MS });
      if (isGood(answer)) return jsonOf(answer) ?? {};
      if (answer.status !== 404)
        this.#log.warn("an application service refuses a question", {
          service: service.id,
          status: answer.status,
        });
    } catch (error) {
      this.#log.warn("an application service does not answer", { service: service.id, error });
    }
    return undefined;
  }
}

/** @throws Failure M_INVALID_PARAM for what was never given as an instance's id */
export function networkOf(instanceId: string): Network {
  const [, service, network] = /^(.+)\|([^|]+)$/.exec(instanceId) ?? [];
  if (service === undefined || network === undefined) throw invalid("no instance has that id");
  return { service, network };
}

function withInstanceId(instance: JsonObject, serviceId: string): JsonObject {
  const network = instance["network_id"];
  return typeof network === "string" ? { ...instance, instance_id: `${serviceId}|${network}` } : instance;
}

/** The answer has a `status` of its own: that of the service. */
class BadStatus extends Failure {
  readonly #told: { readonly status: number; readonly body: string };

  constructor(status: number, body: string) {
    super("M_BAD_STATUS", `the service answered ${status}`);
    this.#told = { status, body };
  }

  override toJSON(): JsonObject {
    return { ...super.toJSON(), ...this.#told };
  }
}
