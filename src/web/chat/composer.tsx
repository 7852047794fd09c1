/**
 * Where one writes. Enter sends, but not while an input method is still composing; on a touch screen it begins a line.
 */
import { useComputed, useSignal } from "@preact/signals";
import type { MatrixEvent, Room } from "matrix-js-sdk";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { EmojiDialog } from "../ui/emoji.jsx";
import { IconButton } from "../ui/icons.jsx";
import { Menu } from "../ui/menu.jsx";
import { tell } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { describeMessage, nameOf, plainBody, shortName } from "./describe.js";
import type { Draft } from "./draft.js";
import { FormattingHelp } from "./formatting-help.jsx";
import { prepareFormatting } from "./formatting.js";
import { UploadList } from "./upload-list.jsx";
import { mentionAt, suggest, type Suggestion } from "./mentions.js";
import { NewPoll } from "./new-poll.jsx";
import { wrap } from "./selection.js";
import { editMessage, sendText } from "./sending.js";
import { VoiceRecorder } from "./voice.jsx";

export interface ComposerProps {
  readonly room: Room;
  readonly draft: Draft;
  /** The thread that it writes to. */
  readonly threadId?: string;
}

/** Between two notices that somebody is typing, and how long one holds, in milliseconds. */
const TYPING_EVERY_MS = 4_000;
const TYPING_HOLDS_MS = 8_000;

/** What the keys of other programs for bold and italic put around words. */
const SIGNS: Readonly<Record<string, string>> = { b: "**", i: "*" };

const isShortcut = ({ ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean =>
  ctrlKey !== metaKey && !altKey && !shiftKey;

const isTouch = matchMedia("(pointer: coarse)").matches;

export function Composer({ room, draft, threadId }: ComposerProps) {
  const chat = useChat();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const isChoosingEmoji = useSignal(false);
  const isMakingPoll = useSignal(false);
  const isHelping = useSignal(false);
  const isRecording = useSignal(false);
  const caret = useSignal(0);
  /** What is to be selected once the text is there. */
  const wanted = useRef<readonly [start: number, end: number] | undefined>(undefined);
  const chosen = useSignal(0);
  const suggestions = useComputed(() => suggest(room, mentionAt(draft.text.value, caret.value)));
  void chat.changes.value;
  const typing = useTyping(room);

  useLayoutEffect(() => {
    if (field.current === null) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight + 2}px`;
    if (wanted.current !== undefined) field.current.setSelectionRange(...wanted.current);
    wanted.current = undefined;
  }, [draft.text.value, isRecording.value]);
  useEffect(() => {
    if (!isTouch || draft.replyTo.value !== undefined || draft.editing.value !== undefined)
      field.current?.focus();
  }, [draft, draft.replyTo.value, draft.editing.value]);

  if (!room.maySendMessage()) return <p class="composer cannot">{t("cannotWrite")}</p>;

  const send = () => {
    const text = draft.text.value.trim();
    if (text === "") return;
    const { value: editing } = draft.editing;
    const { value: replyTo } = draft.replyTo;
    const { named } = draft;
    // That it was not sent is seen at the message itself, which waits for its next chance.
    const sent =
      editing === undefined
        ? sendText(chat.client, room, text, { threadId: threadId ?? null, replyTo, named })
        : editMessage(chat.client, room, editing, text, named);
    draft.finish();
    // What was said is not to wait behind the news that nobody types any more.
    sent
      .catch((error: unknown) => console.info("a message could not be sent yet", error))
      .finally(() => typing.stop());
  };

  const sendFiles = (files: Iterable<File>) => {
    for (const file of files) chat.uploads.add(room, file, threadId ?? null);
  };

  const complete = ({ userId, name }: Suggestion) => {
    const at = mentionAt(draft.text.value, caret.value);
    if (at === undefined) return;
    draft.mention(userId, name);
    const beginning = `${draft.text.value.slice(0, at.start)}@${name} `;
    wanted.current = [beginning.length, beginning.length];
    draft.write(`${beginning}${draft.text.value.slice(caret.value)}`);
    caret.value = beginning.length;
    field.current?.focus();
  };

  const mark = (
    { value: text, selectionStart: start, selectionEnd: end }: HTMLTextAreaElement,
    sign: string,
  ) => {
    const marked = wrap({ text, start, end }, sign);
    wanted.current = [marked.start, marked.end];
    draft.write(marked.text);
    prepareFormatting(marked.text);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // 229: browsers that end composing before they tell of the key. Source: UI Events, "Keyboard Events and IME".
    if (event.isComposing || event.keyCode === 229) return;
    const sign = isShortcut(event) ? SIGNS[event.key.toLowerCase()] : undefined;
    if (sign !== undefined && field.current !== null) {
      event.preventDefault();
      mark(field.current, sign);
      return;
    }
    const { value: offered } = suggestions;
    const pick = offered[chosen.value] ?? offered[0];
    if (pick !== undefined && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      complete(pick);
    } else if (pick !== undefined && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : offered.length - 1;
      chosen.value = (chosen.value + step) % offered.length;
    } else if (event.key === "Enter" && !event.shiftKey && !isTouch) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      if (suggestions.value.length > 0) caret.value = 0;
      else draft.leave();
    } else if (event.key === "ArrowUp" && draft.text.value === "") {
      const last = lastOwn(room, threadId);
      if (last !== undefined) {
        event.preventDefault();
        draft.edit(last, plainBody(last));
      }
    }
  };

  const onInput = (target: HTMLTextAreaElement) => {
    caret.value = target.selectionStart;
    chosen.value = 0;
    draft.write(target.value);
    prepareFormatting(target.value);
    if (target.value === "") typing.stop();
    else typing.start();
  };

  if (isRecording.value)
    return (
      <VoiceRecorder
        onDone={(file, length, waveform) => {
          isRecording.value = false;
          if (file !== undefined) chat.uploads.add(room, file, threadId ?? null, { length, waveform });
        }}
        onTrouble={() => {
          isRecording.value = false;
          tell(t("noMicrophone"), true);
        }}
      />
    );

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        // A dialog's own form is within this one.
        if (event.target === event.currentTarget) send();
      }}
    >
      <Subject draft={draft} room={room} />
      {suggestions.value.length > 0 && (
        <ul class="suggestions" role="listbox" id="suggestions">
          {suggestions.value.map((suggestion, index) => (
            <li
              key={suggestion.userId}
              id={`suggestion-${index}`}
              role="option"
              aria-selected={index === chosen.value}
              onPointerDown={(event) => {
                event.preventDefault();
                complete(suggestion);
              }}
            >
              <span dir="auto">{suggestion.name}</span> <small>{suggestion.userId}</small>
            </li>
          ))}
        </ul>
      )}
      <UploadList room={room} threadId={threadId ?? null} />
      <div class="line">
        <Menu
          icon="add"
          label={t("more")}
          items={[
            { label: t("attach"), icon: "attach", onChoose: () => picker.current?.click() },
            { label: t("newPoll"), icon: "poll", onChoose: () => (isMakingPoll.value = true) },
            { label: t("emoji"), icon: "emoji", onChoose: () => (isChoosingEmoji.value = true) },
            { label: t("formatting"), icon: "text", onChoose: () => (isHelping.value = true) },
          ]}
        />
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label={t("attach")}
          onChange={(event) => {
            sendFiles(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          enterkeyhint={isTouch ? "enter" : "send"}
          aria-label={t("messageTo", { room: shortName(room.name) })}
          placeholder={t("messageTo", { room: shortName(room.name) })}
          aria-controls={suggestions.value.length > 0 ? "suggestions" : undefined}
          aria-activedescendant={suggestions.value.length > 0 ? `suggestion-${chosen.value}` : undefined}
          value={draft.text.value}
          onInput={(event) => onInput(event.currentTarget)}
          onKeyDown={onKeyDown}
          onKeyUp={(event) => (caret.value = event.currentTarget.selectionStart)}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0) return;
            event.preventDefault();
            sendFiles(files);
          }}
        />
        {draft.text.value.trim() === "" ? (
          <IconButton icon="microphone" label={t("record")} onClick={() => (isRecording.value = true)} />
        ) : (
          <IconButton icon="send" label={t("send")} class="primary" onClick={send} />
        )}
      </div>
      {isChoosingEmoji.value && (
        <EmojiDialog
          onChoose={(emoji) => draft.write(draft.text.value + emoji)}
          onClose={() => (isChoosingEmoji.value = false)}
        />
      )}
      {isHelping.value && <FormattingHelp onClose={() => (isHelping.value = false)} />}
      {isMakingPoll.value && (
        <NewPoll room={room} threadId={threadId ?? null} onClose={() => (isMakingPoll.value = false)} />
      )}
    </form>
  );
}

/** Which message it is about, where it answers or changes one. */
function Subject({ draft, room }: { readonly draft: Draft; readonly room: Room }) {
  const event = draft.editing.value ?? draft.replyTo.value;
  if (event === undefined) return null;
  return (
    <p class="subject">
      <strong>
        {draft.editing.value === undefined
          ? t("replyingTo", { name: nameOf(event.getSender() ?? "", room) })
          : t("editing")}
      </strong>
      <span dir="auto">{describeMessage(event).split("\n", 1)[0]}</span>
      <IconButton icon="close" label={t("cancel")} onClick={() => draft.leave()} />
    </p>
  );
}

function useTyping(room: Room): { start(): void; stop(): void } {
  const { client } = useChat();
  const toldAt = useRef(0);
  const tellServer = (isTyping: boolean) => {
    toldAt.current = isTyping ? Date.now() : 0;
    client
      .sendTyping(room.roomId, isTyping, TYPING_HOLDS_MS)
      .catch((error: unknown) => console.info("nobody was told of the typing", error));
  };
  useEffect(() => () => void (toldAt.current > 0 && tellServer(false)), [room]);
  return {
    start: () => void (Date.now() - toldAt.current > TYPING_EVERY_MS && tellServer(true)),
    stop: () => void (toldAt.current > 0 && tellServer(false)),
  };
}

/** The last text that one said oneself here. */
function lastOwn(room: Room, threadId: string | undefined): MatrixEvent | undefined {
  const set =
    threadId === undefined ? room.getUnfilteredTimelineSet() : room.getThread(threadId)?.timelineSet;
  return [...(set?.getLiveTimeline().getEvents() ?? [])]
    .reverse()
    .find(
      (event) =>
        event.getSender() === room.myUserId &&
        !event.isRedacted() &&
        event.getType() === "m.room.message" &&
        event.getContent()["msgtype"] === "m.text" &&
        !event.isRelation("m.replace") &&
        event.threadRootId === threadId,
    );
}
