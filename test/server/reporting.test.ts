/** Reports: who may make them of what, and what administrators then find. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { operatorOf, refusal, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

const found = async () =>
  (await server.running.services.store.reports.list(10)).map(({ at: _at, ...rest }) => rest);

test("rooms, events and people are reported, the newest first, with who said it", async () => {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" });
  const eventId = await alice.send(roomId, "spam");
  const reportEvent = () => bob.post(`rooms/${at(roomId)}/report/${at(eventId)}`, { reason: "spam" });
  expect((await refusal(reportEvent())).code).toBe("M_NOT_FOUND");
  expect(await found()).toEqual([]);
  await bob.post(`rooms/${at(roomId)}/report`, { reason: "" });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  await reportEvent();
  await bob.post(`users/${at(alice.userId)}/report`, { reason: "rude" });
  expect(await found()).toEqual([
    { id: 3, reporter: bob.userId, userId: alice.userId, reason: "rude" },
    { id: 2, reporter: bob.userId, roomId, eventId, userId: alice.userId, reason: "spam" },
    { id: 1, reporter: bob.userId, roomId, reason: "" },
  ]);
});

test("what is not there is not reported, nor without saying why", async () => {
  const given = { reason: "x" };
  expect((await refusal(bob.post("rooms/!none:hs1/report", given))).status).toBe(404);
  expect((await refusal(bob.post("rooms/!none:hs1/report/$none", given))).status).toBe(404);
  expect((await refusal(bob.post("users/@none:hs1/report", given))).status).toBe(404);
  expect((await refusal(bob.post(`users/${at(alice.userId)}/report`, {}))).code).toBe("M_MISSING_PARAM");
  const long = { reason: "x".repeat(4_001) };
  expect((await refusal(bob.post(`users/${at(alice.userId)}/report`, long))).code).toBe("M_BAD_JSON");
});

test("administrators read them page by page, and take away what they have dealt with", async () => {
  const admin = operatorOf(server);
  const page = (query: string) =>
    admin.get<{ reports: { report_id: number; reporter: string }[]; next?: string }>(`/reports${query}`);
  const first = await page("?limit=2");
  expect(first.reports).toMatchObject([
    { report_id: 3, reporter: bob.userId, user_id: alice.userId, reason: "rude" },
    { report_id: 2, reporter: bob.userId, user_id: alice.userId, reason: "spam" },
  ]);
  const rest = await page(`?from=${first.next ?? ""}`);
  expect(rest.reports.map(({ report_id }) => report_id)).toEqual([1]);
  expect(rest.next).toBeUndefined();

  await admin.call("DELETE", "/reports/2");
  expect((await page("")).reports.map(({ report_id }) => report_id)).toEqual([3, 1]);
  expect((await refusal(admin.call("DELETE", "/reports/2"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(alice.get("/_imcloud/admin/v1/reports"))).code).toBe("M_FORBIDDEN");
});
