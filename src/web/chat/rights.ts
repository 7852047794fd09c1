/**
 * Who may do what in a room.
 * Source: Matrix client-server API v1.19, "m.room.power_levels".
 */
import { EventType, type MatrixClient, type Room } from "matrix-js-sdk";

/** What clients call these roles by. */
export const MODERATOR = 50;
export const ADMIN = 100;

/** In rooms of version 12 who made it is above all. */
export const powerOf = (room: Room, userId: string): number => room.getMember(userId)?.powerLevel ?? 0;

/** @returns whether somebody may set a piece of the room's state */
export const mayAt = (room: Room, type: string, userId: string): boolean =>
  room.currentState.maySendStateEvent(type, userId);

export interface PowerLevels {
  readonly users?: Readonly<Record<string, number>>;
  readonly events?: Readonly<Record<string, number>>;
  readonly events_default?: number;
}

export const powerLevels = (room: Room): PowerLevels =>
  room.currentState.getStateEvents(EventType.RoomPowerLevels, "")?.getContent<PowerLevels>() ?? {};

/** @throws MatrixError when one may not */
export async function setPower(
  client: MatrixClient,
  room: Room,
  userId: string,
  level: number,
): Promise<void> {
  const { [userId]: _old, ...users } = powerLevels(room).users ?? {};
  await changePower(client, room, { users: level === 0 ? users : { ...users, [userId]: level } });
}

/** @throws MatrixError when one may not */
export async function changePower(client: MatrixClient, room: Room, change: PowerLevels): Promise<void> {
  await client.sendStateEvent(
    room.roomId,
    EventType.RoomPowerLevels,
    { ...powerLevels(room), ...change },
    "",
  );
}
