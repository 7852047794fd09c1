import { execFile } from "node:child_process";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { connectLocal } from "../../../src/board/local-link.js";

async function output(command: string, input = "") {
  const channel = await connectLocal("here").open(command);
  channel.stdin.end(input);
  const [stdout, stderr, exit] = await Promise.all([
    text(channel.stdout),
    text(channel.stderr),
    channel.exit,
  ]);
  return { stdout, stderr, ...exit };
}

test("exit code, both outputs and input", async () => {
  expect(await output("cat; echo oops >&2; exit 7", "hello")).toEqual({
    stdout: "hello",
    stderr: "oops\n",
    code: 7,
    signal: null,
  });
});

test("a signal is not an exit code", async () => {
  expect(await output("kill -TERM $$")).toMatchObject({ code: null, signal: "SIGTERM" });
});

test("10 MB each way arrive whole", async () => {
  const sent = Buffer.alloc(10_000_000, "imcloud ");
  const channel = await connectLocal("here").open("cat");
  const [received] = await Promise.all([
    buffer(channel.stdout),
    pipeline([sent], channel.stdin),
    channel.exit,
  ]);
  expect(received.equals(sent)).toBe(true);
});

test("a command that ends without reading its input does not keep the sender waiting", async () => {
  const channel = await connectLocal("here").open("exit 3");
  channel.stdout.resume();
  channel.stderr.resume();
  const feeding = pipeline([Buffer.alloc(10_000_000)], channel.stdin).catch((error: unknown) => error);
  expect(await channel.exit).toEqual({ code: 3, signal: null });
  expect(await feeding).toBeInstanceOf(Error);
});

test("closing the link hangs up on the command and on what it started", async () => {
  const link = connectLocal("here");
  const channel = await link.open("sleep 1000 & echo $!; wait");
  const child = Number(String((await channel.stdout[Symbol.asyncIterator]().next()).value));
  await link.close();
  expect(await channel.exit).toEqual({ code: null, signal: null });
  await expect.poll(() => isAlive(child)).toBe(false);
});

/** A zombie counts as dead: who reaps an orphan is the machine's business. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "stat=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  return stdout !== "" && !stdout.startsWith("Z");
}
