/**
 * One board's card: what is put on it once its image is written, and what is kept here so that the board is known.
 *
 * Keys are kept and pinned when they are on the card and before it can boot: the writer holds its partition table back
 * until this has ended. An error before leaves the keys of the board as it is now in force.
 */
import type { FirstBootFormat } from "../config/first-boot.js";
import type { BoardConfig } from "../config/load.js";
import { customiseCard } from "../flash/first-boot/customise.js";
import type { HostKeyPair } from "../flash/first-boot/seed.js";
import type { Customise } from "../flash/types.js";
import { ImcloudError } from "../shared/errors.js";
import { seedOf } from "./first-boot.js";
import type { Fleet } from "./fleet.js";
import { fingerprintsOf, keepIdentity, keptIdentity, makeIdentity, pinIdentity } from "./identities.js";

export interface CardWish {
  /** True: the board gets the host keys that it had. */
  readonly isReplacement: boolean;
  /** What the operator says on the command line; it wins over imcloud.yaml. */
  readonly format?: FirstBootFormat;
  readonly catalogued?: FirstBootFormat;
}

export interface PreparedCard {
  readonly board: BoardConfig;
  readonly customise: Customise;
  /** How the card was done; undefined before it is. */
  readonly done: () => DoneCard | undefined;
}

export interface DoneCard {
  readonly format: FirstBootFormat;
  /** As the image calls itself; empty if it does not. */
  readonly system: string;
  /** None where the format takes no host keys. */
  readonly fingerprints: readonly string[];
}

/** Those that can be given host keys. */
const PINNABLE: readonly FirstBootFormat[] = ["systemd", "cloudinit", "cloudinit-rpi"];

/**
 * Decides everything that can be decided without the card: what is wrong is told before anything is written.
 *
 * @throws ImcloudError `flash.no-identity`, `flash.setting-refused`, `config.secret-missing`, `config.invalid`
 */
export async function prepareCard(fleet: Fleet, board: BoardConfig, wish: CardWish): Promise<PreparedCard> {
  const { workspace, secrets } = fleet;
  if (!wish.isReplacement) refusePinned(board);
  const kept = wish.isReplacement ? await keptIdentity(workspace, board.name) : undefined;
  const seed = await seedOf(board, secrets, workspace);
  // New ones are made while the image is written, which is longer.
  const making = kept === undefined ? makeIdentity(board.name) : Promise.resolve(kept);
  making.catch(() => undefined); // told to whoever puts them on the card
  const named = wish.format ?? board.firstBoot.format;
  let done: DoneCard | undefined;
  return {
    board,
    done: () => done,
    async customise(target) {
      const hostKeys = await making;
      const whole = { ...seed, hostKeys };
      const { format, image } = await customiseCard(target, whole, {
        ...(named !== undefined && { named }),
        ...(wish.catalogued !== undefined && { catalogued: wish.catalogued }),
      });
      const pinned = PINNABLE.includes(format) ? hostKeys : [];
      if (pinned.length > 0) await keep(fleet, board, pinned, seed.hostname);
      done = { format, system: image.prettyName, fingerprints: fingerprintsOf(pinned) };
    },
  };
}

async function keep(
  { workspace }: Fleet,
  board: BoardConfig,
  keys: readonly HostKeyPair[],
  hostname: string,
): Promise<void> {
  const fixed = board.firstBoot.ethernet?.address.split("/")[0];
  await keepIdentity(workspace, board.name, keys);
  await pinIdentity(board, workspace, keys, [`${hostname}.local`, ...(fixed === undefined ? [] : [fixed])]);
}

/** What imcloud.yaml pins wins over every record: the new card would be refused. */
function refusePinned({ name, hostKeys, origin }: BoardConfig): void {
  if (hostKeys.length === 0) return;
  throw new ImcloudError(
    "config.invalid",
    `\`${name}\` has its host key pinned in imcloud.yaml, and a new card gets new ones`,
    {
      origin,
      found: hostKeys.join(", "),
      hint: `remove \`hostKey\`: imcloud records the new keys itself; or give \`--replace ${name}\`, if its keys were made here`,
    },
  );
}
