/**
 * The tables, as a list of migrations that only grows: a released one never changes.
 *
 * WITHOUT ROWID, where the key is most of the row, saves SQLite a second tree; PostgreSQL's dialect drops it.
 *
 * Rules that keep an older server from damaging a newer database: `meta.schema` is the number of migrations
 * that ran, and a server that knows fewer refuses to start.
 */

/** Each is a list of statements, run in one transaction. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // Events up to `placed` can be found by their id in event_places.
    `CREATE TABLE stream (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, placed INTEGER NOT NULL DEFAULT 0)`,
    `INSERT INTO stream (id, position) VALUES (1, 0)`,

    // People, their devices and sessions. Only hashes of tokens and passwords are kept.
    `CREATE TABLE accounts (
      user_id TEXT PRIMARY KEY, password_hash TEXT, admin INTEGER NOT NULL DEFAULT 0,
      deactivated INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL)`,
    `CREATE TABLE profiles (user_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (user_id, name)) WITHOUT ROWID`,
    `CREATE TABLE devices (
      user_id TEXT NOT NULL, device_id TEXT NOT NULL, display_name TEXT, created_at INTEGER NOT NULL,
      seen_at INTEGER, seen_from TEXT, keys TEXT, PRIMARY KEY (user_id, device_id)) WITHOUT ROWID`,
    `CREATE TABLE tokens (
      hash TEXT PRIMARY KEY, kind TEXT NOT NULL, user_id TEXT NOT NULL, device_id TEXT NOT NULL, expires_at INTEGER) WITHOUT ROWID`,
    `CREATE INDEX tokens_by_device ON tokens (user_id, device_id)`,

    // Rooms. An event's row is also its outbox row: the drainer's cursor (outbox.position) walks over it.
    `CREATE TABLE rooms (
      room_id TEXT PRIMARY KEY, version TEXT NOT NULL, head INTEGER NOT NULL, head_event TEXT NOT NULL,
      last_position INTEGER NOT NULL, published INTEGER NOT NULL DEFAULT 0)`,
    `CREATE TABLE events (
      position INTEGER PRIMARY KEY, room_id TEXT NOT NULL, seq INTEGER NOT NULL, event_id TEXT NOT NULL,
      type TEXT NOT NULL, state_key TEXT, sender TEXT NOT NULL, ts INTEGER NOT NULL, content TEXT NOT NULL,
      proof TEXT NOT NULL, redacts TEXT, replaces TEXT, redacted_because TEXT, device_id TEXT, txn_id TEXT)`,
    // Event ids are hashes: an index that each event goes into at once would cost each a page of its own, to be
    // written and synced. So they go in later, many together (event-places.ts).
    `CREATE TABLE event_places (hash INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (hash, position)) WITHOUT ROWID`,
    // Within a room, positions and seqs run alike; positions are what every bound is given in.
    `CREATE INDEX events_by_room ON events (room_id, position)`,
    `CREATE INDEX events_of_state ON events (room_id, type, state_key, position) WHERE state_key IS NOT NULL`,
    `CREATE INDEX events_of_state_by_position ON events (room_id, position) WHERE state_key IS NOT NULL`,
    `CREATE TABLE current_state (
      room_id TEXT NOT NULL, type TEXT NOT NULL, state_key TEXT NOT NULL, position INTEGER NOT NULL,
      PRIMARY KEY (room_id, type, state_key)) WITHOUT ROWID`,
    `CREATE TABLE memberships (
      user_id TEXT NOT NULL, room_id TEXT NOT NULL, membership TEXT NOT NULL, position INTEGER NOT NULL,
      forgotten INTEGER NOT NULL DEFAULT 0, stripped TEXT, PRIMARY KEY (user_id, room_id)) WITHOUT ROWID`,
    `CREATE INDEX memberships_by_room ON memberships (room_id, membership)`,
    `CREATE TABLE aliases (alias TEXT PRIMARY KEY, room_id TEXT NOT NULL, creator TEXT NOT NULL)`,
    `CREATE INDEX aliases_by_room ON aliases (room_id)`,

    // What a retried request to devices already did; what one to a room did, its event says.
    `CREATE TABLE txns (
      user_id TEXT NOT NULL, device_id TEXT NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (user_id, device_id, path)) WITHOUT ROWID`,

    // What belongs to one user.
    `CREATE TABLE receipts (
      room_id TEXT NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL, thread TEXT NOT NULL, event_id TEXT NOT NULL,
      event_position INTEGER NOT NULL, ts INTEGER NOT NULL, position INTEGER NOT NULL,
      PRIMARY KEY (room_id, user_id, type, thread)) WITHOUT ROWID`,
    `CREATE INDEX receipts_by_position ON receipts (room_id, position)`,
    `CREATE TABLE account_data (
      user_id TEXT NOT NULL, room_id TEXT NOT NULL, type TEXT NOT NULL, content TEXT NOT NULL, position INTEGER NOT NULL,
      PRIMARY KEY (user_id, room_id, type)) WITHOUT ROWID`,
    `CREATE INDEX account_data_by_position ON account_data (user_id, position)`,
    `CREATE TABLE filters (user_id TEXT NOT NULL, id TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (user_id, id)) WITHOUT ROWID`,

    // End-to-end encryption: the server keeps and hands out, and understands nothing.
    `CREATE TABLE to_device (
      user_id TEXT NOT NULL, device_id TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL,
      PRIMARY KEY (user_id, device_id, position)) WITHOUT ROWID`,
    `CREATE TABLE one_time_keys (
      user_id TEXT NOT NULL, device_id TEXT NOT NULL, algorithm TEXT NOT NULL, key_id TEXT NOT NULL, key TEXT NOT NULL,
      uploaded INTEGER NOT NULL, PRIMARY KEY (user_id, device_id, algorithm, key_id))`,
    `CREATE TABLE fallback_keys (
      user_id TEXT NOT NULL, device_id TEXT NOT NULL, algorithm TEXT NOT NULL, key_id TEXT NOT NULL, key TEXT NOT NULL,
      used INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (user_id, device_id, algorithm))`,
    `CREATE TABLE device_changes (user_id TEXT PRIMARY KEY, position INTEGER NOT NULL)`,

    // The way to the broker.
    `CREATE TABLE outbox (
      bus TEXT PRIMARY KEY, position INTEGER NOT NULL, holder TEXT, held_until INTEGER NOT NULL DEFAULT 0)`,
    `CREATE TABLE dead_letters (
      bus TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL, room_id TEXT NOT NULL, reason TEXT NOT NULL,
      at INTEGER NOT NULL, PRIMARY KEY (bus, position))`,
  ],
  [
    // Encryption beyond one device: backups of message keys, and keys that vouch for devices and people.
    `CREATE TABLE key_backups (
      user_id TEXT NOT NULL, version INTEGER NOT NULL, algorithm TEXT NOT NULL, auth_data TEXT NOT NULL,
      etag INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (user_id, version))`,
    `CREATE TABLE backed_up_keys (
      user_id TEXT NOT NULL, version INTEGER NOT NULL, room_id TEXT NOT NULL, session_id TEXT NOT NULL,
      first_message_index INTEGER NOT NULL, forwarded_count INTEGER NOT NULL, is_verified INTEGER NOT NULL,
      session_data TEXT NOT NULL, PRIMARY KEY (user_id, version, room_id, session_id)) WITHOUT ROWID`,
    `CREATE TABLE cross_signing_keys (
      user_id TEXT NOT NULL, usage TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (user_id, usage))`,
    // Of a user's device or key, by whom; what the key itself came with stands in it.
    `CREATE TABLE key_signatures (
      user_id TEXT NOT NULL, key_id TEXT NOT NULL, signer TEXT NOT NULL, signer_key TEXT NOT NULL, signature TEXT NOT NULL,
      PRIMARY KEY (user_id, key_id, signer, signer_key)) WITHOUT ROWID`,
    // Contents are files, named by their hash.
    `CREATE TABLE media (
      media_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL, hash TEXT, bytes INTEGER, type TEXT, name TEXT,
      quarantined INTEGER NOT NULL DEFAULT 0)`,
    `CREATE INDEX media_by_user ON media (user_id)`,
    `CREATE INDEX media_by_hash ON media (hash)`,
    `CREATE INDEX media_by_time ON media (created_at, media_id)`,
    // Which event speaks of which; what was redacted is taken out.
    `CREATE TABLE relations (
      parent TEXT NOT NULL, position INTEGER NOT NULL, room_id TEXT NOT NULL, rel_type TEXT NOT NULL,
      PRIMARY KEY (parent, position)) WITHOUT ROWID`,
    `CREATE INDEX relations_by_room ON relations (room_id, rel_type, parent, position)`,
    `CREATE INDEX relations_by_position ON relations (position)`,
    // With the position: whom a room consists of is told in the order in which they came.
    `DROP INDEX memberships_by_room`,
    `CREATE INDEX memberships_by_room ON memberships (room_id, membership, position)`,
    // Which events say a word; those up to `searched` are in it.
    `ALTER TABLE stream ADD COLUMN searched INTEGER NOT NULL DEFAULT 0`,
    `CREATE TABLE search_words (word TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (word, position)) WITHOUT ROWID`,
    // What administrators are told of.
    `CREATE TABLE reports (
      id INTEGER PRIMARY KEY, reporter TEXT NOT NULL, room_id TEXT, event_id TEXT, user_id TEXT, reason TEXT NOT NULL,
      at INTEGER NOT NULL)`,
    // Where people are told of events, and up to which.
    `CREATE TABLE pushers (
      id TEXT PRIMARY KEY, user_id TEXT NOT NULL, device_id TEXT NOT NULL, kind TEXT NOT NULL, app_id TEXT NOT NULL,
      pushkey TEXT NOT NULL, app_name TEXT NOT NULL, device_name TEXT NOT NULL, profile_tag TEXT, lang TEXT NOT NULL,
      data TEXT NOT NULL, set_at INTEGER NOT NULL, position INTEGER NOT NULL, active INTEGER NOT NULL,
      ack_token TEXT, ack_until INTEGER, UNIQUE (user_id, app_id, pushkey))`,
    `CREATE INDEX pushers_by_key ON pushers (pushkey, app_id)`,
    // Of the server itself: every node has the same, and a backup of the database has them too.
    `CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
    // A device that nobody runs, for each user one; the rest of it is as with other devices.
    `CREATE TABLE dehydrated_devices (user_id TEXT PRIMARY KEY, device_id TEXT NOT NULL, data TEXT NOT NULL)`,
    // Events for later; those that are over stay for a day.
    `CREATE TABLE delayed_events (
      delay_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, mark TEXT NOT NULL, room_id TEXT NOT NULL, type TEXT NOT NULL,
      state_key TEXT, content TEXT NOT NULL, delay INTEGER NOT NULL, running_since INTEGER NOT NULL, due INTEGER NOT NULL,
      position INTEGER NOT NULL, held_until INTEGER NOT NULL DEFAULT 0, outcome TEXT, UNIQUE (user_id, mark))`,
    `CREATE INDEX delayed_events_by_due ON delayed_events (due) WHERE outcome IS NULL`,
    `CREATE INDEX delayed_events_over ON delayed_events (due) WHERE outcome IS NOT NULL`,
    `CREATE TABLE signature_changes (
      signer TEXT NOT NULL, user_id TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (signer, user_id)) WITHOUT ROWID`,
    // What administrators decide: of accounts, of who may register, of rooms that are closed.
    `ALTER TABLE accounts ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE accounts ADD COLUMN locked INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE accounts ADD COLUMN media_bytes INTEGER`,
    `CREATE TABLE registration_tokens (
      id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, uses INTEGER, used INTEGER NOT NULL DEFAULT 0, expires_at INTEGER,
      created_at INTEGER NOT NULL)`,
    `CREATE TABLE blocked_rooms (room_id TEXT PRIMARY KEY, reason TEXT, at INTEGER NOT NULL)`,
    `CREATE TABLE notice_rooms (user_id TEXT PRIMARY KEY, room_id TEXT NOT NULL)`,
  ],
  [
    // Rooms that application services list, each for a network of its own.
    `CREATE TABLE network_rooms (
      service TEXT NOT NULL, network TEXT NOT NULL, room_id TEXT NOT NULL, PRIMARY KEY (service, network, room_id)) WITHOUT ROWID`,
  ],
  [
    // Where counting takes long; a row serves while its user has read no further.
    `CREATE TABLE unread_counts (
      user_id TEXT NOT NULL, room_id TEXT NOT NULL, count TEXT NOT NULL, PRIMARY KEY (user_id, room_id))`,
  ],
  [
    // The position up to which the words of an account are for those alone who were in the room by then.
    `ALTER TABLE accounts ADD COLUMN erased_at INTEGER`,
    `CREATE INDEX accounts_erased ON accounts (erased_at) WHERE erased_at IS NOT NULL`,
  ],
];

/** The first migration's own record keeping; runs before all. */
export const META_TABLE = `CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)`;
