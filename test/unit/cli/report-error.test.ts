import { expect, test } from "vitest";
import { exitCodeOf, renderError, reportOf } from "../../../src/cli/report-error.js";
import { ERRORS, ImcloudError } from "../../../src/shared/errors.js";

const changed = new ImcloudError(
  "board.host-key-changed",
  "`attic` presents another host key than the recorded one",
  {
    origin: { file: "imcloud.yaml", line: 14, key: "boards.attic" },
    found: "SHA256:Jx3r",
    expected: "SHA256:9fQm",
    hint: "if you re-flashed this card, run `imcloud trust attic`",
    cause: new Error("handshake failed", { cause: new Error("socket closed") }),
  },
);

test("where, found, expected, hint: one place renders them all", () => {
  expect(renderError(changed, { verbose: false }))
    .toBe(`error[board.host-key-changed]: \`attic\` presents another host key than the recorded one
  at        imcloud.yaml:14, boards.attic
  found     SHA256:Jx3r
  expected  SHA256:9fQm
hint: if you re-flashed this card, run \`imcloud trust attic\``);
});

test("--verbose adds the causes", () => {
  expect(renderError(changed, { verbose: true })).toContain(
    "  cause     handshake failed\n  cause     socket closed\n",
  );
});

test("several lines stay in their column", () => {
  const failed = new ImcloudError("engine.step-failed", "`attic`: install failed", {
    found: "exit code 100\nE: no space",
    hint: "mend it",
  });
  expect(renderError(failed, { verbose: false })).toContain(
    "  found     exit code 100\n            E: no space\n",
  );
});

test("a program gets the same fields", () => {
  expect(reportOf(changed)).toEqual({
    code: "board.host-key-changed",
    message: "`attic` presents another host key than the recorded one",
    at: { file: "imcloud.yaml", line: 14, key: "boards.attic" },
    found: "SHA256:Jx3r",
    expected: "SHA256:9fQm",
    hint: "if you re-flashed this card, run `imcloud trust attic`",
  });
});

test("anything else is a bug: one clear message, the stack only for those who ask", () => {
  const bug = new TypeError("x is not a function");
  const short = renderError(bug, { verbose: false });
  expect(short).toMatch(
    /^error\[cli\.internal\]: imcloud met something it is not prepared for: x is not a function\nhint: this is a bug/,
  );
  expect(short).not.toContain("report-error.test");
  expect(renderError(bug, { verbose: true })).toContain("report-error.test");
  expect(renderError("a thrown string", { verbose: true })).toContain("a thrown string");
  expect(exitCodeOf(bug)).toBe(1);
});

test("every code has its exit code and a meaning that is a sentence", () => {
  for (const [code, { exitCode, meaning }] of Object.entries(ERRORS)) {
    expect([1, 4, 64, 65, 69, 75, 76, 77], code).toContain(exitCode);
    expect(meaning, code).toMatch(/^[A-Z].*\.$/);
  }
});
