/**
 * What was written while there was no connection: sent once there is one again, in the order in which it was written.
 * Each keeps its transaction id, so that what had arrived after all does not arrive twice.
 */
import { ConnectionError, EventStatus, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";

let isResending = false;

/** Sends what waits in all rooms; what the server refuses stays as not sent, for its author to decide about. */
export async function resendAll(client: MatrixClient): Promise<void> {
  if (isResending) return;
  isResending = true;
  try {
    await Promise.all(client.getRooms().map((room) => resend(client, room)));
  } finally {
    isResending = false;
  }
}

async function resend(client: MatrixClient, room: Room): Promise<void> {
  for (const event of [...room.getPendingEvents()]) {
    if (event.status !== EventStatus.NOT_SENT || wasRefused(event)) continue;
    try {
      await client.resendEvent(event, room);
    } catch (error) {
      console.info("a message could not be sent", error);
      if (error instanceof ConnectionError) return;
    }
  }
}

/** The server has answered, and will answer the same again. One from before this page was opened has no error. */
const wasRefused = (event: MatrixEvent): boolean =>
  event.error !== null && event.error.httpStatus !== undefined && event.error.httpStatus < 500;
