/**
 * Errors that the operator can act on.
 *
 * One table of stable codes, `<room>.<what>`, with the exit code of each; `docs/exit-codes.md` is generated
 * from it. A named function in the throwing room makes the error; `src/cli/report-error.ts` alone renders it.
 */
import { ExitCode } from "./exit-code.js";

interface ErrorKind {
  readonly meaning: string;
  readonly exitCode: ExitCode;
}

const kind = (exitCode: ExitCode, meaning: string): ErrorKind => ({ meaning, exitCode });

/** Stable names; once released, a code keeps its meaning. */
export const ERRORS = {
  "board.unreachable": kind(ExitCode.Unreachable, "The board does not answer on its SSH port."),
  "board.lost": kind(ExitCode.Unreachable, "The connection ended while something was awaited."),
  "board.host-key-unknown": kind(ExitCode.HostKey, "The board's host key is not recorded yet."),
  "board.host-key-changed": kind(ExitCode.HostKey, "The board's host key differs from the recorded one."),
  "board.login-refused": kind(ExitCode.Login, "The board accepts none of the offered logins."),
  "board.sudo-refused": kind(ExitCode.Login, "The user may not become root, or the sudo password is wrong."),
  "board.payload-damaged": kind(ExitCode.StepFailed, "A payload arrived incomplete; nothing of it ran."),
  "board.script-failed": kind(ExitCode.StepFailed, "A script that only looks ended with an error."),
  "board.unsupported": kind(ExitCode.Config, "The board cannot run what is asked of it."),
  "board.disk-refused": kind(
    ExitCode.Config,
    "The disk that a playbook asks for is not there, or holds what nobody said may go.",
  ),
  "board.locked": kind(ExitCode.Locked, "Another run holds the board."),
  "config.unreadable": kind(ExitCode.Config, "A file that the operator named cannot be read."),
  "config.syntax": kind(ExitCode.Config, "A file is not well-formed YAML."),
  "config.invalid": kind(ExitCode.Config, "A value is not one of those allowed."),
  "config.secret-missing": kind(ExitCode.Config, "A secret is named but not to be had."),
  "flash.format-unknown": kind(
    ExitCode.Config,
    "Nothing in the image says how it wants to be told what it is to be, or it says otherwise than you do.",
  ),
  "flash.setting-refused": kind(
    ExitCode.Config,
    "A first-boot setting is not one that the image, or a system, could keep.",
  ),
  "flash.no-identity": kind(ExitCode.Config, "A board is to be replaced whose host keys are not kept here."),
  "fleet.not-found": kind(
    ExitCode.Unreachable,
    "Nothing in the network proved to be the board that was flashed, by its host key, in the time given.",
  ),
  "fleet.not-ready": kind(
    ExitCode.Unreachable,
    "A board that was flashed did not come to the end of its first boot.",
  ),
  "flash.tool-missing": kind(ExitCode.Config, "A program that flashing needs is not installed."),
  "flash.partition-damaged": kind(
    ExitCode.StepFailed,
    "The boot partition of an image or card cannot be read or written.",
  ),
  "fleet.wrong-checksum": kind(
    ExitCode.Config,
    "A download is not what its publisher says it is; nothing of it was kept.",
  ),
  "fleet.wrong-signature": kind(
    ExitCode.Config,
    "A download, or a file given instead of one, is not signed by those who should have signed it.",
  ),
  "fleet.kit-unusable": kind(
    ExitCode.Config,
    "A kit is incomplete or damaged; nothing more of it was taken in.",
  ),
  "fleet.kit-missing": kind(
    ExitCode.Config,
    "Boards are to install from a kit, and this machine has none for their system.",
  ),
  "playbook.invalid": kind(ExitCode.Config, "A playbook says something that imcloud does not understand."),
  "playbook.not-found": kind(ExitCode.Config, "A playbook, template or file that is named does not exist."),
  "engine.step-failed": kind(ExitCode.StepFailed, "A step of the run failed on the board."),
  "engine.no-progress": kind(ExitCode.StepFailed, "A wave left as much to do as it found."),
  "engine.interrupted": kind(ExitCode.StepFailed, "The run stopped before its end."),
  "engine.plan-stale": kind(ExitCode.StepFailed, "The board has moved on since the plan was saved."),
  "engine.reverted": kind(
    ExitCode.StepFailed,
    "A change was undone because the board did not pass the test after it.",
  ),
  "engine.too-many-waves": kind(ExitCode.StepFailed, "The playbook never came to rest."),
  "flash.image-unusable": kind(ExitCode.Config, "What is named is no image that can be written to a drive."),
  "flash.image-damaged": kind(
    ExitCode.Config,
    "An image is incomplete, or not what its publisher says it is; nothing boots from what was written of it.",
  ),
  "flash.catalogue-invalid": kind(ExitCode.Config, "What should be a list of images is none."),
  "flash.not-fetched": kind(ExitCode.Unreachable, "An image, or the list of them, could not be fetched."),
  "flash.target-refused": kind(
    ExitCode.Config,
    "The drive is not one that imcloud writes to, or does not fit.",
  ),
  "flash.target-busy": kind(ExitCode.Locked, "Another program is using the drive."),
  "flash.write-failed": kind(ExitCode.StepFailed, "A drive could not be written to."),
  "flash.verify-failed": kind(ExitCode.StepFailed, "A drive does not give back what was written to it."),
  "flash.interrupted": kind(
    ExitCode.StepFailed,
    "A flash was stopped before its end; nothing boots from the drive.",
  ),
  "flash.no-card": kind(ExitCode.Unreachable, "No card came into a reader in the time given."),
  "lab.unavailable": kind(ExitCode.Config, "This machine cannot run virtual boards as it is."),
  "lab.failed": kind(ExitCode.StepFailed, "A step in making or running a virtual board failed."),
  "lab.not-ready": kind(ExitCode.Unreachable, "A virtual board did not come up in time."),
  "lab.unknown-board": kind(ExitCode.Usage, "No virtual board has that name."),
  "server.refused": kind(ExitCode.StepFailed, "The IM server refused what was asked of it."),
  "server.unreachable": kind(
    ExitCode.StepFailed,
    "The IM server on the board does not run, or cannot be asked.",
  ),
  "cli.usage": kind(ExitCode.Usage, "The command line is not understood."),
  "cli.missing-answer": kind(ExitCode.Usage, "Something must be known and nobody is there to be asked."),
  "cli.internal": kind(ExitCode.Mixed, "A bug in imcloud."),
} as const satisfies Record<string, ErrorKind>;
export type ErrorCode = keyof typeof ERRORS;

/** The place in a file the operator wrote. Lines and columns count from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly key?: string;
}

export interface ErrorDetails {
  readonly origin?: Origin;
  readonly found?: string;
  readonly expected?: string;
  /** One action that helps. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** An error the operator can act on. Anything else that reaches the top is a bug in imcloud. */
export class ImcloudError extends Error {
  override readonly name = "ImcloudError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  /** The process's exit code when this error alone ended the run. */
  get exitCode(): ExitCode {
    return ERRORS[this.code].exitCode;
  }
}
