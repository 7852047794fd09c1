/**
 * The IM server, by doing what people do: its own probe logs in, sends, receives and sees the event at the
 * broker.
 */
import { z } from "zod";
import { sh } from "../../board/script.js";
import { fail, ok, warn, type HealthCheck } from "../check.js";
import { serviceCheck } from "./service-state.js";

const UNIT = "imcloud-server.service";
/** Logging in, sending and receiving together; people call more than that slow. */
const SLOW_MS = 2_000;
const PROBE_S = 30;
/** What says that it is the broker, and not the server's way to it. */
const BROKER = ["rabbitmq-service", "rabbitmq-port", "kafka-service", "kafka-port", "kafka-log"];

const Answer = z.object({
  ok: z.boolean(),
  steps: z.array(
    z.object({ name: z.string(), ms: z.number(), ok: z.boolean(), error: z.string().optional() }),
  ),
  warning: z.string().optional(),
});

export const imserverService = serviceCheck(
  { id: "imserver-service", title: "IM server service", playbook: "imserver" },
  UNIT,
);

export const imserver: HealthCheck = {
  id: "imserver",
  title: "IM server",
  playbook: "imserver",
  after: ["imserver-service"],
  unit: "seconds",
  probe: () => sh`timeout ${PROBE_S} imcloud-server probe --json || exit 1`,
  judge({ stdout }, context) {
    const answer = Answer.safeParse(parseJson(stdout));
    const hint = `see \`imcloud exec -- journalctl -u ${UNIT} -n 50\``;
    if (!answer.success) return fail(`its probe did not end within ${PROBE_S} s, or broke off`, { hint });
    const { steps, warning } = answer.data;
    const bad = steps.find((step) => !step.ok);
    const totalMs = steps.reduce((sum, { ms }) => sum + ms, 0);
    const figure = {
      measured: `${Math.round(totalMs)} ms`,
      value: totalMs / 1000,
      threshold: `${SLOW_MS} ms`,
    };
    if (bad?.name === "broker" && BROKER.some((check) => context.bad.has(check)))
      return ok("people chat on; what they say waits for the broker", figure);
    if (bad !== undefined)
      return fail(`${bad.name} failed: ${bad.error ?? "no reason given"}`, { ...figure, hint });
    if (warning !== undefined)
      return warn(`works, but ${warning}`, {
        ...figure,
        hint: "see whether all boards of `kafka.cluster` run; a broker that was off catches up by itself",
      });
    if (totalMs >= SLOW_MS)
      return warn("works, slowly", { ...figure, hint: "look at load, memory and the disk" });
    return ok(steps.map(({ name }) => name).join(", "), figure);
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}
