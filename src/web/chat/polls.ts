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

export interface Terms {
  readonly answers: readonly Answer[];
  /** Answers that one person may choose. */
  readonly most: number;
  /** What others chose is seen before the poll is over. */
  readonly isDisclosed: boolean;
}

interface Start {
  readonly answers?: unknown;
  readonly max_selections?: unknown;
  readonly kind?: unknown;
}

/** The most answers that a poll may have. Source: MSC3381. */
const MOST_ANSWERS = 20;

/** What is missing or makes no sense is as the proposal has it by default. */
export function termsOf(event: MatrixEvent): Terms {
  const content = event.getContent<Readonly<Record<string, Start | undefined>>>();
  const start = content[`${PREFIX}.start`] ?? content["m.poll.start"] ?? content["m.poll"];
  const answers = (Array.isArray(start?.answers) ? start.answers : [])
    .slice(0, MOST_ANSWERS)
    .flatMap((given: unknown) => {
      const answer = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
      const [id, text] = [answer["id"] ?? answer["m.id"], answer[TEXT] ?? answer["m.text"] ?? answer["body"]];
      return typeof id === "string" && typeof text === "string" ? [{ id, text }] : [];
    });
  const most = start?.max_selections;
  return {
    answers,
    most:
      typeof most === "number" && Number.isInteger(most) && most >= 1 ? Math.min(most, answers.length) : 1,
    isDisclosed:
      start?.kind === `${PREFIX}.disclosed` ||
      start?.kind === "m.poll.disclosed" ||
      start?.kind === "m.disclosed",
  };
}

export interface Votes {
  readonly counts: ReadonlyMap<string, number>;
  /** People who chose something. */
  readonly total: number;
  readonly own: readonly string[];
}

/**
 * Each person's last response counts, if it says nothing that cannot be chosen.
 *
 * @throws MatrixError when the responses cannot be had
 */
export async function countVotes(poll: Poll, terms: Terms, me: string): Promise<Votes> {
  const last = new Map<string, MatrixEvent>();
  for (const response of (await poll.getResponses()).getRelations()) {
    const sender = response.getSender() ?? "";
    const before = last.get(sender);
    if (before === undefined || before.getTs() <= response.getTs()) last.set(sender, response);
  }
  const chosen = new Map([...last].map(([sender, response]) => [sender, chosenIn(response, terms)]));
  const counts = new Map<string, number>();
  for (const answer of [...chosen.values()].flat()) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const total = [...chosen.values()].filter(({ length }) => length > 0).length;
  return { counts, total, own: chosen.get(me) ?? [] };
}

function chosenIn(response: MatrixEvent, { answers, most }: Terms): readonly string[] {
  const content = response.getContent<Record<string, unknown>>();
  const block = (content[`${PREFIX}.response`] ?? content["m.poll.response"]) as
    { answers?: unknown } | undefined;
  const given: unknown = content["m.selections"] ?? block?.answers;
  const chosen = Array.isArray(given) ? given.slice(0, most) : [];
  const isKnown = (id: unknown): id is string => answers.some((answer) => answer.id === id);
  return chosen.every(isKnown) ? [...new Set(chosen)] : [];
}

export async function startPoll(
  client: MatrixClient,
  room: Room,
  threadId: string | null,
  question: string,
  answers: readonly string[],
  { most, isDisclosed }: Omit<Terms, "answers">,
): Promise<void> {
  const list = answers.map((text, index) => ({ id: String(index + 1), [TEXT]: text }));
  await client.sendEvent(
    room.roomId,
    threadId,
    `${PREFIX}.start` as never,
    {
      [`${PREFIX}.start`]: {
        question: { [TEXT]: question, body: question, msgtype: "m.text" },
        kind: `${PREFIX}.${isDisclosed ? "disclosed" : "undisclosed"}`,
        max_selections: most,
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
  answers: readonly string[],
): Promise<void> {
  await client.sendEvent(
    room.roomId,
    null,
    `${PREFIX}.response` as never,
    {
      "m.relates_to": reference(poll),
      [`${PREFIX}.response`]: { answers },
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
