/**
 * Why a run on a board is not done: in somebody else's hands, cut off, or a step of it failed.
 */
import { ImcloudError, type Origin } from "../shared/errors.js";
import type { Followed } from "./follow.js";

/** @param originOf the place in the playbooks that a step comes from, by its title; undos have none */
export function whyEnded(
  board: string,
  { outcome, steps, complaint }: Followed,
  originOf: (title: string) => Origin | undefined = () => undefined,
): ImcloudError {
  const last = steps.at(-1);
  const origin = last && originOf(last.title);
  if (outcome === "locked") {
    return new ImcloudError("board.locked", `another run holds \`${board}\``, {
      hint: "run the command again: it attaches to that run",
    });
  }
  if (outcome === "interrupted" || last === undefined) {
    return new ImcloudError(
      "engine.interrupted",
      `the run on \`${board}\` ended in the middle of ${last?.title ?? "its beginning"}`,
      {
        ...(origin && { origin }),
        found: complaint || "the journal stops there: the board was rebooted or the run was killed",
        hint: "run the command again: it goes on from what the board looks like now",
      },
    );
  }
  const why = last.outcome === "moved" ? "changed meanwhile, by somebody else" : `exit code ${last.exitCode}`;
  return new ImcloudError("engine.step-failed", `\`${board}\`: ${last.title} failed`, {
    ...(origin && { origin }),
    found: [why, ...(last.tail ?? [])].join("\n"),
    hint: "mend the cause and run the command again: what is done stays done",
  });
}
