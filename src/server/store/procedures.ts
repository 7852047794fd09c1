/**
 * All writes, by name: the writer's vocabulary.
 */
import { appendProcedures } from "./append.js";
import { accountProcedures } from "./accounts.js";
import { crossSigningProcedures } from "./cross-signing.js";
import type { Procedure } from "./database.js";
import { dehydratedDeviceProcedures } from "./dehydrated-devices.js";
import { delayedEventProcedures } from "./delayed-events.js";
import { directoryProcedures } from "./directory.js";
import { encryptionProcedures } from "./encryption.js";
import { keyBackupProcedures } from "./key-backups.js";
import { mediaProcedures } from "./media.js";
import { outboxProcedures } from "./outbox.js";
import { personalProcedures } from "./personal.js";
import { registrationTokenProcedures } from "./registration-tokens.js";
import { roomAdministrationProcedures } from "./room-administration.js";
import { pusherProcedures } from "./pushers.js";
import { reportProcedures } from "./reports.js";
import { searchProcedures } from "./search.js";
import { secretProcedures } from "./secrets.js";
import { sessionProcedures } from "./sessions.js";

export const procedures = {
  ...appendProcedures,
  ...accountProcedures,
  ...registrationTokenProcedures,
  ...sessionProcedures,
  ...directoryProcedures,
  ...personalProcedures,
  ...encryptionProcedures,
  ...keyBackupProcedures,
  ...mediaProcedures,
  ...roomAdministrationProcedures,
  ...crossSigningProcedures,
  ...pusherProcedures,
  ...secretProcedures,
  ...searchProcedures,
  ...delayedEventProcedures,
  ...reportProcedures,
  ...dehydratedDeviceProcedures,
  ...outboxProcedures,
} satisfies Record<string, Procedure<never, unknown>>;

export type Procedures = typeof procedures;

/** Runs a procedure by its name, and resolves once it is durable. */
export type Write = <K extends keyof Procedures>(
  name: K,
  input: Parameters<Procedures[K]>[1],
) => Promise<Awaited<ReturnType<Procedures[K]>>>;
