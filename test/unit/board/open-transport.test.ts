/** The transport over a real link on this machine: an end from either side is an end. */
import { expect, test } from "vitest";
import { connectLocal } from "../../../src/board/local-link.js";
import { openTransport } from "../../../src/board/open-transport.js";
import { sh } from "../../../src/board/script.js";
import { Secret } from "../../../src/shared/secret.js";

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

test("a command that was stopped before its turn does not begin", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  const options = { deadlineMs: 30_000, signal: AbortSignal.abort() };
  await expect(transport.exec(sh`exit 3`, options)).rejects.toMatchObject({
    code: "board.lost",
    details: { found: "stopped by the operator" },
  });
  expect(transport.counts.execs).toBe(0);
  await transport.close();
});

test("a login that was stopped while it becomes root is none that sudo refused", async () => {
  const link = { ...connectLocal("here"), user: "somebody" };
  const transport = openTransport(
    { ...link, open: () => link.open("exec sleep 60") },
    { board: "here", sudoPassword: new Secret("x") },
  );
  const signal = AbortSignal.timeout(200);
  await expect(transport.exec(sh`exit 3`, { deadlineMs: 30_000, signal })).rejects.toMatchObject({
    code: "board.lost",
  });
  expect(transport.counts.execs).toBe(1);
  await transport.close();
});

test.each([
  ["sudo: sorry, you must have a tty to run sudo", "take `requiretty` out of"],
  ["sudo: a password is required", "give the sudo password"],
])("what sudo says decides what is to be done: %s", async (said, hint) => {
  const link = { ...connectLocal("here"), user: "pi" };
  const transport = openTransport(
    { ...link, open: () => link.open(`echo '${said}' >&2; exit 1`) },
    { board: "here" },
  );
  await expect(transport.exec(sh`exit 3`, { deadlineMs: 30_000 })).rejects.toMatchObject({
    code: "board.sudo-refused",
    details: { found: said, hint: expect.stringContaining(hint) as string },
  });
});

test.runIf(isRoot)("bytes come as they are, whatever they are", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  const chunks: Buffer[] = [];
  const result = await transport.get(
    sh`printf 'a\000\377\nb'; echo said >&2; exit 3`,
    async (bytes) => {
      for await (const chunk of bytes as AsyncIterable<Buffer>) chunks.push(chunk);
    },
    { deadlineMs: 30_000 },
  );
  expect(Buffer.concat(chunks).toString("latin1")).toBe("a\0\xff\nb");
  expect(result).toEqual({ stdout: "", stderr: "said\n", exitCode: 3 });
  await transport.close();
});

test.runIf(isRoot)("whoever cannot take the bytes says why, and the command ends", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  const taken = transport.get(sh`cat /dev/zero`, () => Promise.reject(new Error("no room")), {
    deadlineMs: 30_000,
  });
  await expect(taken).rejects.toThrow("no room");
  await transport.close();
});

test.runIf(isRoot)("a file is the input of a command", async () => {
  const transport = openTransport(connectLocal("here"), { board: "here" });
  const result = await transport.pour(import.meta.filename, "head -c 6; exit 4", { deadlineMs: 30_000 });
  expect(result).toMatchObject({ stdout: "/** Th\n", exitCode: 4 });
  await transport.close();
});
