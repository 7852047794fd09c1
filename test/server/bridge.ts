/** What stands at the other end of the server's application services in tests, and the files that register it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { callApi } from "./test-server.js";

interface WireEvent {
  readonly type: string;
  readonly event_id: string;
  readonly room_id: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: Record<string, unknown>;
  readonly origin_server_ts: number;
  readonly unsigned?: { readonly prev_content?: Record<string, unknown> };
}

interface Ephemeral {
  readonly type: string;
  readonly room_id?: string;
  readonly sender?: string;
  readonly content: Record<string, unknown>;
}

interface Transaction {
  readonly id: string;
  readonly body: { readonly events: readonly WireEvent[]; readonly ephemeral?: readonly Ephemeral[] };
}

type Answer = (path: string, query: URLSearchParams) => Response | undefined | Promise<Response | undefined>;

/** Short, so that the server's waits of a failure are. */
const TIMEOUT_MS = 15_000;

/** A bridge: takes transactions, and answers what a test has it answer. */
export class Bridge implements AsyncDisposable {
  /** In the order in which they came, repetitions too. */
  readonly transactions: Transaction[] = [];
  /** What was asked beside transactions: `GET /users/@irc_ann:hs1`. */
  readonly asked: string[] = [];
  readonly authorisations = new Set<string | null>();
  /** What transactions are answered with. */
  take: (id: string) => Response | Promise<Response> = () => Response.json({});
  answer: Answer = () => undefined;
  #server: ReturnType<typeof Bun.serve>;
  readonly #port: number;
  #heard: (() => void)[] = [];

  constructor() {
    this.#server = this.#listen(0);
    this.#port = this.#server.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Of all that was taken, each once, as its transaction's name says. */
  get events(): WireEvent[] {
    const byId = new Map(this.transactions.map(({ id, body }) => [id, body.events]));
    return [...byId.values()].flat();
  }

  get ephemeral(): Ephemeral[] {
    return this.transactions.flatMap(({ body }) => body.ephemeral ?? []);
  }

  get texts(): unknown[] {
    return this.events.filter(({ type }) => type === "m.room.message").map(({ content }) => content["body"]);
  }

  /** Resolves when a condition holds; looked at whenever something was asked. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!condition()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`not within ${TIMEOUT_MS} ms: ${condition.toString()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Nobody listens any more; {@link start} listens at the same port. */
  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  start(): void {
    this.#server = this.#listen(this.#port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #listen(port: number) {
    return Bun.serve({ hostname: "127.0.0.1", port, fetch: (request) => this.#handle(request) });
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const path = decodeURIComponent(pathname.replace(/^\/_matrix\/app\/v1/, ""));
    this.authorisations.add(request.headers.get("authorization"));
    const id = /^\/transactions\/(.+)$/.exec(path)?.[1];
    let response: Response;
    if (id !== undefined) {
      const body = (await request.json()) as Transaction["body"];
      response = await this.take(id);
      this.transactions.push({ id, body });
    } else {
      this.asked.push(`${request.method} ${path}`);
      response =
        (await this.answer(path, searchParams)) ??
        Response.json({ errcode: "M_NOT_FOUND", error: "not here" }, { status: 404 });
    }
    for (const tell of this.#heard.splice(0)) tell();
    return response;
  }
}

/** Registration files, in a folder of their own. */
export class Registrations implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "imcloud-bridges-"));

  /** @returns the file's path */
  write(name: string, registration: object | string): string {
    const path = join(this.folder, `${name}.yaml`);
    writeFileSync(path, typeof registration === "string" ? registration : stringify(registration));
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** What the registration of a bridge to `irc` says. */
export const irc = (url: string | null, more: object = {}) => ({
  id: "irc",
  url,
  as_token: "as token of irc",
  hs_token: "hs token of irc",
  sender_localpart: "ircbot",
  namespaces: {
    users: [{ exclusive: true, regex: "@irc_.*:hs1" }],
    aliases: [{ exclusive: true, regex: "#irc_.*:hs1" }],
    rooms: [],
  },
  rate_limited: false,
  ...more,
});

/** A service's calls, as itself or as one of its users. */
export class ServiceClient {
  readonly #url: string;
  readonly #token: string;
  readonly #as: Record<string, string>;

  /** @param as `{ user_id: "@irc_ann:hs1" }` */
  constructor(url: string, token: string, as: Record<string, string> = {}) {
    this.#url = url;
    this.#token = token;
    this.#as = as;
  }

  as(userId: string, more: Record<string, string> = {}): ServiceClient {
    return new ServiceClient(this.#url, this.#token, { user_id: userId, ...more });
  }

  /** @throws ApiError when the answer is an error */
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const query = new URLSearchParams(this.#as).toString();
    const target = query === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`;
    return callApi<T>(this.#url, method, target, body, this.#token);
  }

  /** Makes a user of the service. */
  register(username: string): Promise<Record<string, unknown>> {
    const type = "m.login.application_service";
    return this.call("POST", "register", { type, username, inhibit_login: true });
  }
}
