/**
 * What is behind links that people send, for those who see them. The server asks in their place, so an operator has to
 * want it; and it asks nothing of the operator's own networks, whatever a link, a name or a redirection says.
 * Source: Matrix client-server API v1.18, "GET /_matrix/client/v1/media/preview_url".
 */
import type { ServerConfig } from "../../shared/server-config.js";
import type { JsonObject } from "../core/json.js";
import { pictureKindOf, pictureSizeOf } from "../core/picture.js";
import { previewOf } from "../core/page-preview.js";
import { InTurn } from "../runtime/in-turn.js";
import type { Log } from "../runtime/log.js";
import { NotAllowedAddressError, Outbound, type Page } from "../runtime/outbound.js";
import { Failure } from "./failure.js";
import type { Media } from "./media.js";

const HTML = /^(text\/html|application\/xhtml\+xml)\s*(;|$)/i;
/** Of a page, its head matters; of a picture, all; of other things, nothing. */
const mostBytesOf = (type: string): number => {
  if (HTML.test(type)) return 524_288;
  return /^image\//i.test(type) ? 5_242_880 : 0;
};
const MOST_REDIRECTIONS = 5;
const MOST_AT_ONCE = 8;
/** How long an answer stands, and one that there is none, in milliseconds. */
const FRESH_MS = 60 * 60_000;
const FAILED_MS = 5 * 60_000;
const MOST_KEPT = 1_000;
const RETRY_MS = 2_000;
/** The pictures of previews go after so long, in milliseconds: clients keep what they show. */
const PICTURE_MS = 7 * 24 * 60 * 60_000;
/** Whose the pictures are: nobody's. */
const NOBODY = "";

const HEADERS = {
  "user-agent": "Mozilla/5.0 (compatible; imcloud link preview)",
  accept: "text/html,application/xhtml+xml,image/*;q=0.8,*/*;q=0.1",
};

type Kept = { readonly until: number } & ({ readonly preview: JsonObject } | { readonly failure: Failure });

export class UrlPreviews {
  readonly #outbound: Outbound;
  readonly #media: Media;
  readonly #log: Log;
  readonly #settings: ServerConfig["previews"];
  readonly #turns = new InTurn();
  /** By URL, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #underWay = 0;

  constructor(media: Media, log: Log, settings: ServerConfig["previews"]) {
    const { allowedNetworks, ports } = settings;
    this.#outbound = new Outbound(allowedNetworks, { isPlainAllowed: true, ports });
    this.#media = media;
    this.#log = log;
    this.#settings = settings;
  }

  /**
   * @returns OpenGraph's properties; none of what is neither a page nor a picture
   * @throws Failure M_UNRECOGNIZED where it is turned off; M_INVALID_PARAM, M_FORBIDDEN, M_UNKNOWN (502),
   * M_LIMIT_EXCEEDED
   */
  async get(text: string): Promise<JsonObject> {
    if (!this.#settings.enabled)
      throw new Failure("M_UNRECOGNIZED", "this server shows no previews of links");
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new Failure("M_INVALID_PARAM", "no URL of the web");
    url.hash = "";
    return this.#turns.run(url.href, async () => {
      const kept = this.#kept.get(url.href) ?? { until: 0 };
      const found = kept.until > Date.now() ? kept : await this.#keep(url.href);
      if ("preview" in found) return found.preview;
      throw "failure" in found ? found.failure : new Error("nothing was kept");
    });
  }

  /** Removes pictures whose time is over. @param now milliseconds since 1970 */
  async tidy(now = Date.now()): Promise<void> {
    await this.#media.deleteAll(NOBODY, now - PICTURE_MS);
  }

  async #keep(url: string): Promise<Kept> {
    if (this.#underWay >= MOST_AT_ONCE)
      throw new Failure("M_LIMIT_EXCEEDED", "too many links are being looked at", {
        retry_after_ms: RETRY_MS,
      });
    this.#underWay += 1;
    try {
      const kept = await this.#look(url);
      this.#kept.delete(url);
      this.#kept.set(url, kept);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
      return kept;
    } finally {
      this.#underWay -= 1;
    }
  }

  async #look(url: string): Promise<Kept> {
    try {
      return { until: Date.now() + FRESH_MS, preview: await this.#preview(url) };
    } catch (error) {
      this.#log.debug("a link has no preview", { error });
      const failure =
        error instanceof NotAllowedAddressError
          ? new Failure("M_FORBIDDEN", "the link leads where this server does not look")
          : new Failure("M_UNKNOWN", "there was no answer that could be read", { status: 502 });
      return { until: Date.now() + FAILED_MS, failure };
    }
  }

  async #preview(url: string): Promise<JsonObject> {
    const { page, address } = await this.#fetch(url);
    if (!HTML.test(page.type)) return this.#keepPicture(page);
    const { properties, image, imageAlt } = previewOf(page.bytes, page.type);
    if (image === undefined || !URL.canParse(image, address)) return { ...properties };
    const picture = await this.#pictureAt(new URL(image, address).href);
    return {
      ...{ ...properties, ...picture },
      ...(imageAlt !== undefined && picture["og:image"] !== undefined && { "og:image:alt": imageAlt }),
    };
  }

  /** A page without its picture is worth showing too. */
  async #pictureAt(url: string): Promise<JsonObject> {
    try {
      return await this.#keepPicture((await this.#fetch(url)).page);
    } catch (error) {
      this.#log.debug("a preview has no picture", { error });
      return {};
    }
  }

  async #keepPicture({ bytes, isWhole }: Page): Promise<JsonObject> {
    const kind = pictureKindOf(bytes);
    if (kind === undefined || !isWhole) return {};
    const type = `image/${kind}`;
    const size = pictureSizeOf(bytes);
    const body = new Blob([Uint8Array.from(bytes)]).stream();
    const mediaId = await this.#media.upload({ userId: NOBODY, body, type });
    return {
      "og:image": this.#media.uriOf(mediaId),
      "og:image:type": type,
      ...(size !== undefined && { "og:image:width": size.width, "og:image:height": size.height }),
      "matrix:image:size": bytes.byteLength,
    };
  }

  /** Follows redirections; each is judged as if it had been asked for. @returns also where it was found in the end */
  async #fetch(url: string): Promise<{ page: Page; address: string }> {
    const deadline = performance.now() + this.#settings.timeoutMs;
    let address = url;
    for (let left = MOST_REDIRECTIONS; left >= 0; left--) {
      const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
      const page = await this.#outbound.get(address, HEADERS, mostBytesOf, leftMs);
      if (page.status >= 300 && page.status < 400 && page.location !== undefined) address = page.location;
      else if (page.status === 200) return { page, address };
      else throw new Error(`answered by ${page.status}`);
    }
    throw new Error("too many redirections");
  }
}
