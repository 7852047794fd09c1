/**
 * What a health check is: how to ask a board, and what the answer means.
 *
 * A check is one file in `checks/` and one line in `checks.ts`. All probes of a board run in one exec, each in
 * a shell of its own with a time limit; judging is pure.
 */
import type { Script } from "../board/script.js";
import type { Judgement } from "../shared/judgement.js";

export {
  fail,
  judgeFigure,
  notApplicable,
  ok,
  percent,
  unknown,
  warn,
  type Judgement,
  type Verdict,
} from "../shared/judgement.js";

export interface ProbeResult {
  readonly stdout: string;
  readonly exitCode: number;
}

/** What judging may know besides the answer. */
export interface HealthContext {
  readonly playbooks: readonly string[];
  /** Checks before this one that are critical or unknown. */
  readonly bad: ReadonlySet<string>;
  /** The operator's clock before the probes and after them. */
  readonly askedAt: Date;
  readonly now: Date;
}

export interface HealthCheck {
  /** Stable: monitoring refers to it. */
  readonly id: string;
  readonly title: string;
  /** While one of these is critical or unknown this check says nothing: one cause, one finding. */
  readonly after?: readonly string[];
  /** The playbook that brings what is looked at; without it the check is left out. */
  readonly playbook?: string;
  /** The unit of {@link Judgement.value}, as Prometheus spells it: `ratio`, `celsius`, `seconds`. */
  readonly unit?: string;
  /** Read-only. Runs as root under dash, for {@link PROBE_SECONDS} at most. */
  probe(): Script;
  /** Pure. */
  judge(result: ProbeResult, context: HealthContext): Judgement;
}

/** `name=value` lines, as most probes print them; the first of a name counts. */
export function fieldsOf(stdout: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const at = line.indexOf("=");
    const name = line.slice(0, at);
    if (at > 0 && !fields.has(name)) fields.set(name, line.slice(at + 1));
  }
  return fields;
}
