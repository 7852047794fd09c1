/**
 * The store: everything that survives a restart, by noun.
 */
import type { ServerConfig } from "../../shared/server-config.js";
import { AccountStore } from "./accounts.js";
import { CrossSigningStore } from "./cross-signing.js";
import type { Change, Database } from "./database.js";
import { DehydratedDeviceStore } from "./dehydrated-devices.js";
import { DelayedEventStore } from "./delayed-events.js";
import { DirectoryStore } from "./directory.js";
import { EncryptionStore } from "./encryption.js";
import { EventStore } from "./events.js";
import { KeyBackupStore } from "./key-backups.js";
import { MediaStore } from "./media.js";
import { OutboxStore } from "./outbox.js";
import { PersonalStore } from "./personal.js";
import type { Procedures, Write } from "./procedures.js";
import { RegistrationTokenStore } from "./registration-tokens.js";
import { PusherStore } from "./pushers.js";
import { RelationStore } from "./relations.js";
import { RoomAdministrationStore } from "./room-administration.js";
import { RoomViewStore } from "./room-views.js";
import { ReportStore } from "./reports.js";
import { SearchStore } from "./search.js";
import { SecretStore } from "./secrets.js";
import { SessionStore } from "./sessions.js";
import { SqliteDatabase } from "./sqlite/database.js";

export interface Store {
  readonly events: EventStore;
  readonly relations: RelationStore;
  readonly views: RoomViewStore;
  readonly accounts: AccountStore;
  readonly registrationTokens: RegistrationTokenStore;
  readonly sessions: SessionStore;
  readonly directory: DirectoryStore;
  readonly personal: PersonalStore;
  readonly encryption: EncryptionStore;
  readonly crossSigning: CrossSigningStore;
  readonly keyBackups: KeyBackupStore;
  readonly media: MediaStore;
  readonly roomAdministration: RoomAdministrationStore;
  readonly pushers: PusherStore;
  readonly secrets: SecretStore;
  readonly search: SearchStore;
  readonly dehydratedDevices: DehydratedDeviceStore;
  readonly delayedEvents: DelayedEventStore;
  readonly reports: ReportStore;
  readonly outbox: OutboxStore;
  onChanges(listener: (changes: readonly Change[]) => void): void;
  onGap(listener: () => void): void;
  /** Resolves when the writer has answered: the store can take events. @throws StoreError when it cannot */
  ping(): Promise<void>;
  /** Removes what only retries needed. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** A day: no client retries longer. */
const TXN_AGE_MS = 86_400_000;

/** @throws StoreError when the database cannot be opened or is not this server's */
export async function openStore(
  config: Pick<ServerConfig, "store" | "serverName" | "limits">,
): Promise<Store> {
  const { store, serverName, limits } = config;
  if (store.kind === "sqlite") {
    const settings = { path: store.path, synchronous: store.synchronous, cacheKib: limits.sqliteCacheKib };
    return storeOver(await SqliteDatabase.open(settings, serverName));
  }
  const { PostgresDatabase } = await import("./postgres/database.js");
  return storeOver(await PostgresDatabase.open(store, serverName));
}

export function storeOver(database: Database<Procedures>): Store {
  const write: Write = (name, input) => database.write(name, input);
  const events = new EventStore(database, write);
  return {
    events,
    relations: new RelationStore(database, events),
    views: new RoomViewStore(database, events),
    accounts: new AccountStore(database, write),
    registrationTokens: new RegistrationTokenStore(database, write),
    sessions: new SessionStore(database, write),
    directory: new DirectoryStore(database, write),
    personal: new PersonalStore(database, write),
    encryption: new EncryptionStore(database, write),
    crossSigning: new CrossSigningStore(database, write),
    keyBackups: new KeyBackupStore(database, write),
    media: new MediaStore(database, write),
    roomAdministration: new RoomAdministrationStore(database, write),
    pushers: new PusherStore(database, write, events),
    secrets: new SecretStore(write),
    search: new SearchStore(database, write, events),
    dehydratedDevices: new DehydratedDeviceStore(database, write),
    delayedEvents: new DelayedEventStore(database, write),
    reports: new ReportStore(database, write),
    outbox: new OutboxStore(database, write),
    onChanges: (listener) => database.onChanges(listener),
    onGap: (listener) => database.onGap(listener),
    ping: async () => void (await database.write("ping", { writes: database.trouble !== undefined })),
    tidy: async () => void (await database.write("dropTxns", { before: Date.now() - TXN_AGE_MS })),
    close: () => database.close(),
  };
}
