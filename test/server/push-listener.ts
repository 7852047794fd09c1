/** What stands at the other end of pushers in tests: a gateway, a browser's push service or a distributor. */
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";

export interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly json: Record<string, unknown>;
}

export class PushListener {
  readonly received: Received[] = [];
  /** What the next requests are answered with. */
  answer: () => Response | Promise<Response> = () => Response.json({ rejected: [] });
  readonly #server: ReturnType<typeof Bun.serve>;
  #heard: (() => void)[] = [];

  constructor() {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const body = Buffer.from(await request.arrayBuffer());
        const text = body.toString("utf8");
        const isJson = request.headers.get("content-type")?.startsWith("application/json") === true;
        // Encrypted bytes may begin with anything.
        const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
        this.received.push({ path: new URL(request.url).pathname, headers: request.headers, body, json });
        const response = await this.answer();
        for (const tell of this.#heard.splice(0)) tell();
        return response;
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port ?? 0}`;
  }

  get notifyUrl(): string {
    return `${this.url}/_matrix/push/v1/notify`;
  }

  /** Resolves with all that was received, once it is so many. */
  async atLeast(count: number, timeoutMs = 10_000): Promise<readonly Received[]> {
    const deadline = performance.now() + timeoutMs;
    while (this.received.length < count) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`${this.received.length} of ${count} within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.received;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }
}

/** A browser's side of Web Push. Source: RFC 8291. */
export class Subscription {
  readonly #ecdh = createECDH("prime256v1");
  readonly #auth = randomBytes(16);

  constructor() {
    this.#ecdh.generateKeys();
  }

  get p256dh(): string {
    return this.#ecdh.getPublicKey("base64url");
  }

  get auth(): string {
    return this.#auth.toString("base64url");
  }

  read(body: Buffer): Record<string, unknown> {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body.readUInt8(20));
    const encrypted = body.subarray(21 + sender.byteLength);
    const derive = (secret: Buffer, with_: Buffer, info: Buffer, bytes: number) =>
      Buffer.from(hkdfSync("sha256", secret, with_, info, bytes));
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#ecdh.getPublicKey(), sender]);
    const material = derive(this.#ecdh.computeSecret(sender), this.#auth, info, 32);
    const key = derive(material, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
    const nonce = derive(material, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce);
    decipher.setAuthTag(encrypted.subarray(-16));
    const plain = Buffer.concat([decipher.update(encrypted.subarray(0, -16)), decipher.final()]);
    return JSON.parse(plain.subarray(0, plain.lastIndexOf(2)).toString("utf8")) as Record<string, unknown>;
  }
}
