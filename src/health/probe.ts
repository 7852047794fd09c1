/**
 * All checks of a board in one exec, and their judgement.
 */
import { randomBytes } from "node:crypto";
import { lines, sh, type Script } from "../board/script.js";
import type { Transport } from "../board/transport.js";
import type { HealthCheck, HealthContext, Judgement, ProbeResult } from "./check.js";
import { CHECKS } from "./checks.js";

/** Longest time for one probe; one that hangs must not cost the others their answer. */
const PROBE_SECONDS = 40;
const DEADLINE_MS = 180_000;

export interface Finding extends Judgement {
  readonly check: string;
  readonly title: string;
  readonly unit?: string;
}

/**
 * Asks a board how it is.
 *
 * @param checks those to make; all that fit the playbooks unless given
 * @throws ImcloudError `board.lost` and what else a transport throws
 */
export async function probeHealth(
  transport: Transport,
  playbooks: readonly string[],
  signal?: AbortSignal,
  checks = checksFor(playbooks),
): Promise<readonly Finding[]> {
  const nonce = randomBytes(16).toString("hex");
  const askedAt = new Date();
  const { stdout } = await transport.exec(healthScript(checks, nonce), {
    deadlineMs: DEADLINE_MS,
    ...(signal !== undefined && { signal }),
  });
  return judgeAll(checks, splitAnswers(stdout, nonce), { playbooks, askedAt, now: new Date() });
}

export function checksFor(playbooks: readonly string[]): readonly HealthCheck[] {
  return CHECKS.filter(({ playbook }) => playbook === undefined || playbooks.includes(playbook));
}

/** Those that look at what playbooks bring, with what may be behind their findings. */
export function checksOfPlaybooks(playbooks: readonly string[]): readonly HealthCheck[] {
  const all = checksFor(playbooks);
  const wanted = new Set(all.filter(({ playbook }) => playbook !== undefined).map(({ id }) => id));
  // A set goes on with what is added while it is walked: causes of causes are found too.
  for (const id of wanted) {
    for (const cause of all.find((check) => check.id === id)?.after ?? []) wanted.add(cause);
  }
  return all.filter(({ id }) => wanted.has(id));
}

/** The nonce keeps what a probe prints from being taken for a mark. */
export function healthScript(checks: readonly HealthCheck[], nonce: string): Script {
  return lines(
    checks.map((check) => {
      const script = check.probe();
      return {
        text: sh`timeout ${PROBE_SECONDS} sh -c ${script.text} < /dev/null 2> /dev/null
printf '\n%s %s %s\n' ${nonce} ${check.id} "$?"`.text,
        files: script.files,
      };
    }),
  );
}

/** What each probe printed, by check. */
export function splitAnswers(stdout: string, nonce: string): ReadonlyMap<string, ProbeResult> {
  const answers = new Map<string, ProbeResult>();
  let from = 0;
  for (const mark of stdout.matchAll(new RegExp(`^${nonce} (\\S+) (\\d+)$`, "gm"))) {
    // The line break before the mark is ours.
    answers.set(mark[1] ?? "", {
      stdout: stdout.slice(from, Math.max(from, mark.index - 1)),
      exitCode: Number(mark[2]),
    });
    from = mark.index + mark[0].length + 1;
  }
  return answers;
}

/** Pure. A check behind one that is already bad says nothing; one that did not answer is unknown. */
export function judgeAll(
  checks: readonly HealthCheck[],
  answers: ReadonlyMap<string, ProbeResult>,
  context: Omit<HealthContext, "bad">,
): readonly Finding[] {
  const bad = new Set<string>();
  const findings: Finding[] = [];
  for (const check of checks) {
    if (check.after?.some((cause) => bad.has(cause)) === true) {
      bad.add(check.id);
      continue;
    }
    const judgement = judgeOne(check, answers.get(check.id), { ...context, bad });
    if (judgement.verdict === "critical" || judgement.verdict === "unknown") bad.add(check.id);
    if (judgement.verdict === "not-applicable") continue;
    findings.push({
      check: check.id,
      title: check.title,
      ...(check.unit !== undefined && { unit: check.unit }),
      ...judgement,
    });
  }
  return findings;
}

/** What `timeout` reports when it had to end the probe. */
const TIMED_OUT = 124;

function judgeOne(check: HealthCheck, answer: ProbeResult | undefined, context: HealthContext): Judgement {
  if (answer === undefined || answer.exitCode === TIMED_OUT) {
    const why = answer === undefined ? "the probe did not run" : `no answer in ${PROBE_SECONDS} s`;
    return {
      verdict: "unknown",
      summary: why,
      hint: "run `imcloud health` again; if it stays so, look at the board's load",
    };
  }
  return check.judge(answer, context);
}
