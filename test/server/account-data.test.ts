/** Account data that are removed (MSC3391), and those that end with a device (MSC3890). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { slide } from "./slider.js";
import {
  callApi,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

const at = encodeURIComponent;
const UNSTABLE = "/_matrix/client/unstable/org.matrix.msc3391/user";
const TYPE = "org.example.note";

interface Data {
  readonly events: readonly { readonly type: string; readonly content: object }[];
}
interface Answer {
  readonly next_batch: string;
  readonly account_data?: Data;
  readonly rooms?: { readonly join?: Readonly<Record<string, { readonly account_data: Data }>> };
}

let server: TestServer;
let alice: Person;
let roomId = "";
beforeAll(async () => {
  server = await startTestServer();
  alice = await register(server, "alice");
  ({ room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {}));
});
afterAll(() => server.stop());

const sync = (since?: string) =>
  alice.get<Answer>(`sync?timeout=0${since === undefined ? "" : `&since=${since}`}`);
const contentsOf = (data: Data | undefined) =>
  data?.events.filter(({ type }) => type === TYPE).map(({ content }) => content) ?? [];
const told = (answer: Answer) => ({
  global: contentsOf(answer.account_data),
  ofRoom: contentsOf(answer.rooms?.join?.[roomId]?.account_data),
});

for (const way of ["DELETE", "PUT"] as const)
  test(`removed by ${way}: gone where it is asked for, told once to who knew it, and to nobody who begins`, async () => {
    const paths = [`account_data/${TYPE}`, `rooms/${at(roomId)}/account_data/${TYPE}`];
    const own = (path: string) => `user/${at(alice.userId)}/${path}`;
    for (const path of paths) await alice.call("PUT", own(path), { a: 1 });
    const { next_batch: since } = await sync();
    for (const path of paths)
      await (way === "PUT"
        ? alice.call("PUT", own(path), {})
        : alice.call("DELETE", `${UNSTABLE}/${at(alice.userId)}/${path}`));

    for (const path of paths) expect((await refusal(alice.get(own(path)))).code).toBe("M_NOT_FOUND");
    const next = await sync(since);
    expect(told(next)).toEqual({ global: [{}], ofRoom: [{}] });
    expect(told(await sync(next.next_batch))).toEqual({ global: [], ofRoom: [] });
    expect(told(await sync())).toEqual({ global: [], ofRoom: [] });
    const sliding = await slide(alice, {
      conn_id: way,
      lists: { all: { ranges: [[0, 9]], required_state: [], timeline_limit: 0 } },
      extensions: { account_data: { enabled: true } },
    });
    expect(JSON.stringify(sliding)).not.toContain(TYPE);
  });

test("what was never there, and what has an endpoint of its own", async () => {
  const remove = (userId: string, type: string) =>
    alice.call("DELETE", `${UNSTABLE}/${at(userId)}/account_data/${type}`);
  const { next_batch: since } = await sync();
  expect(await remove(alice.userId, "org.example.never")).toEqual({});
  expect(await sync(since)).not.toHaveProperty("account_data");
  expect((await refusal(remove(alice.userId, "m.push_rules"))).status).toBe(405);
  expect((await refusal(remove("@bob:hs1", TYPE))).code).toBe("M_FORBIDDEN");
});

test("a device that goes takes its settings along", async () => {
  const phone = personOf(
    server,
    await callApi(server.url, "POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "alice" },
      password: "alice's password",
    }),
  );
  const path = (deviceId: string) =>
    `user/${at(alice.userId)}/account_data/org.matrix.msc3890.local_notification_settings.${deviceId}`;
  for (const { deviceId } of [alice, phone]) await alice.call("PUT", path(deviceId), { is_silenced: true });
  await phone.post("logout", {});
  expect((await refusal(alice.get(path(phone.deviceId)))).code).toBe("M_NOT_FOUND");
  expect(await alice.get(path(alice.deviceId))).toEqual({ is_silenced: true });
});
