/** What resources make of what a board printed. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { RESOURCE_TYPES } from "../../../src/resources/registry.js";
import { resourceId } from "../../../src/resources/resource.js";

export type Case = readonly [
  type: string,
  title: string,
  desired: object,
  output: string,
  expected: readonly string[] | "unknowable",
];

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A test for each case. */
export function testAll(cases: readonly Case[]): void {
  test.each(cases)("%s: %s", (word, _title, input, output, expected) => {
    const type = RESOURCE_TYPES.get(word);
    if (type === undefined) throw new Error(`no type ${word}`);
    const desired = type.schema.parse(input);
    const id = resourceId(word, type.key(desired));
    const judgement = type.judge(output, [{ id, desired, origin: { file: "case.yaml", line: 1 } }]).get(id);
    const seen =
      judgement?.kind === "judged"
        ? judgement.drafts.map(
            ({ kind, risk, before, after }) =>
              `${kind} ${risk}:${before === "" ? "" : ` ${before}`} -> ${after}`,
          )
        : judgement?.kind;
    expect(seen).toEqual(expected);
  });
}
