/**
 * More cards than readers: each reader takes one card after the other, on its own, until the list is through.
 *
 * The cards that are in the readers at the beginning are written from one unpacking. Later ones come when people bring
 * them, and each unpacks the image anew: to keep one reader waiting for another would cost more.
 *
 * A card that fails is left out. Its board goes to the end of the list and gets a second one; see {@link Rota}.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ImcloudError } from "../shared/errors.js";
import { CardWatch } from "./card-watch.js";
import type { ChosenTarget } from "./choose-target.js";
import type { Drive } from "./drives.js";
import { cardOfThisRun } from "./errors.js";
import type { FlashImage, FlashRequest } from "./flash.js";
import { Rota } from "./rota.js";
import type { Customise } from "./types.js";
import type { WriteOutcome, WriteProgress, Written } from "./write.js";

/** A target in whose reader other cards will come. */
export type Card = ChosenTarget & { readonly drive: Drive };

export interface ReadersRequest {
  readonly image: FlashImage;
  readonly verify: boolean;
  /** The first card of each reader. */
  readonly first: readonly Card[];
  /** The settings for each card, by its place in the list; no fewer than {@link first}. */
  readonly customise: readonly Customise[];
  /** How long a reader waits for a card, from when it is asked for. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** The machine, and the rules for what is written to. */
export interface Machine {
  flash(request: FlashRequest, progress: WriteProgress): Promise<readonly WriteOutcome[]>;
  /** All of its drives. */
  look(): Promise<readonly Drive[]>;
  /**
   * @param needBytes of the image, once that is known
   * @throws ImcloudError about a drive that is not written to
   */
  choose(drive: Drive, needBytes: number | undefined): Promise<Card>;
}

/** What is told of a reader, by its index. */
export interface ReadersListener {
  /** Of the card that is being written. */
  readonly progress: Pick<WriteProgress, "phase" | "moved">;
  began(reader: number, place: number): void;
  /** Called before the next card is asked for, and waited for. */
  written(reader: number, place: number, card: Card, written: Written): Promise<void>;
  /** @param isRepeated the board gets another card, later */
  spoilt(reader: number, place: number, error: unknown, isRepeated: boolean): void;
  /** A card is wanted. */
  wanted(reader: number, place: number): void;
  /** A card is there that is not written to. It may become one that is: by being unmounted, say. */
  refused(reader: number, place: number, error: ImcloudError): void;
  /** It has nothing more to do, or none came. */
  through(reader: number): void;
}

export type CardOutcome =
  | { readonly kind: "written"; readonly card: Card; readonly value: Written }
  | { readonly kind: "failed"; readonly error: unknown }
  /** None was written for it. */
  | { readonly kind: "left" };

export interface Outcome {
  /** By their places. */
  readonly cards: readonly CardOutcome[];
  /** What ended it before the list was through, apart from a lack of cards and from {@link ReadersRequest.signal}. */
  readonly error?: unknown;
}

/** What may be the card's fault, or its reader's: another may do better. */
const OF_CARDS = [
  "flash.write-failed",
  "flash.verify-failed",
  "flash.target-refused",
  "flash.target-busy",
  "flash.partition-damaged",
];
/** What is wrong with the image, or here: no other card will fare better. */
const OF_ALL = [
  "flash.image-damaged",
  "flash.image-unusable",
  "flash.not-fetched",
  "flash.format-unknown",
  "flash.tool-missing",
];

/** The kernel looks at its readers every two seconds. */
const LOOK_EVERY_MS = 1_000;

export async function flashByReaders(
  request: ReadersRequest,
  machine: Machine,
  listener: ReadersListener,
  everyMs = LOOK_EVERY_MS,
): Promise<Outcome> {
  const run = new Run(request, machine, listener, everyMs);
  return run.toItsEnd();
}

class Run {
  readonly #request: ReadersRequest;
  readonly #machine: Machine;
  readonly #listener: ReadersListener;
  readonly #everyMs: number;
  readonly #rota: Rota;
  readonly #outcomes: CardOutcome[];
  /** Ends the waiting, not the writing. */
  readonly #halting = new AbortController();
  #error: { readonly error: unknown } | undefined;
  #needBytes: number | undefined;

  constructor(request: ReadersRequest, machine: Machine, listener: ReadersListener, everyMs: number) {
    this.#request = request;
    this.#machine = machine;
    this.#listener = listener;
    this.#everyMs = everyMs;
    this.#rota = new Rota(request.customise.length);
    this.#outcomes = request.customise.map(() => ({ kind: "left" }));
  }

  async toItsEnd(): Promise<Outcome> {
    const { first, signal } = this.#request;
    const stop = () => this.#halting.abort();
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
    const places = first.map(() => this.#rota.next() ?? 0);
    for (const [reader, place] of places.entries()) this.#listener.began(reader, place);
    const serving: Promise<void>[] = [];
    await this.#machine
      .flash(
        { ...this.#written(first, places), image: this.#request.image },
        {
          ...this.#listener.progress,
          ended: (reader, outcome) => {
            const [card, place] = [first[reader], places[reader]];
            if (card === undefined || place === undefined) return;
            serving.push(
              this.#serve(reader, place, card, outcome).catch((error: unknown) => this.#halt(error)),
            );
          },
        },
      )
      .catch((error: unknown) => this.#halt(error));
    await Promise.all(serving);
    signal.removeEventListener("abort", stop);
    return { cards: this.#outcomes, ...this.#error };
  }

  /** From the end of one card to that of the last. */
  async #serve(reader: number, place: number, card: Card, outcome: WriteOutcome): Promise<void> {
    for (;;) {
      await this.#settle(reader, place, card, outcome);
      const next = this.#halting.signal.aborted ? undefined : this.#rota.next();
      const written = next === undefined ? undefined : await this.#writeNext(reader, next, card);
      if (next === undefined || written === undefined) {
        if (next !== undefined) this.#rota.giveBack(next);
        this.#listener.through(reader);
        return;
      }
      ({ card, outcome } = written);
      place = next;
    }
  }

  async #settle(reader: number, place: number, card: Card, outcome: WriteOutcome): Promise<void> {
    if (outcome.ok) {
      this.#needBytes ??= outcome.value.sizeBytes;
      this.#outcomes[place] = { kind: "written", card, value: outcome.value };
      await this.#listener.written(reader, place, card, outcome.value);
      return;
    }
    const { error } = outcome;
    const code = error instanceof ImcloudError ? error.code : "";
    this.#outcomes[place] = { kind: "failed", error };
    if (OF_ALL.includes(code)) this.#halt(error);
    const isRepeated = OF_CARDS.includes(code) && !this.#halting.signal.aborted && this.#rota.spoil(place);
    this.#listener.spoilt(reader, place, error, isRepeated);
  }

  /** @returns undefined when no card came */
  async #writeNext(
    reader: number,
    place: number,
    last: Card,
  ): Promise<{ readonly card: Card; readonly outcome: WriteOutcome } | undefined> {
    const watch = new CardWatch(last.drive);
    const deadlineMs = performance.now() + this.#request.patienceMs;
    this.#listener.wanted(reader, place);
    for (;;) {
      const card = await this.#awaitCard(reader, place, watch, deadlineMs);
      if (card === undefined) return undefined;
      this.#listener.began(reader, place);
      const outcome = await this.#write(reader, place, card);
      if (outcome.ok || !isBusy(outcome.error)) return { card, outcome };
      // Nothing was written: a desktop looks at the card, and lets go of it soon.
      this.#listener.refused(reader, place, outcome.error);
      await this.#pause();
    }
  }

  async #awaitCard(
    reader: number,
    place: number,
    watch: CardWatch,
    deadlineMs: number,
  ): Promise<Card | undefined> {
    for (let told = ""; ; await this.#pause()) {
      if (this.#halting.signal.aborted || performance.now() >= deadlineMs) return undefined;
      const drive = watch.look(await this.#look());
      if (drive === undefined) continue;
      try {
        this.#refuseWritten(drive);
        return await this.#machine.choose(drive, this.#needBytes);
      } catch (error) {
        if (!(error instanceof ImcloudError)) throw error;
        if (told !== error.message) this.#listener.refused(reader, place, error);
        told = error.message;
      }
    }
  }

  /** Ctrl-C at a terminal also ends the program that is just being asked. */
  async #look(): Promise<readonly Drive[]> {
    try {
      return await this.#machine.look();
    } catch (error) {
      if (this.#halting.signal.aborted) return [];
      throw error;
    }
  }

  /** Readers have serial numbers of their own; in a slot of the machine's it is the card's. */
  #refuseWritten({ id, transport, serial }: Drive): void {
    if (transport !== "mmc" || serial === "") return;
    const isWritten = this.#outcomes.some(
      (one) => one.kind === "written" && one.card.drive.serial === serial,
    );
    if (isWritten) throw cardOfThisRun(id, serial);
  }

  async #write(reader: number, place: number, card: Card): Promise<WriteOutcome> {
    const { progress } = this.#listener;
    try {
      const [outcome] = await this.#machine.flash(this.#written([card], [place]), {
        phase: (_, phase, ofBytes) => progress.phase(reader, phase, ofBytes),
        moved: (_, bytes) => progress.moved(reader, bytes),
        ended: () => undefined, // awaited
      });
      if (outcome === undefined) throw new Error("a flash without an outcome");
      return outcome;
    } catch (error) {
      // Not about a card: the image, or the process that writes.
      if (!isBusy(error)) this.#halt(error);
      return { ok: false, error };
    }
  }

  /** What was still being fetched for the first cards is there for the others. */
  #written(targets: readonly Card[], places: readonly number[]): FlashRequest {
    const { growing, path, ...image } = this.#request.image;
    return {
      image: { ...image, path: growing?.wholePath ?? path },
      targets,
      verify: this.#request.verify,
      customise: (index) => this.#request.customise[places[index] ?? -1],
      signal: this.#request.signal,
    };
  }

  #halt(error: unknown): void {
    this.#error ??= { error };
    this.#halting.abort();
  }

  async #pause(): Promise<void> {
    await delay(this.#everyMs, undefined, { signal: this.#halting.signal }).catch(() => undefined); // looked at by whoever waits
  }
}

const isBusy = (error: unknown): error is ImcloudError =>
  error instanceof ImcloudError && error.code === "flash.target-busy";
