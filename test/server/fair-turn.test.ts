/** Long work does not keep others waiting, and short work does not wait for them. */
import { expect, test } from "bun:test";
import { FairTurn } from "../../src/server/runtime/fair-turn.js";

function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) continue;
}

test("work of many steps is interrupted for a request, and one of few is not", async () => {
  const turn = new FairTurn();
  let answered = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(`${(answered += 1)}`),
  });
  try {
    const asked = fetch(server.url).then((response) => response.text());
    for (let step = 0; step < 3; step += 1) {
      busy(1);
      await turn.pass(step);
    }
    expect(answered).toBe(0);
    for (let step = 0; answered === 0 && step < 1_000; step += 1) {
      busy(1);
      expect(await turn.pass(step)).toBe(step);
    }
    // Before the work was over.
    expect(answered).toBe(1);
    expect(await asked).toBe("1");
  } finally {
    await server.stop(true);
  }
});
