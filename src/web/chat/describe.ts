/**
 * Events in words: state as a sentence for the timeline, messages in a few words for lists and quotations.
 */
import { EventType, MsgType, type MatrixEvent, type Room } from "matrix-js-sdk";
import { t, type Word } from "../words/words.js";

/** Who raised a hand: one state event for each person, who alone may write it. docs/chat.md */
export const HAND = "io.imcloud.hand";

/** Types of polls: of the specification, and as they are sent by everybody today. */
export const POLL_STARTS: ReadonlySet<string> = new Set(["m.poll.start", "org.matrix.msc3381.poll.start"]);

/** @returns who somebody is to the others in the room; who gave no name has the first part of their id */
export function nameOf(userId: string, room: Room): string {
  return shortName(room.getMember(userId)?.name ?? userId);
}

/** @param name somebody's, or their id where there is none, as rooms without a name are called too */
export const shortName = (name: string): string => localPart(name) ?? name;

export const localPart = (userId: string): string | undefined => /^@([^:\s]+):[^\s]+$/.exec(userId)?.[1];

const FILES: Readonly<Record<string, Word>> = {
  [MsgType.Image]: "image",
  [MsgType.Video]: "video",
  [MsgType.Audio]: "audio",
  [MsgType.File]: "file",
};

/** @returns a line without its author's name; empty for what is nothing to read */
export function describeMessage(event: MatrixEvent): string {
  if (event.isRedacted()) return t("deleted");
  if (event.isDecryptionFailure()) return t("notDecrypted");
  const content = event.getContent<{ msgtype?: string }>();
  const body = plainBody(event);
  const type = event.getType();
  if (type === "m.sticker") return body || t("image");
  if (POLL_STARTS.has(type)) return pollQuestion(event);
  if (type !== String(EventType.RoomMessage)) return "";
  if ("org.matrix.msc3245.voice" in content) return t("voiceMessage");
  const file = FILES[content.msgtype ?? ""];
  return file === undefined ? body : `${t(file)}: ${body}`;
}

/** With who said it, for the list of chats. */
export function describeBriefly(event: MatrixEvent, room: Room): string {
  if (event.isState()) return describeState(event, room) ?? "";
  const text = describeMessage(event).split("\n", 1)[0] ?? "";
  const sender = event.getSender() ?? "";
  if (text === "") return "";
  const isMine = sender === room.myUserId;
  return room.getInvitedAndJoinedMemberCount() > 2 || isMine
    ? `${isMine ? t("you") : nameOf(sender, room)}: ${text}`
    : text;
}

export function pollQuestion(event: MatrixEvent): string {
  const content = event.getContent<Record<string, { question?: Record<string, unknown> } | undefined>>();
  const question = (content["m.poll"] ?? content["m.poll.start"] ?? content["org.matrix.msc3381.poll.start"])
    ?.question;
  const text = question?.["org.matrix.msc1767.text"] ?? question?.["m.text"] ?? question?.["body"];
  return typeof text === "string" ? text : "";
}

/**
 * @returns what somebody said, without the quotation that older clients put before an answer
 * Source: Matrix client-server API before 1.13, "Fallbacks for rich replies"
 */
export function plainBody(event: MatrixEvent): string {
  const { body } = event.getContent<{ body?: unknown }>();
  if (typeof body !== "string") return "";
  if (event.replyEventId === undefined || !body.startsWith("> ")) return body;
  const lines = body.split("\n");
  const first = lines.findIndex((line) => !line.startsWith("> "));
  return first < 1 || lines[first] !== "" ? body : lines.slice(first + 1).join("\n");
}

/** @returns undefined for what nobody needs to read */
export function describeState(event: MatrixEvent, room: Room): string | undefined {
  const name = nameOf(event.getSender() ?? "", room);
  const content = event.getContent<{ name?: string; topic?: string; raised?: boolean }>();
  switch (event.getType()) {
    case "m.room.create":
      return t("stateCreated", { name });
    case "m.room.member":
      return describeMembership(event, room, name);
    case "m.room.name":
      return t("stateRoomName", { name, to: content.name ?? "" });
    case "m.room.topic":
      return t("stateRoomTopic", { name, to: content.topic ?? "" });
    case "m.room.avatar":
      return t("stateRoomPicture", { name });
    case "m.room.encryption":
      return t("stateEncrypted");
    case "m.room.power_levels":
      return event.getPrevContent()["users"] === undefined ? undefined : t("stateRights", { name });
    case "m.room.tombstone":
      return t("stateUpgraded");
    case HAND:
      return content.raised === true ? t("stateHand", { name }) : undefined;
    default:
      return undefined;
  }
}

interface Membership {
  readonly membership?: string;
  readonly displayname?: string;
  readonly avatar_url?: string;
}

function describeMembership(event: MatrixEvent, room: Room, name: string): string | undefined {
  const now = event.getContent<Membership>();
  const before = event.getPrevContent() as Membership;
  const who = event.getStateKey() ?? "";
  const target = now.displayname ?? before.displayname ?? nameOf(who, room);
  const isOwn = who === event.getSender();
  switch (now.membership) {
    case "join":
      if (before.membership !== "join") return t("stateJoined", { name: target });
      if (before.displayname !== now.displayname)
        return t("stateRenamed", { name: before.displayname ?? localPart(who) ?? who, to: target });
      return before.avatar_url === now.avatar_url ? undefined : t("statePicture", { name: target });
    case "invite":
      return t("stateInvited", { name, target });
    case "knock":
      return t("stateKnocked", { name: target });
    case "ban":
      return t("stateBanned", { name, target });
    case "leave":
      if (isOwn) return t(before.membership === "invite" ? "stateDeclined" : "stateLeft", { name: target });
      return t(before.membership === "ban" ? "stateUnbanned" : "stateKicked", { name, target });
    default:
      return undefined;
  }
}
