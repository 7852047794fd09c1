/**
 * The chat of whoever is signed in: the Matrix client, and what the screen shows of it as signals. What changes in the
 * client is gathered and told once a frame, so that a burst of messages costs no more than one.
 */
import { signal, type Signal } from "@preact/signals";
import {
  ClientEvent,
  createClient,
  Filter,
  HttpApiEvent,
  IndexedDBStore,
  MatrixEventEvent,
  PendingEventOrdering,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
  SyncState,
  ThreadEvent,
  type MatrixClient,
  type Room,
} from "matrix-js-sdk";
import type { Session } from "../session.js";
import { oncePerFrame } from "../ui/frame.js";
import { Encryption, firstSync } from "./encryption.js";
import { Uploads } from "./files.js";
import { Media } from "./media.js";
import { Notifier } from "./notifier.js";
import { Outbox } from "./outbox.js";
import { quietLogger } from "./quiet-logger.js";
import { ReadMarks } from "./read-marks.js";
import { listRooms, type RoomEntry } from "./room-entries.js";

/** Why a session ended: its owner wanted it, or the server says so. */
export type OnSignedOut = (reason: "asked" | "expired") => void;

export type Connection = "starting" | "online" | "offline";

/** Messages of a room that the first sync brings. */
const INITIAL_MESSAGES = 15;
/** Messages of a room that a later sync brings at most; where there were more, the conversation begins anew at the newest. */
const LATER_MESSAGES = 100;

export class Chat {
  /** The one of this tab. */
  static current: Chat | undefined;

  readonly client: MatrixClient;
  readonly encryption: Encryption;
  readonly media: Media;
  readonly connection: Signal<Connection> = signal("starting");
  /** Whether what the browser kept, or the first sync, is there. */
  readonly isReady = signal(false);
  readonly rooms: Signal<readonly RoomEntry[]> = signal([]);
  /**
   * Counts up with each change of a room that its view may show: members, names, rights, read marks. The client's
   * objects change in place, so a component that shows one reads this.
   */
  readonly changes = signal(0);

  readonly uploads = new Uploads(this);
  readonly readMarks: ReadMarks;

  readonly #onSignedOut: OnSignedOut;
  #isLeaving = false;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  readonly #listRooms = oncePerFrame(() => (this.rooms.value = listRooms(this.client)));
  readonly #change = oncePerFrame(() => (this.changes.value += 1));

  private constructor(client: MatrixClient, encryption: Encryption, onSignedOut: OnSignedOut) {
    this.#onSignedOut = onSignedOut;
    this.client = client;
    this.encryption = encryption;
    this.media = new Media(client);
    this.readMarks = new ReadMarks(client);
    this.#outbox = new Outbox(client);
  }

  /**
   * @param onSignedOut called when the session ends, here or from elsewhere
   * @throws Error when the browser's own database does not open
   */
  static async open(session: Session, onSignedOut: OnSignedOut): Promise<Chat> {
    const store = new IndexedDBStore({ indexedDB, localStorage, dbName: "imcloud" });
    const encryption = new Encryption();
    const client = createClient({
      baseUrl: location.origin,
      userId: session.userId,
      deviceId: session.deviceId,
      accessToken: session.accessToken,
      store,
      timelineSupport: true,
      useAuthorizationHeader: true,
      cryptoCallbacks: encryption.callbacks,
      logger: quietLogger,
    });
    const chat = new Chat(client, encryption, onSignedOut);
    Chat.current = chat;
    chat.#listen();
    await store.startup();
    await encryption.open(client);
    // Another tab took over meanwhile.
    if (chat.isStopped) return chat;
    const filter = new Filter(session.userId);
    filter.setTimelineLimit(LATER_MESSAGES);
    filter.setUnreadThreadNotifications(true);
    await client.startClient({
      filter,
      initialSyncLimit: INITIAL_MESSAGES,
      lazyLoadMembers: true,
      threadSupport: true,
      pendingEventOrdering: PendingEventOrdering.Detached,
    });
    void firstSync(client)
      .then(() => {
        // There are no calls here; they would look at every event, and hold it until the next sync.
        client.callEventHandler?.stop();
        client.groupCallEventHandler?.stop();
        return encryption.begin();
      })
      .catch((error: unknown) => console.warn("the account's keys were not set up", error));
    new Notifier(chat).start();
    return chat;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  stop(): void {
    this.#stopping.abort();
    this.#outbox.stop();
    this.client.stopClient();
    if (Chat.current === this) Chat.current = undefined;
  }

  /** Ends this device's session on the server, then here. */
  async signOut(): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.client.logout(false);
    } catch (error) {
      this.#isLeaving = false;
      throw error;
    }
    this.#onSignedOut("asked");
  }

  room(roomId: string): Room | undefined {
    return this.client.getRoom(roomId) ?? undefined;
  }

  get userId(): string {
    return this.client.getSafeUserId();
  }

  #listen(): void {
    const { client } = this;
    client.on(ClientEvent.Sync, (state) => {
      const before = this.connection.value;
      this.connection.value = connectionOf(state, before);
      if (this.connection.value === "online" && before !== "online") void this.#outbox.send();
      if (state === SyncState.Prepared || state === SyncState.Syncing) this.isReady.value = true;
      this.#listRooms();
    });
    // A request that waits may not learn of it for a minute.
    const { signal } = this.#stopping;
    addEventListener("offline", () => (this.connection.value = "offline"), { signal });
    // The client keeps what it has of rooms after its first sync and every five minutes; and so when it may be the last
    // time.
    const keep = () => {
      client.store.save(true).catch((error: unknown) => console.warn("the rooms were not kept", error));
    };
    addEventListener("offline", keep, { signal });
    document.addEventListener("visibilitychange", () => document.hidden && keep(), { signal });
    addEventListener("online", () => client.retryImmediately(), { signal });
    client.on(HttpApiEvent.SessionLoggedOut, () => {
      if (!this.#isLeaving) this.#onSignedOut("expired");
    });
    const both = () => {
      this.#listRooms();
      this.#change();
    };
    client.on(ClientEvent.Room, (room) => {
      room.on(RoomEvent.UnreadNotifications, this.#listRooms);
      room.on(ThreadEvent.Update, both);
      both();
    });
    client.on(ClientEvent.AccountData, both);
    client.on(RoomEvent.MyMembership, both);
    client.on(RoomEvent.Name, both);
    client.on(RoomEvent.Tags, both);
    client.on(
      RoomEvent.Timeline,
      (_event, _room, isAtStart, isGone) => isAtStart !== true && isGone !== true && this.#listRooms(),
    );
    client.on(RoomEvent.LocalEchoUpdated, this.#listRooms);
    client.on(RoomEvent.Receipt, both);
    client.on(RoomEvent.AccountData, this.#change);
    client.on(MatrixEventEvent.Decrypted, this.#listRooms);
    client.on(RoomStateEvent.Events, this.#change);
    client.on(RoomStateEvent.Members, this.#change);
    client.on(RoomMemberEvent.Typing, this.#change);
  }
}

function connectionOf(state: SyncState, before: Connection): Connection {
  switch (state) {
    case SyncState.Prepared:
    case SyncState.Syncing:
      return "online";
    case SyncState.Error:
    case SyncState.Reconnecting:
      return "offline";
    default:
      return before;
  }
}
