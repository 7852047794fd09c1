/** Registration by tokens that administrators make: how often, how long, and who sees them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { callApi, operatorOf, refusal, startTestServer, type TestServer } from "./test-server.js";

let server: TestServer;
let admin: ReturnType<typeof operatorOf>;

beforeAll(async () => {
  server = await startTestServer({ registration: { mode: "token" } });
  admin = operatorOf(server);
});
afterAll(() => server.stop());

interface Token {
  readonly id: string;
  readonly token: string;
  readonly used: number;
}
const make = (body: object = {}) => admin.post<Token>("/registration-tokens", body);
const list = async () => (await admin.get<{ tokens: Token[] }>("/registration-tokens")).tokens;
const isValid = async (token: string) =>
  (
    await callApi<{ valid: boolean }>(
      server.url,
      "GET",
      `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`,
    )
  ).valid;
const signUp = (username: string, token: string) =>
  callApi<{ user_id: string }>(server.url, "POST", "register", {
    username,
    password: "secret",
    auth: { type: "m.login.registration_token", token },
  });

test("a token serves as often as it may, also when all come at once", async () => {
  const { id, token } = await make({ uses: 2 });
  const results = await Promise.allSettled(["a", "b", "c", "d"].map((name) => signUp(name, token)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  expect(await list()).toMatchObject([{ id, uses: 2, used: 2 }]);
  expect(await isValid(token)).toBe(false);
  expect((await refusal(signUp("e", token))).status).toBe(401);
});

test("a name that is taken costs no use", async () => {
  const { id, token } = await make({ uses: 1 });
  await signUp("taken", token);
  const other = await make({ uses: 1 });
  expect((await refusal(signUp("taken", other.token))).code).toBe("M_USER_IN_USE");
  expect((await list()).find((one) => one.id === other.id)?.used).toBe(0);
  expect((await list()).find((one) => one.id === id)?.used).toBe(1);
});

test("a token ends when its time has come, or when it is taken back", async () => {
  const old = await make({ expires_at: Date.now() - 1 });
  expect(await isValid(old.token)).toBe(false);
  const chosen = await make({ token: "class-7b" });
  expect([chosen.token, await isValid("class-7b")]).toEqual(["class-7b", true]);
  expect((await refusal(make({ token: "class-7b" }))).code).toBe("M_INVALID_PARAM");
  await admin.call("DELETE", `/registration-tokens/${chosen.id}`);
  expect(await isValid("class-7b")).toBe(false);
  expect((await refusal(admin.call("DELETE", `/registration-tokens/${chosen.id}`))).code).toBe("M_NOT_FOUND");
});

test("a token is shown once, and one of nonsense is none", async () => {
  const { token } = await make();
  expect(token).toMatch(/^[a-z2-9]{16}$/);
  expect(JSON.stringify(await list())).not.toContain(token);
  for (const body of [{ token: "a b" }, { token: "" }, { uses: 0 }, { uses: 1.5 }, { expires_at: -1 }])
    expect((await refusal(make(body))).code).toBe("M_BAD_JSON");
});
