/**
 * What the command and the process that writes tell each other: JSON, a line a message.
 *
 * The two are always of the same version, the one having started the other.
 */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { ERRORS, ImcloudError, type ErrorCode } from "../shared/errors.js";
import type { ImageFormat } from "./image-format.js";
import type { Range } from "./read-image.js";
import type { TargetRequest } from "./target.js";
import type { WrittenTarget } from "./types.js";
import type { Phase, WriteOutcome, Written } from "./write.js";

export interface Job {
  readonly kind: "job";
  /** By which messages about it are told from those about others: several may run at once. */
  readonly job: number;
  readonly image: {
    /** For messages. */
    readonly name: string;
    readonly path: string;
    readonly format: ImageFormat;
    readonly sizeBytes?: number;
    readonly sha256?: string;
    readonly ranges?: readonly Range[];
    /** It is still being fetched: see {@link ToWriter} `grown` and `whole`. */
    readonly isGrowing: boolean;
    /** What it will be called then. */
    readonly wholePath?: string;
  };
  readonly targets: readonly TargetRequest[];
  readonly verify: boolean;
  /** Whether settings are made on the target of that index. */
  readonly customise: readonly boolean[];
  /** Who may open the drive while settings are made, when that is not who writes. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** {@link assertAllowed}'s variable, which sudo does not hand on. */
  readonly only?: string;
}

export type ToWriter = Job | (OfJob & Said);

/** What is said of a job; {@link ToWriter} adds of which. */
export type Said =
  /** So many bytes of the image are there. */
  | { readonly kind: "grown"; readonly bytes: number }
  | { readonly kind: "whole" }
  /** It will not become whole. */
  | { readonly kind: "broken"; readonly error: SentError }
  | { readonly kind: "customised"; readonly index: number; readonly error?: SentError }
  | { readonly kind: "stop" };

export type FromWriter = { readonly kind: "ready" } | (OfJob & Told);

/** What the writer tells of a job; {@link FromWriter} adds of which. */
export type Told =
  | { readonly kind: "phase"; readonly index: number; readonly phase: Phase; readonly ofBytes?: number }
  | { readonly kind: "moved"; readonly index: number; readonly bytes: number }
  | { readonly kind: "customise"; readonly index: number; readonly target: WrittenTarget }
  /** That target is through; it is closed. */
  | { readonly kind: "ended"; readonly index: number; readonly outcome: SentOutcome }
  /** All of them are. */
  | { readonly kind: "done" }
  /** It is the image's fault, or ours. */
  | { readonly kind: "failed"; readonly error: SentError };

interface OfJob {
  readonly job: number;
}

type SentOutcome =
  { readonly ok: true; readonly value: Written } | { readonly ok: false; readonly error: SentError };

/** What of an error goes over the line. */
export interface SentError {
  /** Empty: not the operator's business, but a bug. */
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly expected?: string;
  readonly hint: string;
}

export function send(to: Writable, message: ToWriter | FromWriter): void {
  to.write(`${JSON.stringify(message)}\n`);
}

/** Messages as they come, until the other side has nothing more to say or nobody wants to hear it. */
export async function* received<T>(from: Readable, signal?: AbortSignal): AsyncGenerator<T> {
  const lines = createInterface({ input: from, ...(signal !== undefined && { signal }) });
  for await (const line of lines) yield JSON.parse(line) as T;
}

export const sentOutcome = (outcome: WriteOutcome): SentOutcome =>
  outcome.ok ? outcome : { ok: false, error: sentError(outcome.error) };

export const receivedOutcome = (outcome: SentOutcome): WriteOutcome =>
  outcome.ok ? outcome : { ok: false, error: receivedError(outcome.error) };

export function sentError(error: unknown): SentError {
  if (!(error instanceof ImcloudError))
    return {
      code: "",
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      hint: "",
    };
  const { found, expected, hint } = error.details;
  return {
    ...{ code: error.code, message: error.message, hint },
    ...(found !== undefined && { found }),
    ...(expected !== undefined && { expected }),
  };
}

export function receivedError({ code, message, ...details }: SentError): Error {
  return code in ERRORS ? new ImcloudError(code as ErrorCode, message, details) : new Error(message);
}
