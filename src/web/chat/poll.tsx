import { PollEvent, type Poll as PollModel, type Room } from "matrix-js-sdk";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../ui/icons.jsx";
import { attempt } from "../ui/toasts.jsx";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";
import { pollQuestion } from "./describe.js";
import type { MessageProps } from "./message.jsx";
import { countVotes, endPoll, termsOf, vote, type Votes } from "./polls.js";

/**
 * A question with answers to choose from. What others chose is seen once one has chosen, or when it is over; only then
 * where whoever asked wants it so.
 */
export function Poll({ event, room }: Pick<MessageProps, "event" | "room" | "version">) {
  const { client, userId } = useChat();
  const [votes, setVotes] = useState<Votes>();
  /** What was chosen here and has not come back from the server yet: the next choice goes on from it. */
  const [chosen, setChosen] = useState<readonly string[]>();
  const poll = usePoll(room, event.getId() ?? "");
  useEffect(() => {
    if (poll === undefined) return undefined;
    const count = () => attempt(countVotes(poll, termsOf(event), userId).then(setVotes));
    count();
    poll.on(PollEvent.Responses, count);
    poll.on(PollEvent.End, count);
    return () => {
      poll.off(PollEvent.Responses, count);
      poll.off(PollEvent.End, count);
    };
  }, [poll]);
  const isOver = poll?.isEnded === true;
  const { answers, most, isDisclosed } = termsOf(event);
  const own = chosen ?? votes?.own ?? [];
  const isShown = isOver || (isDisclosed && own.length > 0);
  const total = votes?.total ?? 0;
  useEffect(() => {
    if (chosen !== undefined && isSame(chosen, votes?.own ?? [])) setChosen(undefined);
  }, [votes]);
  const choose = (id: string) => {
    const others = own.filter((it) => it !== id);
    const next = most === 1 ? [id] : own.includes(id) ? others : [...others, id];
    setChosen(next);
    attempt(
      vote(client, room, event, next).catch((error: unknown) => {
        setChosen(undefined);
        throw error;
      }),
    );
  };
  return (
    <div class="poll" role="group" aria-label={pollQuestion(event)}>
      <p class="question" dir="auto">
        {pollQuestion(event)}
      </p>
      {most > 1 && !isOver && <p class="quiet">{t("pollUpTo", { n: most })}</p>}
      {answers.map(({ id, text }) => {
        const count = votes?.counts.get(id) ?? 0;
        return (
          <button
            key={id}
            type="button"
            aria-pressed={own.includes(id)}
            disabled={isOver || (most > 1 && own.length >= most && !own.includes(id))}
            onClick={() => choose(id)}
          >
            <span dir="auto">
              {own.includes(id) && <Icon name="check" />} {text}
            </span>
            {isShown && <span class="quiet">{many(count, "votesOne", "votesMany")}</span>}
            {isShown && <progress max={Math.max(1, total)} value={count} aria-hidden="true" />}
          </button>
        );
      })}
      <p class="quiet">
        {isOver ? t("pollOver") : many(total, "votesOne", "votesMany")}
        {!isOver && !isDisclosed && ` · ${t("pollHidden")}`}
        {!isOver && event.getSender() === userId && (
          <button type="button" class="plain" onClick={() => attempt(endPoll(client, room, event))}>
            {t("endPoll")}
          </button>
        )}
      </p>
    </div>
  );
}

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((it) => other.includes(it));

/** The client's own view of a poll; undefined until the poll has come back from the server, and was decrypted. */
function usePoll(room: Room, id: string): PollModel | undefined {
  const [poll, setPoll] = useState(room.polls.get(id));
  useEffect(() => {
    const look = () => setPoll(room.polls.get(id));
    look();
    room.on(PollEvent.New, look);
    return () => void room.off(PollEvent.New, look);
  }, [room, id]);
  return poll;
}
