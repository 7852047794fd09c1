import fc from "fast-check";
import { expect, test } from "vitest";
import { journalReader, type JournalEvent } from "../../../src/board/journal.js";

const nonce = "0123456789abcdef0123456789abcdef";
const read = (text: string): readonly JournalEvent[] => {
  const reader = journalReader(nonce);
  return text.split("\n").flatMap(reader);
};

test("markers become events, everything else is output", () => {
  const text = [
    "",
    `@imcloud ${nonce} 1000 begin 11111111-2222-3333-4444-555555555555`,
    "",
    `@imcloud ${nonce} 1001 start 0001 create file:/etc/motd`,
    "hello",
    "",
    "world",
    "",
    `@imcloud ${nonce} 1050 done 0001 0`,
    "",
    `@imcloud ${nonce} 1060 done 0002 moved`,
    "",
    `@imcloud ${nonce} 1070 end failed`,
  ].join("\n");
  expect(read(text)).toEqual([
    { kind: "begin", at: 1000, bootId: "11111111-2222-3333-4444-555555555555" },
    { kind: "start", at: 1001, step: "0001", title: "create file:/etc/motd" },
    { kind: "output", line: "hello" },
    { kind: "output", line: "" },
    { kind: "output", line: "world" },
    { kind: "done", at: 1050, step: "0001", result: { kind: "exit", code: 0 } },
    { kind: "done", at: 1060, step: "0002", result: { kind: "moved" } },
    { kind: "end", at: 1070, outcome: "failed" },
  ]);
});

test("a program that does not know the nonce cannot say anything but output", () => {
  const word = fc.constantFrom("begin", "start 0001 x", "done 0001 0", "end done");
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), word, (guess, rest) => {
      fc.pre(guess !== nonce);
      expect(read(`@imcloud ${guess} 1 ${rest}`)).toEqual([
        { kind: "output", line: `@imcloud ${guess} 1 ${rest}` },
      ]);
    }),
  );
});

test("every line of output arrives, in order, whatever it is", () => {
  const line = fc.string().filter((text) => !/[\n\r]/.test(text) && !text.includes(nonce));
  fc.assert(
    fc.property(fc.array(line), (output) => {
      const events = read([...output, "", `@imcloud ${nonce} 5 end done`].join("\n"));
      expect(events).toEqual([
        ...output.map((text) => ({ kind: "output", line: text })),
        { kind: "end", at: 5, outcome: "done" },
      ]);
    }),
  );
});

test("a marker that is not well-formed is output", () => {
  for (const rest of ["", "x end done", "1 end perhaps", "1 done 0001 maybe", "1 begin"]) {
    expect(read(`@imcloud ${nonce} ${rest}`.trimEnd())).toEqual([
      { kind: "output", line: `@imcloud ${nonce} ${rest}`.trimEnd() },
    ]);
  }
});
