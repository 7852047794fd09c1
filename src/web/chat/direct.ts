/**
 * Which rooms are for two is the account's own knowledge: its account data says it.
 * Source: Matrix client-server API v1.19, "Direct Messaging".
 */
import { EventType, type MatrixClient } from "matrix-js-sdk";

export async function addDirect(client: MatrixClient, userId: string, roomId: string): Promise<void> {
  const known = client.getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
  const rooms = known[userId] ?? [];
  if (rooms.includes(roomId)) return;
  await client.setAccountData(EventType.Direct, { ...known, [userId]: [...rooms, roomId] });
}

/** @returns the room with somebody alone that is there already */
export function directRoomWith(client: MatrixClient, userId: string): string | undefined {
  const known = client.getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
  return known[userId]?.find((roomId) => client.getRoom(roomId)?.getMyMembership() === "join");
}
