/**
 * How hot the chip is. At 80 °C the firmware begins to slow it, at 85 °C it slows all of it.
 * Source: Raspberry Pi documentation, "Frequency management and thermal control".
 */
import { sh } from "../../board/script.js";
import { fieldsOf, judgeFigure, notApplicable, unknown, type HealthCheck } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

export const temperature: HealthCheck = {
  id: "temperature",
  title: "Temperature",
  unit: "celsius",

  probe: () => sh`
${realPiProbe()}
printf 'temperature=%s\n' "$(cat /sys/class/thermal/thermal_zone0/temp 2>/dev/null)"`,

  judge({ stdout }) {
    const millidegrees = /^-?\d+$/.exec(fieldsOf(stdout).get("temperature") ?? "")?.[0];
    if (millidegrees === undefined) {
      return isRealPi(stdout)
        ? unknown("the sensor gave no figure", {
            hint: "see whether `vcgencmd measure_temp` works on the board",
          })
        : notApplicable;
    }
    return judgeFigure(Number(millidegrees) / 1000, {
      warning: 75,
      critical: 80,
      words: (value) => `${value.toFixed(0)} °C`,
      summary: "chip temperature",
      hint: "give the board a heat sink, a fan, or air",
    });
  },
};
