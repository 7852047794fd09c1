/** The test after an apply, with a board that is well before it and ill after it. */
import { expect, test, vi } from "vitest";
import type { Transport } from "../../../src/board/transport.js";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import type { BoardPlan, BoardResult } from "../../../src/engine/types.js";
import { silent } from "../../../src/fleet/progress.js";
import { verification } from "../../../src/fleet/verify.js";
import type { Finding, probeHealth } from "../../../src/health/probe.js";

const finding = (verdict: Finding["verdict"]): readonly Finding[] => [
  { check: "imserver", title: "IM server", verdict, summary: verdict },
];

test("a Ctrl-C that came before it keeps nothing from being taken back", async () => {
  const [board] = readConfig(
    parseYaml("version: 1\ncloud: { name: home }\nboards: { attic: }", "x.yaml"),
  ).boards;
  if (board === undefined) throw new Error("no board");
  const scripts: string[] = [];
  const transport = {
    board: "attic",
    exec({ text }: { readonly text: string }) {
      scripts.push(text);
      return Promise.resolve({ stdout: "", stderr: "", exitCode: 0 });
    },
  } as unknown as Transport;
  const looking = vi.fn<typeof probeHealth>();
  looking.mockResolvedValueOnce(finding("ok")).mockResolvedValueOnce(finding("critical"));

  const verify = verification(board, transport, silent.board("attic"), AbortSignal.abort(), looking);
  await verify.before({
    changes: [{ playbook: "imserver" }],
    state: { managed: [{}] },
  } as unknown as BoardPlan);
  const changed: BoardResult = { board: "attic", outcome: "changed", waves: [{ run: "r-1", steps: [] }] };
  expect(await verify.after(changed)).toMatchObject({ error: { code: "engine.reverted" } });
  expect(looking.mock.calls.map(([, , signal]) => signal)).toEqual([undefined, undefined]);
  expect(scripts).toHaveLength(1);
  expect(scripts[0]).toContain("systemd-run");
});
