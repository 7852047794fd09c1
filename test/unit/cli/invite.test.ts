/** Invitations as they are shown: in words, as a code, as a document, and on the page that `init` ends with. */
import { InvalidArgumentError } from "commander";
import { afterEach, describe, expect, test, vi } from "vitest";
import { documentOf, expiry, renderInvitation, termInWords } from "../../../src/cli/invite.js";
import { renderNextSteps } from "../../../src/cli/next-steps.js";
import { terminalCodeOf } from "../../../src/cli/terminal-code.js";
import { explainRefusal, welcomePageOf, type Invitation } from "../../../src/fleet/invitations.js";
import { ImcloudError } from "../../../src/shared/errors.js";
import { qrCodeOf } from "../../../src/shared/qr-code.js";
import { runCli } from "./run-cli.js";

const FINGERPRINT = ["01 02 03 04 05 06 07 08", "11 12 13 14 15 16 17 18"];
const INVITATION: Invitation = {
  id: "1a2b3c4d",
  token: "abcdefghjkmnpqrs",
  link: "http://192.168.1.23/welcome#/join/abcdefghjkmnpqrs",
  address: "https://192.168.1.23:8448/",
  uses: 1,
  expiresAt: new Date("2026-12-07T18:00:30Z"),
  fingerprint: FINGERPRINT,
  trouble: undefined,
};
const DIRECT: Invitation = {
  ...INVITATION,
  link: "https://chat.example.org/#/join/abcdefghjkmnpqrs",
  address: "https://chat.example.org/",
  fingerprint: undefined,
};
const paint = { bold: (text: string) => text, cyan: (text: string) => text };

afterEach(() => void vi.useRealTimers());

test("the link comes first, then the code, what to compare, and how long it is good", () => {
  expect(renderInvitation(INVITATION, ["▄▀"], paint)).toBe(
    [
      INVITATION.link,
      "",
      "▄▀",
      "",
      "What the device has to show, once it has the certificate (SHA-256):",
      ...FINGERPRINT.map((line) => `  ${line}`),
      "",
      "Good for one account, until 2026-12-07 18:00 UTC.",
    ].join("\n"),
  );
  expect(renderInvitation({ ...DIRECT, uses: 30 }, [], paint)).toBe(
    `${DIRECT.link}\n\nGood for 30 accounts, until 2026-12-07 18:00 UTC.`,
  );
  expect(termInWords(INVITATION)).toBe("one account, until 2026-12-07 18:00 UTC");
});

test("as a document", () => {
  expect(documentOf({ ...INVITATION, trouble: "port 80 …" })).toEqual({
    id: "1a2b3c4d",
    token: INVITATION.token,
    link: INVITATION.link,
    address: INVITATION.address,
    uses: 1,
    expiresAt: "2026-12-07T18:00:30.000Z",
    fingerprint: FINGERPRINT.join(" "),
    trouble: "port 80 …",
  });
  expect(Object.keys(documentOf(DIRECT))).not.toContain("fingerprint");
});

describe("the code", () => {
  /** The modules that a line of half blocks shows, two rows of them. */
  const rowsOf = (line: string): readonly [boolean[], boolean[]] => {
    const blocks = [...line.replaceAll(/\u001b\[[\d;]+m/g, "")];
    return [blocks.map((block) => "▀█".includes(block)), blocks.map((block) => "▄█".includes(block))];
  };

  test.each(["few", "many"] as const)("is the link's, with its quiet zone, in %s colours", (colours) => {
    const { lines, width } = terminalCodeOf(INVITATION.link, colours);
    const code = qrCodeOf(INVITATION.link);
    expect(width).toBe(code.size + 8);
    const rows = lines.flatMap(rowsOf);
    expect(rows.length - width).toBeLessThanOrEqual(1);
    for (const [row, modules] of rows.entries()) {
      expect(modules).toHaveLength(width);
      expect(modules).toEqual(modules.map((_, column) => code.isDark(row - 4, column - 4)));
    }
    // Whatever the terminal's own colours: each line sets them, and leaves none behind.
    for (const line of lines)
      expect(line).toMatch(
        colours === "many" ? /^\u001b\[38;5;16;48;5;231m.*\u001b\[0m$/ : /^\u001b\[30;47m.*\u001b\[0m$/,
      );
    expect(width).toBeLessThan(50);
  });
});

describe("until when", () => {
  test("a span, or a date", () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-30T06:00:00Z"), toFake: ["Date"] });
    expect(expiry("12h").toISOString()).toBe("2026-11-30T18:00:00.000Z");
    expect(expiry("7d").toISOString()).toBe("2026-12-07T06:00:00.000Z");
    expect(expiry("2w").toISOString()).toBe("2026-12-14T06:00:00.000Z");
    expect(expiry("2026-12-24").toISOString()).toBe("2026-12-24T00:00:00.000Z");
  });
  test.each(["", "0d", "-1d", "1y", "d", "7 d", "100000d", "2020-01-01", "soon"])("not %j", (word) => {
    expect(() => expiry(word)).toThrow(InvalidArgumentError);
  });
});

test.each([
  ["registration is closed: …", "the IM server takes no invitations", "imcloud user add"],
  ["there is no such endpoint", "the IM server on the board knows no invitations yet", "imcloud apply"],
])("a refusal says what to do: %s", (found, message, hint) => {
  const refused = explainRefusal(new ImcloudError("server.refused", "refused", { found, hint: "" }));
  expect(refused).toMatchObject({ code: "server.refused", message });
  expect(refused.details.hint).toContain(hint);
});

test("another refusal stays as it is", () => {
  const refused = new ImcloudError("server.refused", "refused", { found: "something else", hint: "" });
  expect(explainRefusal(refused)).toBe(refused);
});

describe("what `init` ends with", () => {
  const page = (invitation: Invitation | undefined) =>
    renderNextSteps(
      {
        userId: "@ada:loft.home.arpa",
        address: "https://192.168.1.23:8448",
        cloud: { name: "loft" } as never,
        invitation,
      },
      paint,
    );

  test("where to go, what to compare, and the link for the next person", () => {
    const shown = page(INVITATION);
    expect(shown).toContain("Open http://192.168.1.23/welcome, which shows");
    expect(shown).toContain(
      `has to be  ${FINGERPRINT[0] ?? ""}\n${" ".repeat(46)}${FINGERPRINT[1] ?? ""}\n  2. Open https://192.168.1.23:8448,`,
    );
    const column = (part: string | undefined) =>
      shown.split("\n").flatMap((line) => (line.includes(part ?? "") ? [line.indexOf(part ?? "")] : []))[0];
    expect(column(FINGERPRINT[0])).toBe(column(FINGERPRINT[1]));
    expect(shown).toContain(`  ${INVITATION.link}\n  Good for one account, until 2026-12-07 18:00 UTC;`);
    expect(shown).not.toContain("ca.pem");
  });

  test("without an invitation, or a welcome page, the authority's file", () => {
    for (const shown of [page(undefined), page(DIRECT)])
      expect(shown).toContain("install .imcloud/authority/ca.pem");
    expect(page(undefined)).not.toContain("Invite the next person");
    expect(page(DIRECT)).toContain(DIRECT.link);
    expect(welcomePageOf(DIRECT)).toBeUndefined();
  });
});

describe("the command line", () => {
  const FILES = {
    "imcloud.yaml":
      "version: 1\ncloud: { name: home }\nboards:\n  attic: { address: 127.0.0.1, port: 1, playbooks: [imserver] }\n",
  };
  test.each([
    [["--uses", "0"], 64, "whole number above 0"],
    [["--expires", "yesterday"], 64, "It must be a date"],
    [["--expires", "2020-01-01"], 64, "a time to come"],
    [[], 69, "error[board.unreachable]"],
  ] as const)("%j ends with %i", async (flags, exitCode, text) => {
    const run = await runCli(["invite", ...flags], FILES);
    expect(run).toMatchObject({ exitCode, stdout: "" });
    expect(run.stderr).toContain(text);
  });

  test("without an IM server nobody can be asked", async () => {
    const run = await runCli(["invite"], {
      "imcloud.yaml": FILES["imcloud.yaml"].replace("imserver", "base"),
    });
    expect([run.exitCode, run.stderr]).toEqual([64, expect.stringContaining("none of these boards runs")]);
  });
});
