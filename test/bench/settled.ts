/**
 * An operator whose boards are as the playbook wants them, for benches of runs with nothing to do.
 */
import type { Operator } from "../e2e/operator.js";

/** Applies once, and makes sure that there is nothing left to do. */
export async function settle(home: Operator): Promise<void> {
  await apply(home);
  const plan = await home.imcloud("plan", "--json");
  if (plan.exitCode !== 0)
    throw new Error(`not settled: plan ended with ${plan.exitCode}\n${plan.stdout}\n${plan.stderr}`);
}

/** @throws Error with the command's output when it fails */
export async function apply(home: Operator): Promise<void> {
  const run = await home.imcloud("apply", "--yes", "--json");
  if (run.exitCode !== 0) throw new Error(`apply ended with ${run.exitCode}\n${run.stdout}\n${run.stderr}`);
}
