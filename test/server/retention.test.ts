/** What goes when its time is over, and what stays. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ServerConfig } from "../../src/shared/server-config.js";
import { Log } from "../../src/server/runtime/log.js";
import { lifetimeOf, type Retention } from "../../src/server/service/retention.js";
import { RetentionJob } from "../../src/server/workers/retention-job.js";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

const DAY = 86_400_000;
let server: TestServer;
let alice: Person;

beforeAll(async () => {
  server = await startTestServer({
    retention: { enabled: true, messageDays: 10, leastMessageDays: 2, mediaDays: 5 },
  });
  alice = await register(server, "alice");
});
afterAll(() => server.stop());

const run = (days: number) => server.running.services.retention.run(Date.now() + days * DAY);
async function upload(text: string): Promise<string> {
  const response = await fetch(`${server.url}/_matrix/media/v3/upload`, {
    method: "POST",
    headers: { authorization: `Bearer ${alice.token}` },
    body: text,
  });
  return ((await response.json()) as { content_uri: string }).content_uri;
}
const status = async (uri: string) =>
  (
    await fetch(`${server.url}${uri.replace("mxc://", "/_matrix/client/v1/media/download/")}`, {
      headers: { authorization: `Bearer ${alice.token}` },
    })
  ).status;
async function texts(roomId: string): Promise<unknown[]> {
  const { chunk } = await alice.get<{ chunk: { type: string; content: { body?: string } }[] }>(
    `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`,
  );
  return chunk.filter(({ type }) => type === "m.room.message").map(({ content }) => content.body);
}

test("messages stay as long as their room says, within bounds, and uploads as the settings say", async () => {
  const make = async (retention?: object) => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      initial_state:
        retention === undefined ? [] : [{ type: "m.room.retention", state_key: "", content: retention }],
    });
    for (const text of ["old", "newest"]) await alice.send(roomId, text);
    return roomId;
  };
  const [picture, face, sign] = [await upload("picture"), await upload("face"), await upload("sign")];
  await alice.call("PUT", `profile/${alice.userId}/avatar_url`, { avatar_url: face });
  const [plain, hasty, patient] = [
    await make(),
    await make({ max_lifetime: 1 }),
    await make({ max_lifetime: 20 * DAY }),
  ];
  await alice.call("PUT", `rooms/${encodeURIComponent(plain)}/state/m.room.avatar`, { url: sign });

  expect(await run(1)).toEqual({ messages: 0, media: 0 });
  // A room's newest event stays, whatever it is: in `plain` that is the avatar.
  expect(await run(3)).toEqual({ messages: 1, media: 0 });
  expect(await texts(hasty)).toEqual(["newest"]);
  expect(await run(11)).toEqual({ messages: 2, media: 1 });
  expect([await texts(plain), await texts(patient)]).toEqual([[], ["newest", "old"]]);
  expect(await Promise.all([picture, face, sign].map(status))).toEqual([404, 200, 200]);
  expect(await run(21)).toEqual({ messages: 1, media: 0 });
  await alice.send(hasty, "goes on");
  expect(await texts(hasty)).toEqual(["goes on", "newest"]);
});

test("a policy of nonsense is none, and bounds hold", () => {
  const settings = (overrides: object) => ({ enabled: true, ...overrides });
  for (const max_lifetime of ["1", -1, 0, 1.5, null])
    expect(lifetimeOf({ max_lifetime }, settings({}))).toBeUndefined();
  expect(lifetimeOf({ max_lifetime: 5 }, settings({}))).toBe(5);
  expect(lifetimeOf({ max_lifetime: 9 * DAY }, settings({ mostMessageDays: 3 }))).toBe(3 * DAY);
  expect(lifetimeOf(undefined, settings({ mostMessageDays: 3 }))).toBe(3 * DAY);
  expect(lifetimeOf(undefined, settings({ messageDays: 1, leastMessageDays: 2 }))).toBe(2 * DAY);
  const whole = ServerConfig.safeParse({
    serverName: "hs1",
    listeners: [{ address: "127.0.0.1", port: 0 }],
    publicBaseUrl: "http://127.0.0.1",
    store: { kind: "sqlite", path: "/x" },
    retention: { leastMessageDays: 3, mostMessageDays: 2 },
  });
  expect(whole.error?.issues[0]?.path).toEqual(["retention", "leastMessageDays"]);
});

test("the job runs again after a failure, and ends when it is told to", async () => {
  const lines: string[] = [];
  let runs = 0;
  const thrice = Promise.withResolvers<void>();
  const retention: Pick<Retention, "run"> = {
    run: () => {
      runs += 1;
      if (runs === 3) thrice.resolve();
      return runs === 1 ? Promise.reject(new Error("disk full")) : Promise.resolve({ messages: 1, media: 0 });
    },
  };
  const job = new RetentionJob(retention, new Log("info", (line) => lines.push(line)));
  job.start(1);
  await thrice.promise;
  await job.stop();
  const ran = runs;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(runs).toBe(ran);
  expect(lines[0]).toContain("disk full");
  expect(lines[1]).toContain('"messages":1');
});
