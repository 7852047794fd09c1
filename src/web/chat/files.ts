/**
 * Files as messages: pictures with their size and, where the server cannot make one, a small picture of them.
 * Sources: Matrix client-server API v1.19, "m.image" and so on; MSC3245 and MSC1767 for voice messages.
 */
import { signal, type Signal } from "@preact/signals";
import { EventType, type Room } from "matrix-js-sdk";
import type { Chat } from "./chat.js";
import type { Source } from "./media.js";

/** A recording: its length in milliseconds, and up to a hundred loudnesses from 0 to 1,024. */
export interface Voice {
  readonly length: number;
  readonly waveform: readonly number[];
}

/** Largest picture that stands for a larger one, in pixels. */
const SMALL = { width: 800, height: 600 };

/** @throws MatrixError when the server does not take the file */
async function sendFile(
  chat: Chat,
  room: Room,
  file: File,
  threadId: string | null,
  onProgress: (part: number) => void,
  voice?: Voice,
): Promise<void> {
  const isEncrypted = room.hasEncryptionStateEvent();
  onProgress(0);
  try {
    const kind = file.type.split("/")[0] ?? "";
    const details = kind === "image" ? await pictureDetails(chat, file, isEncrypted) : {};
    const source = await chat.media.upload(file, file.name, isEncrypted, onProgress);
    await chat.client.sendEvent(room.roomId, threadId, EventType.RoomMessage, {
      msgtype: { image: "m.image", video: "m.video", audio: "m.audio" }[kind] ?? "m.file",
      body: file.name,
      filename: file.name,
      ...source,
      info: {
        mimetype: file.type === "" ? "application/octet-stream" : file.type,
        size: file.size,
        ...(voice !== undefined && { duration: voice.length }),
        ...details,
      },
      "m.mentions": {},
      ...(voice !== undefined && {
        "org.matrix.msc1767.audio": { duration: voice.length, waveform: voice.waveform },
        "org.matrix.msc3245.voice": {},
      }),
    } as never);
  } finally {
    onProgress(1);
  }
}

/** What no browser can draw is sent as it is. */
async function pictureDetails(
  chat: Chat,
  file: File,
  isEncrypted: boolean,
): Promise<Record<string, unknown>> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return {};
  }
  const { width: w, height: h } = bitmap;
  const small = isEncrypted ? await smaller(bitmap) : undefined;
  bitmap.close();
  if (small === undefined) return { w, h };
  const source: Source = await chat.media.upload(small.blob, "thumbnail", true);
  return {
    ...{ w, h },
    thumbnail_file: source.file,
    thumbnail_info: { w: small.width, h: small.height, mimetype: small.blob.type, size: small.blob.size },
  };
}

async function smaller(
  bitmap: ImageBitmap,
): Promise<{ blob: Blob; width: number; height: number } | undefined> {
  const scale = Math.min(1, SMALL.width / bitmap.width, SMALL.height / bitmap.height);
  if (scale === 1) return undefined;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  return blob === null ? undefined : { blob, width: canvas.width, height: canvas.height };
}

/** A file on its way. */
export interface Upload {
  readonly id: number;
  readonly room: Room;
  readonly file: File;
  readonly threadId: string | null;
  readonly voice?: Voice | undefined;
  /** How much of it is on the server, from 0 to 1. */
  readonly part: number;
  /** It was tried, and waits for somebody to say what becomes of it. */
  readonly hasFailed: boolean;
}

/** Files go one after the other, in the order in which they were chosen; one that failed is kept, and not in the way. */
export class Uploads {
  readonly list: Signal<readonly Upload[]> = signal([]);
  readonly #chat: Chat;
  #isSending = false;
  #count = 0;

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  add(room: Room, file: File, threadId: string | null, voice?: Voice): void {
    const id = (this.#count += 1);
    this.list.value = [...this.list.value, { id, room, file, threadId, voice, part: 0, hasFailed: false }];
    void this.#send();
  }

  retry(id: number): void {
    this.#change(id, { hasFailed: false, part: 0 });
    void this.#send();
  }

  discard(id: number): void {
    this.list.value = this.list.value.filter((it) => it.id !== id);
  }

  /** It never fails: what did not go is marked. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { id, room, file, threadId, voice } = next;
      try {
        await sendFile(this.#chat, room, file, threadId, (part) => this.#change(id, { part }), voice);
        this.discard(id);
      } catch (error) {
        console.info("a file was not sent", error);
        this.#change(id, { hasFailed: true });
      }
    }
    this.#isSending = false;
  }

  #next(): Upload | undefined {
    return this.list.value.find(({ hasFailed }) => !hasFailed);
  }

  #change(id: number, change: Partial<Upload>): void {
    this.list.value = this.list.value.map((it) => (it.id === id ? { ...it, ...change } : it));
  }
}
