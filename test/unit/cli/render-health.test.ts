/** The health report as people see it. */
import { expect, test } from "vitest";
import { renderHealth } from "../../../src/cli/render-health.js";
import type { BoardHealth } from "../../../src/health/report.js";

const plain = { red: String, dim: String, cyan: String, green: String, yellow: String, bold: String };
const attic: BoardHealth = {
  board: "attic",
  verdict: "warning",
  findings: [
    {
      check: "load",
      title: "Load",
      verdict: "ok",
      summary: "0.3 for each core",
      measured: "0.3",
      threshold: "2",
    },
    {
      check: "disk-space",
      title: "Disk space",
      verdict: "warning",
      summary: "/srv/imcloud/media is 87 % full, and nobody has looked at it",
      measured: "87 %",
      threshold: "85 %",
      hint: "see with `imcloud exec -- du -xh --max-depth=2 /` what is large; `apt-get clean` is safe",
    },
    {
      check: "certificate",
      title: "Certificate",
      verdict: "ok",
      summary: "valid for its names",
      measured: "396 days left",
    },
  ],
};

test("80 columns hold it: what is longer goes on below its own column", () => {
  expect(renderHealth([attic], { paint: plain, width: 80 })).toBe(
    [
      "attic  warning",
      "  Load         ok        0.3 for each core",
      "  Disk space   warning   /srv/imcloud/media is 87 % full, and nobody has looked",
      "                         at it (from 85 %)",
      "  Certificate  ok        valid for its names (396 days left)",
      "",
      "  Disk space: see with `imcloud exec -- du -xh --max-depth=2 /` what is large;",
      "    `apt-get clean` is safe",
    ].join("\n"),
  );
});

test("a wide terminal has a line for each, a narrow one still the words", () => {
  const wide = renderHealth([attic], { paint: plain, width: 200 }).split("\n");
  expect(wide).toHaveLength(6);
  const narrow = renderHealth([attic], { paint: plain, width: 40 });
  expect(narrow.replaceAll(/\s+/g, " ")).toBe(wide.join(" ").replaceAll(/\s+/g, " "));
});
