/**
 * Tokens that clients hand back: opaque to them, versioned for us.
 *
 * Both name a gap between two positions; what was told lies before it. A sync token may stand wherever a
 * history token is asked for, as the specification wants it.
 */

export interface SyncToken {
  /** Everything up to this position was told. */
  readonly position: number;
  /** Everything up to this one of the server's typing changes was told. */
  readonly typing: number;
  /** Messages to the device up to this position were told; lower than `position` when there were too many. */
  readonly toDevice: number;
  /** Everything up to this change of presence was told; absent in tokens of a release that knew none. */
  readonly presence?: number;
}

export const renderSyncToken = ({ position, typing, toDevice, presence }: SyncToken): string =>
  `s1_${position}_${typing}_${toDevice}${presence === undefined ? "" : `_${presence}`}`;

/** @returns undefined for a token that this server never gave */
export function parseSyncToken(text: string): SyncToken | undefined {
  const match = /^s1_(\d{1,15})_(\d{1,15})_(\d{1,15})(?:_(\d{1,15}))?$/.exec(text);
  if (match === null) return undefined;
  const [position = 0, typing = 0, toDevice = 0] = match.slice(1, 4).map(Number);
  return { position, typing, toDevice, ...(match[4] !== undefined && { presence: Number(match[4]) }) };
}

/** The `pos` of a sliding sync. */
export interface SlidingPos {
  readonly connection: string;
  /** Of the answer, on its connection. */
  readonly serial: number;
  /** Everything up to this position was told, of rooms that were in sight. */
  readonly position: number;
}

export const renderSlidingPos = ({ connection, serial, position }: SlidingPos): string =>
  `p1.${connection}.${serial}.${position}`;

/** @returns undefined for a token that this server never gave */
export function parseSlidingPos(text: string): SlidingPos | undefined {
  const [, connection, serial, position] = /^p1\.([\w-]{1,64})\.(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  if (connection === undefined) return undefined;
  return { connection, serial: Number(serial), position: Number(position) };
}

export const renderHistoryToken = (position: number): string => `h1_${position}`;

/** @returns the position before the gap, or undefined for a token that this server never gave */
export function parseHistoryToken(text: string): number | undefined {
  const [, position] = /^h1_(\d{1,15})$/.exec(text) ?? [];
  if (position !== undefined) return Number(position);
  return (parseSyncToken(text) ?? parseSlidingPos(text))?.position;
}
