/** The transport over a real link on this machine: an end from either side is an end. */
import { expect, test } from "vitest";
import { connectLocal } from "../../../src/board/local-link.js";
import { openTransport } from "../../../src/board/open-transport.js";
import { sh } from "../../../src/board/script.js";

const isRoot = process.getuid?.() === 0;

test.runIf(isRoot)("a command that outlasts its deadline is no command that ended", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  await expect(transport.exec(sh`echo begun; exec sleep 60`, { deadlineMs: 1_000 })).rejects.toMatchObject({
    code: "board.lost",
    message: "`here` gave no answer in 1 s",
  });
  await transport.close();
});

test.runIf(isRoot)("a command that is stopped from this side comes to an end", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  const stopping = new AbortController();
  const result = await transport.exec(sh`echo begun; exec sleep 60`, {
    deadlineMs: 30_000,
    signal: stopping.signal,
    onLine: () => stopping.abort(),
  });
  expect(result).toMatchObject({ stdout: "begun\n", exitCode: 128 });
  await transport.close();
});
