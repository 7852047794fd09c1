/**
 * One resource, judged by what a board printed.
 */
import { expect } from "vitest";
import {
  register,
  resourceId,
  type ChangeDraft,
  type ResourceType,
} from "../../../src/resources/resource.js";
import { ImcloudError } from "../../../src/shared/errors.js";

export const ORIGIN = { file: "ssd.yaml", line: 7 };

export function judge<Desired, Observed>(
  type: ResourceType<Desired, Observed>,
  wish: object,
  lines: readonly string[],
): readonly ChangeDraft[] {
  const desired = type.schema.parse(wish);
  const id = resourceId(type.type, type.key(desired));
  const judgement = register(type)
    .judge(lines.join("\n"), [{ id, desired, origin: ORIGIN }])
    .get(id);
  if (judgement?.kind !== "judged") throw new Error(`not judged: ${judgement?.because}`);
  return judgement.drafts;
}

/** What the operator reads instead of a plan. */
export function refusal(work: () => unknown): ImcloudError {
  try {
    work();
  } catch (error) {
    if (error instanceof ImcloudError) return error;
    throw error;
  }
  return expect.fail("it was not refused");
}
