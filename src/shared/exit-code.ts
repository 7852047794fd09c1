/**
 * What the process tells its caller. The table is part of the interface: `docs/exit-codes.md`.
 *
 * 64 to 77 follow sysexits(3) where a name there fits.
 */
export const ExitCode = {
  Ok: 0,
  /** Boards failed for different reasons, or a bug. */
  Mixed: 1,
  /** `plan` found something to do. */
  Changes: 2,
  Unhealthy: 3,
  StepFailed: 4,
  Usage: 64,
  Config: 65,
  Unreachable: 69,
  Locked: 75,
  HostKey: 76,
  Login: 77,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
