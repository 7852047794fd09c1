/** Plans that were saved with `plan --out`. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ImcloudError } from "../shared/errors.js";
import { jsonIn } from "../shared/json-text.js";

const SavedPlan = z.object({
  version: z.literal(1),
  boards: z.record(z.string(), z.object({ digest: z.string().optional() })),
});

/**
 * @param boards the names that imcloud.yaml knows
 * @returns the digest of each board's plan
 * @throws ImcloudError `config.unreadable`, `config.invalid`
 */
export async function loadPlan(
  file: string,
  boards: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const hint = "save one with `imcloud plan --out FILE`";
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ImcloudError("config.unreadable", `there is no plan \`${file}\``, { hint, cause });
  });
  const plan = SavedPlan.safeParse(jsonIn(text));
  if (!plan.success) {
    throw new ImcloudError("config.invalid", `\`${file}\` is not a plan of this version of imcloud`, {
      origin: { file, line: 1 },
      hint,
      cause: plan.error,
    });
  }
  const unknown = Object.keys(plan.data.boards).find((name) => !boards.includes(name));
  if (unknown !== undefined) {
    throw new ImcloudError("config.invalid", `the plan names a board that imcloud.yaml does not have`, {
      origin: { file, line: 1 },
      found: unknown,
      expected: `one of ${boards.join(", ")}`,
      hint: "make a new plan",
    });
  }
  return new Map(
    Object.entries(plan.data.boards).flatMap(([name, { digest }]) =>
      digest === undefined ? [] : [[name, digest]],
    ),
  );
}
