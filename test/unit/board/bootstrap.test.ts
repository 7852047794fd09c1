/**
 * The bootstrap, run by the machine's own dash: what arrives whole runs, what does not, does not.
 */
import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { READY, bootstrapCommand, packPayload } from "../../../src/board/bootstrap.js";
import { payloadFile, sh } from "../../../src/board/script.js";

const isRoot = process.getuid?.() === 0;

async function feed(bytes: Buffer): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn("/bin/dash", ["-c", bootstrapCommand("root")]);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(bytes);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

const payload = async (): Promise<Buffer> => {
  const { header, body } = await packPayload(sh`cat ${payloadFile("from a file\n")}; cat; echo end`);
  return Buffer.concat([Buffer.from(header), body]);
};

test("the command is constant and far below what an argument may hold", () => {
  for (const login of ["root", "sudo", "sudo-password"] as const) {
    expect(bootstrapCommand(login).length).toBeLessThan(1_100);
  }
});

test.runIf(isRoot)("a whole payload runs, with its files and without standard input", async () => {
  expect(await feed(await payload())).toMatchObject({
    code: 0,
    stdout: `${READY}\nfrom a file\nend\n`,
    stderr: "",
  });
});

test.runIf(isRoot)("nothing runs of a payload that is cut or changed anywhere", async () => {
  const whole = await payload();
  const cuts = [0, 1, 20, 70, 100, Math.floor(whole.length / 2), whole.length - 1].map((end) =>
    whole.subarray(0, end),
  );
  const flipped = Buffer.from(whole);
  flipped[flipped.length - 2_000] = (flipped[flipped.length - 2_000] ?? 0) ^ 1;
  for (const bytes of [...cuts, flipped]) {
    expect(await feed(bytes)).toMatchObject({ code: 96, stdout: `${READY}\n` });
  }
});
