/**
 * How hot the chip is, and where that goes. At 80 °C the firmware begins to slow it, at 85 °C it slows all of it.
 *
 * Each look at a board leaves its figure in memory there, so that the next one can tell a board that has been warm all
 * day from one whose fan has just stopped.
 * Source: Raspberry Pi documentation, "Frequency management and thermal control".
 */
import { sh } from "../../board/script.js";
import { CRITICAL_C, degreesInWords, judgeTemperature } from "../../shared/board-judgements.js";
import { fieldsOf, warn, type HealthCheck } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

const LOG = "/run/imcloud/health-temperatures";
const KEPT = 240;
/** What is compared with is at least so long ago, and at most. Seconds since the boot. */
const TREND_S = { from: 300, to: 3600 };
/** Within this time it has to be critical for the way there to be a warning. Seconds. */
const SOON_S = 1800;
/** Below this a board that was idle and now works only looks as if it went on like that. */
const WARM_C = 60;

export const temperature: HealthCheck = {
  id: "temperature",
  title: "Temperature",
  unit: "celsius",

  probe: () => sh`
${realPiProbe()}
temperature=$(cat /sys/class/thermal/thermal_zone0/temp 2>/dev/null)
printf 'temperature=%s\n' "$temperature"
[ -n "$temperature" ] || exit 0
mkdir -p /run/imcloud
read -r up _ < /proc/uptime
{ tail -n ${KEPT} ${LOG} 2> /dev/null; printf '%s %s\n' "\${up%.*}" "$temperature"; } > ${LOG}.$$
mv ${LOG}.$$ ${LOG}
sed 's/^/was /' ${LOG}`,

  judge({ stdout }) {
    const millidegrees = /^-?\d+$/.exec(fieldsOf(stdout).get("temperature") ?? "")?.[0];
    const value = millidegrees === undefined ? undefined : Number(millidegrees) / 1000;
    const judgement = judgeTemperature(value, isRealPi(stdout));
    const trend = trendOf(stdout);
    if (value === undefined || trend === undefined) return judgement;
    const minutes = Math.round(trend.seconds / 60);
    const rose = `${trend.degrees < 0 ? "" : "+"}${trend.degrees.toFixed(0)} °C in ${minutes} min`;
    const measured = `${degreesInWords(value)}, ${rose}`;
    const soon = value + (trend.degrees / trend.seconds) * SOON_S;
    if (judgement.verdict !== "ok" || value < WARM_C || soon < CRITICAL_C) return { ...judgement, measured };
    return warn("chip temperature rises", {
      measured,
      value,
      threshold: `${degreesInWords(CRITICAL_C)} within ${SOON_S / 60} min`,
      hint: "see whether the fan turns and the air can get out; look again in a few minutes",
    });
  },
};

/** From the oldest figure of the last hour to the one just taken. */
function trendOf(stdout: string): { readonly degrees: number; readonly seconds: number } | undefined {
  const all = [...stdout.matchAll(/^was (\d+) (-?\d+)$/gm)].map(([, at, milli]) => ({
    at: Number(at),
    degrees: Number(milli) / 1000,
  }));
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const first = all.find(({ at }) => last.at - at <= TREND_S.to && last.at - at >= TREND_S.from);
  return first && { degrees: last.degrees - first.degrees, seconds: last.at - first.at };
}
