import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lines, payloadFile, quote, sh } from "../../../src/board/script.js";
import { Secret } from "../../../src/shared/secret.js";

/** What dash makes of a script. */
const dash = (text: string): string => execFileSync("/bin/dash", ["-c", text], { encoding: "utf8" });

test("whatever is in a value, dash sees it as one word", () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(word, (text) => {
      const seen = Buffer.from(dash(`printf %s ${quote(text)}`));
      expect(seen.equals(Buffer.from(text))).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("a list becomes as many words as it has items", () => {
  const words = fc.array(
    fc.string().filter((text) => !text.includes("\0")),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(words, (items) => {
      expect(dash(sh`set -- ${items}; echo $#`.text)).toBe(`${items.length}\n`);
    }),
    { numRuns: 50 },
  );
});

test("a NUL byte is refused, for no shell can hold it", () => {
  expect(() => quote("a\0b")).toThrow(RangeError);
});

test("the shell's own `${` is written with a backslash and arrives without", () => {
  expect(dash(sh`name=a/b; echo "\${name##*/}"`.text)).toBe("b\n");
});

test("contents travel as files, equal ones once, secrets under a name that says nothing", () => {
  const script = lines([
    sh`cat ${payloadFile("same")}`,
    sh`cat ${payloadFile("same")} ${payloadFile(new Secret("hush"))} ${payloadFile(new Secret("hush"))}`,
  ]);
  expect(script.files.size).toBe(3);
  expect(script.text).not.toContain("hush");
  expect(JSON.stringify([...script.files])).not.toContain("hush");
});
