import { expect, test } from "vitest";
import { redactor } from "../../../src/shared/redact.js";
import { Secret } from "../../../src/shared/secret.js";

const redact = redactor(
  ["open sesame", "sesame", "abc", "open sesame street"].map((word) => new Secret(word)),
);

test("out of every text, however deep, the longest first", () => {
  expect(redact("say open sesame street, or open sesame, or sesame")).toBe("say ***, or ***, or ***");
  expect(redact({ steps: [{ title: "x", tail: ["password: sesame"] }], exitCode: 4, error: null })).toEqual({
    steps: [{ title: "x", tail: ["password: ***"] }],
    exitCode: 4,
    error: null,
  });
});

test("what is too short to be told from other words stays", () => {
  expect(redact("abcdef")).toBe("abcdef");
});

test("what is no plain value stays as it is", () => {
  const error = new Error("sesame");
  const date = new Date(0);
  expect(redact({ error, date })).toEqual({ error, date });
});
