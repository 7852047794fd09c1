import type * as Chalk from "chalk";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
  vi.doUnmock("chalk");
});

/** The terminal when stderr is one, and stdout is a file or a pipe. */
async function redirected() {
  const chalk = await vi.importActual<typeof Chalk>("chalk");
  vi.doMock("chalk", () => ({ ...chalk, supportsColor: false, supportsColorStderr: { level: 1 } }));
  const { openTerminal } = await import("../../../src/cli/terminal.js");
  return openTerminal({ quiet: false, verbose: false, json: false });
}

test("data that goes into a file has no colours, whatever stderr is", async () => {
  vi.stubEnv("NO_COLOR", "");
  const { paint, dataPaint } = await redirected();
  expect([paint.red("x"), dataPaint.red("x")]).toEqual(["\x1b[31mx\x1b[39m", "x"]);
});

test("NO_COLOR takes all of them away", async () => {
  vi.stubEnv("NO_COLOR", "1");
  expect((await redirected()).paint.red("x")).toBe("x");
});

test("a picture is drawn on a terminal with colours alone", async () => {
  vi.stubEnv("NO_COLOR", "");
  expect((await redirected()).dataColours).toBe("none");
  const before = process.stdout.isTTY;
  process.stdout.isTTY = true;
  try {
    expect((await redirected()).dataColours).toBe("none");
    const shown = async (has256: boolean) => {
      vi.resetModules();
      const chalk = await vi.importActual<typeof Chalk>("chalk");
      vi.doMock("chalk", () => ({ ...chalk, supportsColor: { level: has256 ? 2 : 1, has256 } }));
      const { openTerminal } = await import("../../../src/cli/terminal.js");
      return (await openTerminal({ quiet: false, verbose: false, json: false })).dataColours;
    };
    expect([await shown(false), await shown(true)]).toEqual(["few", "many"]);
    vi.stubEnv("NO_COLOR", "1");
    expect(await shown(true)).toBe("none");
  } finally {
    process.stdout.isTTY = before;
  }
});
