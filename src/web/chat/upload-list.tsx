import type { Room } from "matrix-js-sdk";
import { t } from "../words/words.js";
import { useChat } from "./context.js";

export interface UploadListProps {
  readonly room: Room;
  readonly threadId: string | null;
}

/** The files that are on their way to a room, and those that did not arrive. */
export function UploadList({ room, threadId }: UploadListProps) {
  const { uploads } = useChat();
  const here = uploads.list.value.filter((it) => it.room === room && it.threadId === threadId);
  if (here.length === 0) return null;
  return (
    <ul class="uploads" role="status">
      {here.map(({ id, file, part, hasFailed }) => (
        <li key={id}>
          {hasFailed ? (
            <>
              <span class="trouble" dir="auto">
                {t("uploadFailed", { name: file.name })}
              </span>
              <button type="button" class="plain" onClick={() => uploads.retry(id)}>
                {t("retry")}
              </button>
              <button type="button" class="plain" onClick={() => uploads.discard(id)}>
                {t("discard")}
              </button>
            </>
          ) : (
            <>
              <span dir="auto">{file.name}</span>
              <progress max={1} value={part} aria-label={`${t("sending")}: ${file.name}`} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
