/**
 * Polls, under the names that all clients send today.
 * Source: MSC3381.
 */
import type { MatrixClient, MatrixEvent, Poll, Room } from "matrix-js-sdk";
import { t } from "../words/words.js";

const PREFIX = "org.matrix.msc3381.poll";
const TEXT = "org.matrix.msc1767.text";

interface Answer {
  readonly id: string;
  readonly text: string;
}

type Start = Readonly<
  Record<string, { readonly answers?: readonly Readonly<Record<string, unknown>>[] } | undefined>
>;

/** The most that a poll may have. Source: MSC3381. */
const MOST_ANSWERS = 20;

export function answersOf(event: MatrixEvent): Answer[] {
  const content = event.getContent<Start>();
  const answers = (content[`${PREFIX}.start`] ?? content["m.poll.start"] ?? content["m.poll"])?.answers;
  return (Array.isArray(answers) ? answers : []).slice(0, MOST_ANSWERS).flatMap((given: unknown) => {
    const answer = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
    const [id, text] = [answer["id"] ?? answer["m.id"], answer[TEXT] ?? answer["m.text"] ?? answer["body"]];
    return typeof id === "string" && typeof text === "string" ? [{ id, text }] : [];
  });
}

export interface Votes {
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
  readonly own: string | undefined;
}

/** Each person's last answer counts. @throws MatrixError when the answers cannot be had */
export async function countVotes(poll: Poll, me: string): Promise<Votes> {
  const responses = (await poll.getResponses()).getRelations();
  const last = new Map<string, { readonly at: number; readonly answer: string }>();
  for (const response of responses) {
    const sender = response.getSender() ?? "";
    const content = response.getContent<Record<string, { answers?: unknown[] } | undefined>>();
    const answer = (content[`${PREFIX}.response`] ?? content["m.poll.response"])?.answers?.[0];
    if (typeof answer !== "string" || (last.get(sender)?.at ?? -1) > response.getTs()) continue;
    last.set(sender, { at: response.getTs(), answer });
  }
  const counts = new Map<string, number>();
  for (const { answer } of last.values()) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return { counts, total: last.size, own: last.get(me)?.answer };
}

export async function startPoll(
  client: MatrixClient,
  room: Room,
  threadId: string | null,
  question: string,
  answers: readonly string[],
): Promise<void> {
  const list = answers.map((text, index) => ({ id: String(index + 1), [TEXT]: text }));
  await client.sendEvent(
    room.roomId,
    threadId,
    `${PREFIX}.start` as never,
    {
      [`${PREFIX}.start`]: {
        question: { [TEXT]: question, body: question, msgtype: "m.text" },
        kind: `${PREFIX}.disclosed`,
        max_selections: 1,
        answers: list,
      },
      [TEXT]: [question, ...answers.map((answer, index) => `${index + 1}. ${answer}`)].join("\n"),
    } as never,
  );
}

const reference = (event: MatrixEvent) => ({ rel_type: "m.reference", event_id: event.getId() ?? "" });

export async function vote(
  client: MatrixClient,
  room: Room,
  poll: MatrixEvent,
  answer: string,
): Promise<void> {
  await client.sendEvent(
    room.roomId,
    null,
    `${PREFIX}.response` as never,
    {
      "m.relates_to": reference(poll),
      [`${PREFIX}.response`]: { answers: [answer] },
    } as never,
  );
}

export async function endPoll(client: MatrixClient, room: Room, poll: MatrixEvent): Promise<void> {
  await client.sendEvent(
    room.roomId,
    null,
    `${PREFIX}.end` as never,
    {
      "m.relates_to": reference(poll),
      [`${PREFIX}.end`]: {},
      [TEXT]: t("pollOver"),
    } as never,
  );
}
