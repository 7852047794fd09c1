/** Everything that the server may say of its health is there in Chinese. */
import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  judgeCertificate,
  judgeFullness,
  judgeLoad,
  judgeMemory,
  judgePower,
  judgeTemperature,
  judgeThrottling,
  RENEW_BY_ACME,
  RENEW_BY_APPLY,
} from "../../../src/shared/board-judgements.js";
import type { Judgement } from "../../../src/shared/judgement.js";
import { healthInChinese } from "../../../src/web/words/admin-health-zh.js";

const pi = (flags: number | undefined, alarm?: string) => ({ isPi: true, flags, alarm });
const powers = [
  pi(0),
  pi(1),
  pi(1 << 16),
  pi(2),
  pi(1 << 17),
  pi(undefined),
  pi(undefined, "1"),
  pi(undefined, "0"),
];

const judgements: readonly Judgement[] = [
  judgeMemory(NaN, NaN),
  judgeMemory(1_000_000, 10),
  judgeLoad(NaN, 4),
  judgeLoad(20, 4),
  judgeFullness(0.99, "the disk with the server's data"),
  judgeTemperature(undefined, true),
  judgeTemperature(90, true),
  ...powers.flatMap((power) => [judgePower(power), judgeThrottling(power)]),
  judgeCertificate("", new Date(), RENEW_BY_APPLY),
];

const said = judgements.flatMap(({ summary, hint }) => [summary, ...(hint === undefined ? [] : [hint])]);

test.each([...new Set([...said, RENEW_BY_ACME])].filter((text) => text !== "it cannot be read"))(
  "%s",
  (text) => {
    expect(healthInChinese(text)).toMatch(/\p{Script=Han}/u);
  },
);

/** The texts that stand in a source as they are. */
function textsIn(path: string): string[] {
  const source = readFileSync(fileURLToPath(new URL(`../../../src/server/${path}`, import.meta.url)), "utf8");
  const calls = source.matchAll(/\b(?:ok|warn|fail|unknown)\("([^"]+)"/g);
  const hints = source.matchAll(/\bhint(?:: | = )"([^"]+)"/g);
  return [...calls, ...hints].map(([, text = ""]) => text);
}

test.each(textsIn("service/board-health.ts"))("the server's own: %s", (text) => {
  expect(healthInChinese(text)).toMatch(/\p{Script=Han}/u);
});

test("what is new is shown as it is", () => {
  expect(healthInChinese("something else")).toBeUndefined();
});
