import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, IconButton } from "../ui/icons.jsx";
import { attempt } from "../ui/toasts.jsx";
import { duration, size } from "../ui/when.js";
import { t } from "../words/words.js";
import { linkify } from "./addresses.js";
import { SHOWN } from "./attachment.js";
import { useChat, usePicture } from "./context.js";
import { POLL_STARTS, nameOf, plainBody } from "./describe.js";
import { sanitize } from "./html.js";
import type { EncryptedFile, Source } from "./media.js";
import type { MessageProps } from "./message.jsx";
import { Poll } from "./poll.jsx";

/** What messages hold. Everything may be missing or wrong: others wrote it. */
interface MessageBody {
  readonly msgtype?: string;
  readonly body?: unknown;
  readonly format?: unknown;
  readonly formatted_body?: unknown;
  readonly filename?: unknown;
  readonly url?: unknown;
  readonly file?: EncryptedFile;
  readonly info?: {
    readonly mimetype?: unknown;
    readonly size?: unknown;
    readonly w?: unknown;
    readonly h?: unknown;
    readonly duration?: unknown;
    readonly thumbnail_url?: unknown;
    readonly thumbnail_file?: EncryptedFile;
  };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;

const sourceOf = ({ url, file }: { url?: unknown; file?: EncryptedFile | undefined }): Source => ({
  url: typeof url === "string" ? url : undefined,
  file: typeof file === "object" ? file : undefined,
});

export function Content({ event, room, version }: Pick<MessageProps, "event" | "room" | "version">) {
  if (event.isRedacted()) return <p class="gone">{t("deleted")}</p>;
  if (event.isDecryptionFailure() || (event.getType() === "m.room.encrypted" && !event.isBeingDecrypted()))
    return <p class="gone">{t("notDecrypted")}</p>;
  if (POLL_STARTS.has(event.getType())) return <Poll {...{ event, room, version }} />;
  const content = event.getContent<MessageBody>();
  if (event.getType() === "m.sticker") return <Image content={content} />;
  switch (content.msgtype) {
    case "m.image":
      return <Image content={content} />;
    case "m.video":
      return <Film content={content} />;
    case "m.audio":
      return <Sound content={content} />;
    case "m.file":
      return <File content={content} />;
    case "m.emote":
      return (
        <div class="text is-emote" dir="auto">
          <span>{nameOf(event.getSender() ?? "", room)} </span>
          <Text content={content} plain={plainBody(event)} />
        </div>
      );
    default:
      return (
        <div class={`text ${content.msgtype === "m.notice" ? "is-notice" : ""}`} dir="auto">
          <Text content={content} plain={plainBody(event)} />
        </div>
      );
  }
}

/** Longest text that is shown at once, in UTF-16 units. */
const LONGEST = 20_000;

function Text({ content, plain }: { readonly content: MessageBody; readonly plain: string }) {
  const place = useRef<HTMLDivElement>(null);
  const html =
    content.format === "org.matrix.custom.html" && text(content.formatted_body) !== ""
      ? text(content.formatted_body)
      : undefined;
  useEffect(() => {
    if (html !== undefined) place.current?.replaceChildren(sanitize(html));
  }, [html]);
  if (html !== undefined) return <div ref={place} class="formatted" />;
  const body = plain.slice(0, LONGEST);
  return (
    <p class={isOnlyEmoji(body) ? "only-emoji" : ""}>
      {linkify(body).map((piece) =>
        piece.isLink ? (
          <a key={piece.text} href={piece.text} target="_blank" rel="noopener noreferrer">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </p>
  );
}

/** A few emoji and nothing else are shown large. */
const isOnlyEmoji = (body: string): boolean =>
  body.length < 24 &&
  /^(?:[\p{Extended_Pictographic}\p{Emoji_Component}]|\s)+$/u.test(body) &&
  /\p{Extended_Pictographic}/u.test(body);

/** Largest picture within the conversation, in CSS pixels. */
const WIDEST = 360;
const TALLEST = 320;

/** The picture's size on the page before it is there, so that nothing moves when it comes. */
function boxOf(info: MessageBody["info"]): { readonly width: number; readonly height: number } {
  const [width, height] = [number(info?.w) ?? WIDEST, number(info?.h) ?? TALLEST];
  const scale = Math.min(1, WIDEST / width, TALLEST / height);
  return { width: Math.max(24, Math.round(width * scale)), height: Math.max(24, Math.round(height * scale)) };
}

function Image({ content }: { readonly content: MessageBody }) {
  const box = boxOf(content.info);
  const { info } = content;
  const source =
    info?.thumbnail_file === undefined ? sourceOf(content) : sourceOf({ file: info.thumbnail_file });
  const { address, hasFailed } = usePicture(source, { width: WIDEST, height: TALLEST });
  const [isOpen, setOpen] = useState(false);
  const name = text(content.body);
  if (hasFailed === true) return <File content={content} />;
  return (
    <>
      <button
        type="button"
        class="picture"
        style={{ aspectRatio: `${box.width} / ${box.height}`, width: `${box.width}px` }}
        aria-label={`${t("image")}: ${name}`}
        onClick={() => setOpen(true)}
      >
        {address !== undefined && <img src={address} alt={name} />}
      </button>
      {isOpen && <Lightbox content={content} onClose={() => setOpen(false)} />}
    </>
  );
}

function Lightbox({ content, onClose }: { readonly content: MessageBody; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { address } = usePicture(sourceOf(content));
  const name = text(content.body);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      aria-label={name}
      onClose={onClose}
      onClick={() => dialog.current?.close()}
    >
      {address !== undefined && <img src={address} alt={name} />}
      <footer onClick={(event) => event.stopPropagation()}>
        <span dir="auto">{name}</span>
        <Download content={content} />
        <IconButton icon="close" label={t("close")} onClick={() => dialog.current?.close()} />
      </footer>
    </dialog>
  );
}

/** Played once somebody wants to: until then nothing of it is fetched. */
function Playable({ content, kind }: { readonly content: MessageBody; readonly kind: "audio" | "video" }) {
  const [isWanted, setWanted] = useState(false);
  const { address, hasFailed } = usePicture(isWanted ? sourceOf(content) : undefined);
  const length = number(content.info?.duration);
  if (
    hasFailed === true ||
    (content.info?.mimetype !== undefined && !SHOWN.has(essence(content.info.mimetype)))
  )
    return <File content={content} />;
  const name = "org.matrix.msc3245.voice" in content ? t("voiceMessage") : text(content.body);
  if (address !== undefined)
    return kind === "audio" ? (
      <audio src={address} controls autoplay aria-label={name} />
    ) : (
      <video src={address} controls autoplay aria-label={name} />
    );
  return (
    <button type="button" class="play" onClick={() => setWanted(true)} aria-busy={isWanted}>
      <Icon name="play" />
      <span dir="auto">{name}</span>
      {length !== undefined && <span class="quiet">{duration(length)}</span>}
    </button>
  );
}

const essence = (type: unknown): string => text(type).split(";")[0]?.trim().toLowerCase() ?? "";

const Film = ({ content }: { readonly content: MessageBody }) => <Playable content={content} kind="video" />;
const Sound = ({ content }: { readonly content: MessageBody }) => <Playable content={content} kind="audio" />;

function File({ content }: { readonly content: MessageBody }) {
  const bytes = number(content.info?.size);
  return (
    <div class="file">
      <Icon name="file" />
      <span dir="auto">{text(content.filename) || text(content.body)}</span>
      {bytes !== undefined && <span class="quiet">{size(bytes)}</span>}
      <Download content={content} />
    </div>
  );
}

function Download({ content }: { readonly content: MessageBody }) {
  const { media } = useChat();
  const save = async () => {
    const blob = await media.fetch(sourceOf(content));
    const link = document.createElement("a");
    // A type that runs nothing, whatever the file says of itself.
    link.href = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
    link.download = text(content.filename) || text(content.body) || "file";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  return <IconButton icon="download" label={t("download")} onClick={() => attempt(save())} />;
}
