/**
 * How hot the chip is. At 80 °C the firmware begins to slow it, at 85 °C it slows all of it.
 * Source: Raspberry Pi documentation, "Frequency management and thermal control".
 */
import { sh } from "../../board/script.js";
import { judgeFigure, notApplicable, type HealthCheck } from "../check.js";

export const temperature: HealthCheck = {
  id: "temperature",
  title: "Temperature",
  unit: "celsius",

  probe: () => sh`cat /sys/class/thermal/thermal_zone0/temp`,

  judge({ stdout, exitCode }) {
    const millidegrees = Number(stdout.trim());
    // A virtual board has no sensor; every Raspberry Pi has.
    if (exitCode !== 0 || stdout.trim() === "" || Number.isNaN(millidegrees)) return notApplicable;
    return judgeFigure(millidegrees / 1000, {
      warning: 75,
      critical: 80,
      words: (value) => `${value.toFixed(0)} °C`,
      summary: "chip temperature",
      hint: "give the board a heat sink, a fan, or air",
    });
  },
};
