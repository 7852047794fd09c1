/**
 * Requests that the server makes because a client named an address: they reach the internet, and of the operator's
 * own networks only those that a setting names.
 *
 * Otherwise anybody with an account could let the server speak to routers and printers, and to what listens on
 * its own loopback. The address is judged that the connection then goes to, so a name that answers with another one
 * the next time gains nothing; and no redirection is followed by itself.
 * Source of the networks: IANA IPv4 and IPv6 Special-Purpose Address Registries.
 */
import { lookup } from "node:dns";
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { readBody, type Body } from "./read-body.js";
import { within } from "./within.js";

const SPECIAL: readonly string[] = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"],
  ...["203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  // Of IPv6 all but 2000::/3, and of that what carries IPv4 or is for examples.
  ...["::/3", "4000::/2", "8000::/1", "2001::/32", "2001:db8::/32", "2002::/16"],
];
/** What is read of an answer. */
const ANSWER_BYTES = 65_536;

export interface Answer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
}

export interface Page extends Body {
  readonly status: number;
  /** Empty where none is said. */
  readonly type: string;
  /** Where it says that it is to be found, absolute; nobody has asked there yet. */
  readonly location?: string;
}

export interface Rules {
  /** Whether the internet may be asked without TLS. */
  readonly isPlainAllowed?: boolean;
  /** Default: all. */
  readonly ports?: readonly number[];
}

/** The address may not be asked; the message names no address that a name stands for. */
export class NotAllowedAddressError extends Error {
  override readonly name = "NotAllowedAddressError";
}

export class Outbound {
  readonly #special = blockList(SPECIAL);
  readonly #allowed: BlockList;
  readonly #mayBePlain: boolean;
  readonly #rules: Rules;

  /** @param networks of the operator's own that may be reached too, and without TLS: `192.168.1.0/24` */
  constructor(networks: readonly string[], rules: Rules = {}) {
    this.#allowed = blockList(networks);
    this.#mayBePlain = networks.length > 0 || rules.isPlainAllowed === true;
    this.#rules = rules;
  }

  /** Whether the URL is of a kind that may be asked; where its name leads, only the request finds out. */
  mayAsk(text: string): boolean {
    if (!URL.canParse(text)) return false;
    const url = new URL(text);
    if (url.username !== "" || url.password !== "") return false;
    const isSecure = url.protocol === "https:";
    const { ports } = this.#rules;
    if (ports !== undefined && !ports.includes(Number(url.port || (isSecure ? 443 : 80)))) return false;
    const address = hostOf(url);
    if (isIP(address) !== 0 && !this.#mayReach(address, isSecure)) return false;
    return isSecure || (url.protocol === "http:" && this.#mayBePlain);
  }

  /** @throws NotAllowedAddressError, or the connection's error; after `timeoutMs` in any case */
  async post(
    text: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    timeoutMs: number,
  ): Promise<Answer> {
    const length = String(Buffer.byteLength(body));
    const options = { method: "POST", headers: { ...headers, "content-length": length } };
    const { status, bytes } = await this.#ask(text, options, body, () => ANSWER_BYTES, timeoutMs);
    return { status, text: bytes.toString("utf8") };
  }

  /**
   * Asks for what is at an address, and no further: where a redirection leads, the caller has to ask anew.
   *
   * @param mostBytes of the body, unpacked, by its content type; the rest is not read
   * @throws NotAllowedAddressError, or the connection's error; after `timeoutMs` in any case
   */
  get(
    text: string,
    headers: Readonly<Record<string, string>>,
    mostBytes: (type: string) => number,
    timeoutMs: number,
  ): Promise<Page> {
    const options = {
      headers: { ...headers, "accept-encoding": "gzip, deflate, br" },
      // No connection is used again that another's rules have let through.
      agent: false,
    } as const;
    return this.#ask(text, options, undefined, mostBytes, timeoutMs);
  }

  async #ask(
    text: string,
    options: RequestOptions,
    body: string | Uint8Array | undefined,
    mostBytes: (type: string) => number,
    timeoutMs: number,
  ): Promise<Page> {
    if (!this.mayAsk(text)) throw new NotAllowedAddressError("the URL may not be asked");
    const url = new URL(text);
    const isSecure = url.protocol === "https:";
    const work = new Promise<Page>((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(
        url,
        { ...options, signal: AbortSignal.timeout(timeoutMs), lookup: this.#lookup(isSecure) },
        (response) => {
          const { location, "content-type": type = "" } = response.headers;
          const status = response.statusCode ?? 0;
          readBody(response, mostBytes(type)).then(
            (read) =>
              resolve({
                ...{ ...read, status, type },
                ...(location !== undefined &&
                  URL.canParse(location, text) && { location: new URL(location, text).href }),
              }),
            reject,
          );
        },
      );
      request.on("error", reject);
      request.end(body);
    });
    return within(timeoutMs, "no answer", work);
  }

  /** Node's own, less the addresses that may not be reached. */
  #lookup(isSecure: boolean): LookupFunction {
    return (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, "");
        const [first, ...others] = found.filter(({ address }) => this.#mayReach(address, isSecure));
        if (first === undefined)
          return callback(
            new NotAllowedAddressError(`${hostname} leads to no address that may be asked`),
            "",
          );
        if (options.all === true) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      });
    };
  }

  #mayReach(address: string, isSecure: boolean): boolean {
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
    const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
    if (this.#allowed.check(plain, family)) return true;
    return (isSecure || this.#rules.isPlainAllowed === true) && !this.#special.check(plain, family);
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

/** Without the brackets that a URL puts around IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
