/**
 * Pictures, films and files that people send.
 * Source: Matrix client-server API v1.19, "Content repository".
 */
import { EventEmitter, once } from "node:events";
import { dirname, join } from "node:path";
import type { ServerConfig } from "../../shared/server-config.js";
import { newToken } from "../core/ids.js";
import type { ThumbnailWish } from "../core/thumbnail-box.js";
import { BrokenOffError, ContentFiles, TooMuchError } from "../runtime/files.js";
import type { Media as StoredMedia, MediaContent, MediaWrite } from "../store/media.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, notFound } from "./failure.js";
import { Thumbnails, type Thumbnail } from "./thumbnails.js";

/** A place that was taken is free again after a day; "at least 24 hours" is what the specification asks for. */
const UNUSED_MS = 24 * 60 * 60_000;
const MOST_UNUSED = 20;
/** Media that are looked at together. */
const PAGE = 100;

/** For a content that somebody is still uploading. */
export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
}

export interface Upload {
  readonly userId: string;
  readonly body: ReadableStream<Uint8Array> | null;
  /** As the client says; it may say nothing, or lie. */
  readonly declaredBytes?: number;
  readonly type: string;
  readonly name?: string;
}

/** @returns undefined where there is none: with PostgreSQL it has to be named */
export function mediaFolderOf({ media, store }: Pick<ServerConfig, "media" | "store">): string | undefined {
  return media.folder ?? (store.kind === "sqlite" ? join(dirname(store.path), "media") : undefined);
}

export class Media {
  readonly #store: Store;
  readonly #limits: ServerConfig["media"];
  readonly #serverName: string;
  readonly #files: ContentFiles | undefined;
  readonly #thumbnails: Thumbnails | undefined;
  /** Tells of each place, by its id, that it has been filled. */
  readonly #filled = new EventEmitter().setMaxListeners(0);

  constructor(store: Store, config: Pick<ServerConfig, "media" | "store" | "serverName">) {
    this.#store = store;
    this.#limits = config.media;
    this.#serverName = config.serverName;
    const folder = mediaFolderOf(config);
    if (folder === undefined) return;
    this.#files = new ContentFiles(folder);
    this.#thumbnails = new Thumbnails(this.#files, (hash) => store.media.isUsed(hash));
  }

  async tidy(): Promise<void> {
    await this.#files?.tidy();
  }

  async stop(): Promise<void> {
    await this.#thumbnails?.stop();
  }

  uriOf(mediaId: string): string {
    return `mxc://${this.#serverName}/${mediaId}`;
  }

  /** @returns the new content's id. @throws Failure M_TOO_LARGE, M_FORBIDDEN without room for it */
  async upload(upload: Upload): Promise<string> {
    const mediaId = newToken("m");
    await this.#receive(upload, (content) =>
      this.#store.media.add(mediaId, upload.userId, content, this.#limits.userBytes),
    );
    return mediaId;
  }

  /** Takes a place for what is uploaded later. */
  async reserve(userId: string): Promise<{ mediaId: string; expiresAt: number }> {
    const mediaId = newToken("m");
    const now = Date.now();
    if (!(await this.#store.media.reserve(mediaId, userId, MOST_UNUSED, now - UNUSED_MS)))
      throw new Failure("M_LIMIT_EXCEEDED", "you have too many places that nothing was uploaded to", {
        retry_after_ms: UNUSED_MS,
      });
    return { mediaId, expiresAt: now + UNUSED_MS };
  }

  /** @throws Failure M_NOT_FOUND, M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA, and those of {@link upload} */
  async fill(mediaId: string, upload: Upload): Promise<void> {
    const place = await this.#store.media.get(mediaId);
    if (place === undefined || isOver(place)) throw notFound("there is no such place");
    if (place.userId !== upload.userId) throw forbidden("another has taken this place");
    if (place.content !== undefined) throw overwriting();
    await this.#receive(upload, (content) =>
      this.#store.media.fill(mediaId, upload.userId, content, this.#limits.userBytes),
    );
    this.#filled.emit(mediaId);
  }

  /**
   * @throws Failure M_NOT_FOUND; M_NOT_YET_UPLOADED for a place that stays without a content
   * @throws Error where the file is not what was uploaded, as far as its size tells
   */
  async find(
    serverName: string,
    mediaId: string,
    patience: Patience,
  ): Promise<MediaContent & { readonly path: string }> {
    const media = serverName === this.#serverName ? await this.#uploaded(mediaId, patience) : undefined;
    if (media === undefined || isOver(media) || media.isQuarantined || this.#files === undefined)
      throw notFound("there is no such media");
    if (media.content === undefined)
      throw new Failure("M_NOT_YET_UPLOADED", "nothing was uploaded there yet");
    const { hash, bytes } = media.content;
    const size = await this.#files.sizeOf(hash);
    if (size === bytes) return { ...media.content, path: this.#files.pathOf(hash) };
    // Deleted meanwhile, or is it the disk?
    if ((await this.#store.media.get(mediaId)) === undefined) throw notFound("there is no such media");
    throw new Error(`media ${hash}: the file is ${size === undefined ? "missing" : "damaged"}`);
  }

  /** What is known of it, at the latest when patience is over. */
  async #uploaded(mediaId: string, { ms, signal }: Patience): Promise<StoredMedia | undefined> {
    const look = () => this.#store.media.get(mediaId);
    const media = await look();
    if (media === undefined || media.content !== undefined || isOver(media)) return media;
    const over = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    const filled = once(this.#filled, mediaId, { signal: over }).catch(() => undefined); // looked at below
    // Before anybody listened?
    if ((await look())?.content === undefined) await filled;
    return look();
  }

  /** @throws Failure those of {@link find}; M_UNKNOWN of what is no picture, M_TOO_LARGE, M_LIMIT_EXCEEDED */
  async thumbnail(
    serverName: string,
    mediaId: string,
    wish: ThumbnailWish,
    patience: Patience,
  ): Promise<Thumbnail> {
    const { hash } = await this.find(serverName, mediaId, patience);
    if (this.#thumbnails === undefined) throw notFound("there is no such media");
    return this.#thumbnails.get(hash, wish);
  }

  /** @throws Failure M_NOT_FOUND */
  async delete(mediaId: string): Promise<void> {
    const deleted = await this.#store.media.delete(mediaId);
    if (deleted === null) throw notFound("there is no such media");
    if (deleted.hash !== undefined) await this.#dropUnused(deleted.hash);
  }

  /**
   * Deletes what an account has uploaded.
   *
   * @param before only what is older, in milliseconds since 1970
   * @returns how many
   */
  async deleteAll(userId: string, before = Infinity): Promise<number> {
    let deleted = 0;
    for (let after = ""; ;) {
      const page = await this.#store.media.page(userId, after, PAGE);
      for (const { mediaId, createdAt } of page) {
        if (createdAt >= before) continue;
        await this.delete(mediaId);
        deleted += 1;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return deleted;
      after = last.mediaId;
    }
  }

  /**
   * Takes a content out of sight, or puts it back: of everybody who has uploaded it, and who will.
   *
   * @throws Failure M_NOT_FOUND
   */
  async quarantine(mediaId: string, isQuarantined: boolean): Promise<number> {
    const media = await this.#store.media.get(mediaId);
    if (media?.content === undefined) throw notFound("there is no such media");
    return this.#store.media.quarantine(media.content.hash, isQuarantined);
  }

  async #dropUnused(hash: string): Promise<void> {
    await this.#files?.remove(hash, async () => !(await this.#store.media.isUsed(hash)));
  }

  async #receive(
    { body, declaredBytes, type, name }: Upload,
    record: (content: MediaContent) => Promise<MediaWrite>,
  ): Promise<void> {
    if (this.#files === undefined)
      throw new Failure("M_UNKNOWN", "this server has no folder for media", { status: 503 });
    const { uploadBytes } = this.#limits;
    if (declaredBytes !== undefined && declaredBytes > uploadBytes) throw tooLarge(uploadBytes);
    const { hash, outcome } = await this.#files
      .receive(body, uploadBytes, async (file) => ({
        hash: file.hash,
        outcome: await record({ ...file, type, ...(name !== undefined && { name }) }),
      }))
      .catch((error: unknown) => {
        if (error instanceof BrokenOffError)
          throw new Failure("M_UNKNOWN", "the upload broke off", { status: 400 });
        throw error instanceof TooMuchError ? tooLarge(uploadBytes) : error;
      });
    if (outcome !== "done") await this.#dropUnused(hash);
    refuse(outcome);
  }
}

const isOver = ({ content, createdAt }: StoredMedia): boolean =>
  content === undefined && Date.now() - createdAt > UNUSED_MS;

const tooLarge = (bytes: number) => new Failure("M_TOO_LARGE", `an upload has at most ${bytes} bytes`);
const overwriting = () => new Failure("M_CANNOT_OVERWRITE_MEDIA", "something was uploaded there already");

function refuse(outcome: MediaWrite): void {
  if (outcome === "full") throw forbidden("there is no more room for your uploads");
  if (outcome === "taken") throw overwriting();
}
