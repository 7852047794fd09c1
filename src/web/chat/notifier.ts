/**
 * Notifications and a sound for what arrives while the page is open, and somebody looks elsewhere.
 * Source: Notifications API (WHATWG); what is to be told is the account's push rules' decision.
 */
import { RoomEvent, type MatrixEvent, type Room } from "matrix-js-sdk";
import { addressOf, route } from "../route.js";
import type { Chat } from "./chat.js";
import { describeMessage, nameOf, shortName } from "./describe.js";
import { preferences } from "./preferences.js";

/** What is older was not missed just now, in milliseconds. */
const FRESH_MS = 60_000;
/** A short tone: its pitch in Hz, and how long it sounds in seconds. */
const TONE = { hertz: 660, seconds: 0.18, loudness: 0.12 };

export class Notifier {
  readonly #chat: Chat;

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  start(): void {
    this.#chat.client.on(RoomEvent.Timeline, (event, room, isAtStart, _removed, { liveEvent }) => {
      if (room === undefined || isAtStart === true || liveEvent !== true) return;
      this.#consider(event, room).catch((error: unknown) => console.warn("not notified", error));
    });
  }

  async #consider(event: MatrixEvent, room: Room): Promise<void> {
    const { client, userId } = this.#chat;
    if (event.getSender() === userId || Date.now() - event.getTs() > FRESH_MS) return;
    if (event.isEncrypted()) await client.decryptEventIfNeeded(event);
    if (client.getPushActionsForEvent(event)?.notify !== true || this.#isLookedAt(room)) return;
    if (preferences.sound.value) play();
    if (preferences.notifications.value && globalThis.Notification?.permission === "granted")
      await show(event, room);
  }

  #isLookedAt(room: Room): boolean {
    const { value } = route;
    return !document.hidden && document.hasFocus() && value.name === "room" && value.room === room.roomId;
  }
}

/** By the worker where there is one: Chrome on Android knows no other way. */
async function show(event: MatrixEvent, room: Room): Promise<void> {
  const name = nameOf(event.getSender() ?? "", room);
  const title = shortName(room.name);
  const options = {
    body: title === name ? describeMessage(event) : `${name}: ${describeMessage(event)}`,
    tag: room.roomId,
    data: { room: room.roomId },
  };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker !== undefined) return worker.showNotification(title, options);
  const notification = new Notification(title, options);
  notification.onclick = () => {
    window.focus();
    location.hash = addressOf("room", room.roomId);
    notification.close();
  };
}

function play(): void {
  const context = new AudioContext();
  const [oscillator, gain] = [context.createOscillator(), context.createGain()];
  oscillator.frequency.value = TONE.hertz;
  gain.gain.setValueAtTime(TONE.loudness, context.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + TONE.seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.onended = () => void context.close();
  oscillator.start();
  oscillator.stop(context.currentTime + TONE.seconds);
}
