import type { MatrixEvent, Room } from "matrix-js-sdk";
import { useEffect, useState } from "preact/hooks";
import { attempt } from "../ui/toasts.jsx";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";
import { pollQuestion } from "./describe.js";
import { answersOf, countVotes, endPoll, vote, type Votes } from "./polls.js";

/** A question with answers to choose from. What others chose is seen once one has chosen, or when it is over. */
export function Poll({ event, room }: { readonly event: MatrixEvent; readonly room: Room }) {
  const { client, userId } = useChat();
  const [votes, setVotes] = useState<Votes>();
  const poll = room.polls.get(event.getId() ?? "");
  useEffect(() => {
    if (poll === undefined) return undefined;
    const count = () => attempt(countVotes(poll, userId).then(setVotes));
    count();
    poll.on("Poll.Responses" as never, count as never);
    poll.on("Poll.End" as never, count as never);
    return () => {
      poll.off("Poll.Responses" as never, count as never);
      poll.off("Poll.End" as never, count as never);
    };
  }, [poll]);
  const isOver = poll?.isEnded === true;
  const isShown = isOver || votes?.own !== undefined;
  const total = votes?.total ?? 0;
  return (
    <div class="poll" role="group" aria-label={pollQuestion(event)}>
      <p class="question" dir="auto">
        {pollQuestion(event)}
      </p>
      {answersOf(event).map(({ id, text }) => {
        const count = votes?.counts.get(id) ?? 0;
        return (
          <button
            key={id}
            type="button"
            aria-pressed={votes?.own === id}
            disabled={isOver}
            onClick={() => attempt(vote(client, room, event, id))}
          >
            <span dir="auto">{text}</span>
            {isShown && <span class="quiet">{many(count, "votesOne", "votesMany")}</span>}
            {isShown && <progress max={Math.max(1, total)} value={count} aria-hidden="true" />}
          </button>
        );
      })}
      <p class="quiet">
        {isOver ? t("pollOver") : many(total, "votesOne", "votesMany")}
        {!isOver && event.getSender() === userId && (
          <button type="button" class="plain" onClick={() => attempt(endPoll(client, room, event))}>
            {t("endPoll")}
          </button>
        )}
      </p>
    </div>
  );
}
