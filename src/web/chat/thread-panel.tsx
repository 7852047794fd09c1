import type { MatrixEvent, Room, Thread } from "matrix-js-sdk";
import { useEffect, useMemo, useState } from "preact/hooks";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { Composer } from "./composer.jsx";
import { useChat } from "./context.js";
import { Draft } from "./draft.js";
import { Panel } from "./panel.jsx";
import { Timeline } from "./timeline.jsx";

/** What was said in a thread. One that has no answer yet begins with the first that is written here. */
export function ThreadPanel({ room, threadId }: { readonly room: Room; readonly threadId: string }) {
  const draft = useMemo(() => new Draft(room.roomId, threadId), [room, threadId]);
  const thread = useThread(room, threadId);
  return (
    <Panel room={room} title={t("thread")}>
      {thread === undefined ? (
        <div class="scroll" aria-busy="true" />
      ) : (
        <Timeline room={room} thread={thread} draft={draft} />
      )}
      <Composer room={room} draft={draft} threadId={threadId} />
    </Panel>
  );
}

function useThread(room: Room, threadId: string): Thread | undefined {
  const { client } = useChat();
  const [thread, setThread] = useState<Thread | undefined>(room.getThread(threadId) ?? undefined);
  useEffect(() => {
    const known = room.getThread(threadId);
    if (known !== null) return setThread(known);
    attempt(
      rootOf(client, room, threadId).then((root) => setThread(room.createThread(threadId, root, [], false))),
    );
  }, [room, threadId]);
  return thread;
}

async function rootOf(
  client: ReturnType<typeof useChat>["client"],
  room: Room,
  threadId: string,
): Promise<MatrixEvent | undefined> {
  const known = room.findEventById(threadId);
  if (known !== undefined) return known;
  return client.getEventMapper()(await client.fetchRoomEvent(room.roomId, threadId));
}
