/**
 * Which card became which board: `.imcloud/cards.json`, the last of each board first.
 */
import { z } from "zod";
import { readOptional, writePrivate } from "../files/operator-files.js";
import { ImcloudError } from "../shared/errors.js";
import { jsonIn } from "../shared/json-text.js";
import type { Workspace } from "./workspace.js";

const CardRecord = z.object({
  board: z.string(),
  /** The drive's; empty for an image file, and for readers that tell none. */
  serial: z.string(),
  /** As the drive calls itself, or the file's path. */
  drive: z.string(),
  image: z.string(),
  format: z.string(),
  /** Of the host keys on it. */
  fingerprints: z.array(z.string()),
  /** ISO 8601, UTC. */
  flashedAt: z.string(),
});
export type CardRecord = Readonly<z.infer<typeof CardRecord>>;

const CardsFile = z.object({ version: z.literal(1), cards: z.array(CardRecord) });

export async function readCards({ cards }: Workspace): Promise<readonly CardRecord[]> {
  const text = await readOptional(cards);
  if (text === undefined) return [];
  const parsed = CardsFile.safeParse(jsonIn(text));
  if (parsed.success) return parsed.data.cards;
  throw new ImcloudError("config.invalid", `\`${cards}\` is not what imcloud wrote there`, {
    origin: { file: cards, line: 1 },
    hint: "move it away: it says which card is whose, and nothing else needs it",
    cause: parsed.error,
  });
}

/** The last change of each file: several readers may be done at once, and one must not undo the other. */
const changes = new Map<string, Promise<void>>();

export async function recordCard(workspace: Workspace, card: CardRecord): Promise<void> {
  const before = changes.get(workspace.cards) ?? Promise.resolve();
  const add = async () => {
    const cards = [card, ...(await readCards(workspace))];
    await writePrivate(workspace.cards, `${JSON.stringify({ version: 1, cards }, null, 2)}\n`);
  };
  // Whoever made the change before has its error; this one does not depend on it.
  const change = before.catch(() => undefined).then(add);
  changes.set(workspace.cards, change);
  await change;
}
