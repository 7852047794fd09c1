/** A foreign client in Python: matrix-nio, with its cryptography, through a day. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "bun:test";
import { preparePython, PYTHON_MS, startPython } from "./python.js";
import { startTestServer } from "./test-server.js";

beforeAll(async () => void (await preparePython()), PYTHON_MS);

test("two people register, chat, keep secrets, share pictures, and log out", async () => {
  const server = await startTestServer();
  const store = mkdtempSync(join(tmpdir(), "imcloud-nio-"));
  const day = await startPython("nio_day.py", { SERVER_URL: server.url, STORE: store });
  try {
    await day.ended;
    expect(day.lines.at(-1)).toBe("done");
  } finally {
    await server.stop();
    rmSync(store, { recursive: true });
  }
}, 30_000);
