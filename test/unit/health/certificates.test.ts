/** Certificates by their end, and who is asked to renew them. */
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { makeAuthority } from "../../../src/fleet/authority.js";
import { selfSigned } from "../../server/certificate.js";
import { judge, NOW } from "./judging.js";

test.each([
  [396, "ok"],
  [31, "ok"],
  [29, "warning"],
  [6, "critical"],
  [-1, "critical"],
])("%d days left: %s", async (days, verdict) => {
  // An authority's certificate lasts 3650 days; only its end matters here.
  const made = new Date(NOW.getTime() + (days + 0.5 - 3_650) * 86_400_000);
  const { certificate } = await makeAuthority("home.arpa", undefined, made);
  expect(judge("certificate", certificate)).toMatchObject({ verdict, value: days });
});
test("a key is no certificate", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  expect(judge("certificate", publicKey.export({ type: "spki", format: "pem" }) as string).verdict).toBe(
    "unknown",
  );
});

test("a server behind a proxy has none", () => {
  expect(judge("certificate", "none\n").verdict).toBe("not-applicable");
});

test("one by ACME is renewed by the board, and not by `imcloud apply`", async () => {
  const made = new Date(NOW.getTime() - 3_650 * 86_400_000 - 1);
  const { certificate } = await makeAuthority("home.arpa", undefined, made);
  expect(judge("certificate", `by ACME\n${certificate}`)).toMatchObject({ verdict: "critical" });
  expect(judge("certificate", `by ACME\n${certificate}`).hint).toContain("journalctl -u imcloud-certificate");
  expect(judge("certificate", certificate).hint).toContain("run `imcloud apply`");
});

test("of one that lasts a week, a quarter of that is little", async () => {
  const day = 86_400_000;
  const lasting = async (daysLeft: number) => {
    const from = new Date(NOW.getTime() - (7 - daysLeft) * day);
    const until = new Date(NOW.getTime() + daysLeft * day + 1_000);
    return judge("certificate", (await selfSigned({ from, until })).certificate).verdict;
  };
  expect([await lasting(3), await lasting(0)]).toEqual(["ok", "warning"]);
});
