import { expect, test } from "vitest";
import { supportedReleases, withoutFreeUpdates } from "../../../src/shared/releases.js";

const at = (day: string) => new Date(`${day}T12:00:00Z`);
const REST = "Ubuntu 22.04, Raspberry Pi OS bookworm, Ubuntu 24.04, Raspberry Pi OS trixie";

test.each([
  ["debian-12", "2026-11-23", undefined],
  ["debian-11", "2026-08-31", undefined],
  ["debian-11", "2026-09-01", `no free security updates since 2026-08-31; supported: ${REST}`],
  ["ubuntu-18.04", "2026-11-23", `no free security updates since 2023-05-31; supported: ${REST}`],
  ["debian-", "2026-11-23", `imcloud does not know the release debian-; supported: ${REST}`],
])("%s on %s: %s", (id, day, words) => {
  expect(withoutFreeUpdates(id, at(day))).toBe(words);
});

test("a release is no longer offered once its own time is over", () => {
  expect(supportedReleases(at("2030-01-01"))).toBe("Raspberry Pi OS trixie");
});
