import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";

/**
 * What the process tells its caller when boards failed: their common cause, or that there were several.
 *
 * @returns undefined when none failed
 */
export function failureCode(errors: readonly unknown[]): ExitCode | undefined {
  const codes = new Set(
    errors.map((error) => (error instanceof ImcloudError ? error.exitCode : ExitCode.Mixed)),
  );
  const [first, ...others] = codes;
  return others.length > 0 ? ExitCode.Mixed : first;
}
