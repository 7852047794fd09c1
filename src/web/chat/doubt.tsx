/**
 * What is not certain about who wrote a message where messages are encrypted.
 */
import { EventType, MsgType, type MatrixEvent, type Room } from "matrix-js-sdk";
import { EventShieldColour, EventShieldReason } from "matrix-js-sdk/lib/crypto-api/index.js";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../ui/icons.jsx";
import { t, type Word } from "../words/words.js";
import { useChat } from "./context.js";
import type { Encryption } from "./encryption.js";

interface Uncertainty {
  readonly word: Word;
  /** Somebody else may have written it; else only the way of its key is not known. */
  readonly isGrave: boolean;
}

const WORDS: ReadonlyMap<EventShieldReason | null, Word> = new Map([
  [EventShieldReason.UNSIGNED_DEVICE, "fromUnverifiedDevice"],
  [EventShieldReason.UNKNOWN_DEVICE, "fromUnknownDevice"],
  [EventShieldReason.AUTHENTICITY_NOT_GUARANTEED, "keyFromElsewhere"],
  [EventShieldReason.VERIFICATION_VIOLATION, "fromChangedIdentity"],
]);

/** A mark with its reason; nothing where all is well. */
export function Doubt({ event, room, version }: { event: MatrixEvent; room: Room; version: number }) {
  const { encryption } = useChat();
  const [found, setFound] = useState<Uncertainty | undefined>(undefined);
  const trust = encryption.trust.value;
  useEffect(() => {
    let isShown = true;
    uncertaintyOf(event, room, encryption).then(
      (uncertainty) => isShown && setFound(uncertainty),
      (error: unknown) => console.warn("it is not known who wrote a message", error),
    );
    return () => {
      isShown = false;
    };
  }, [event, version, trust]);
  if (found === undefined) return null;
  return (
    <span class={found.isGrave ? "doubt is-grave" : "doubt"} role="img" {...labelled(t(found.word))}>
      <Icon name="warning" />
    </span>
  );
}

const labelled = (text: string) => ({ "aria-label": text, title: text });

async function uncertaintyOf(
  event: MatrixEvent,
  room: Room,
  encryption: Encryption,
): Promise<Uncertainty | undefined> {
  if (encryption.state.value !== "ready" || event.status !== null || event.isRedacted()) return undefined;
  if (!event.isEncrypted()) return isSecret(event, room) ? { word: "sentInClear", isGrave: true } : undefined;
  const info = await encryption.crypto.getEncryptionInfoForEvent(event);
  if (info === null || info.shieldColour === EventShieldColour.NONE) return undefined;
  return {
    word: WORDS.get(info.shieldReason) ?? "fromNobodyKnown",
    isGrave: info.shieldColour === EventShieldColour.RED,
  };
}

/** What was said before encryption was turned on was never to be encrypted, and what asks for verification need not be. */
function isSecret(event: MatrixEvent, room: Room): boolean {
  const since = room.currentState.getStateEvents(EventType.RoomEncryption, "");
  return (
    since !== null &&
    event.getTs() > since.getTs() &&
    event.getContent()["msgtype"] !== MsgType.KeyVerificationRequest
  );
}
