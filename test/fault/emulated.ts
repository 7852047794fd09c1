/**
 * Which tests run on emulated boards.
 *
 * They all start from one image and one frozen board, which take ten minutes to make, once: `npm test` makes them beside
 * the tests that need neither; a test that is run by itself makes them when it starts. IMCLOUD_EMULATED=no leaves them
 * out, where ten minutes or a gigabyte are too much.
 */
import { describe } from "vitest";

const WISH = process.env["IMCLOUD_EMULATED"] ?? "yes";
if (!["yes", "no"].includes(WISH)) throw new Error(`IMCLOUD_EMULATED is \`${WISH}\`; it can be yes or no`);

/** Whether the fault tests are to leave nothing out. */
export const IS_LONG = process.env["IMCLOUD_FAULT"] === "long";

/** For a hook that makes a board, and with it whatever is not in the lab's cache. */
export const BUILD_MS = 2_400_000;

/** An apply, or a cold boot, with what is before and after it; on a busy machine. */
export const STEP_MS = 600_000;

/** `describe` for what needs an emulated board. */
export const describeEmulated = describe.runIf(WISH === "yes");
