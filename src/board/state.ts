/**
 * What imcloud keeps on a board, and where.
 *
 * `/var/lib/imcloud` survives everything: the ledger of managed resources (`managed/`), the journals and
 * saved originals of the runs (`runs/`), restarts that are still owed (`pending/`), changes that wait for a
 * confirmation (`unconfirmed/`), disks that are being formatted (`disks/`) and data that is moving (`moves/`).
 * `/run/imcloud` is gone after a reboot, which is right for what it holds: the lock, payloads, and who holds the lock.
 */
export const STATE = "/var/lib/imcloud";
export const RUNS = `${STATE}/runs`;
export const MANAGED = `${STATE}/managed`;
export const PENDING = `${STATE}/pending`;
export const UNCONFIRMED = `${STATE}/unconfirmed`;
/** Disks whose formatting has begun: the serial number of each, by the UUID that it gets. */
export const DISKS = `${STATE}/disks`;
/** Moves of data to another disk, by the folder that moves. */
export const MOVES = `${STATE}/moves`;

export const RUNTIME = "/run/imcloud";
export const LOCK = `${RUNTIME}/lock`;
export const CURRENT = `${RUNTIME}/current`;
/** Asks a run to stop. One a run: a stop is never another's. */
export const stopFileOf = (run: string): string => `${RUNTIME}/stop-${run}`;

/** Artifacts, by their hash. Everybody may read them: the services that run from it have users of their own. */
export const STORE = "/opt/imcloud/store";

/** The ledger's format; a newer imcloud reads every older one. */
export const LEDGER_VERSION = 1;
