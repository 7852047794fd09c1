/** Accounts and sessions: how they begin, and what ends them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  callApi,
  personOf,
  refusal,
  register,
  startWithPeople,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let bob: Person;
beforeAll(async () => {
  [server, , bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

describe("accounts and sessions", () => {
  const logIn = (user: string, password: string, more: object = {}) =>
    callApi<{ access_token: string; user_id: string; device_id: string; refresh_token?: string }>(
      server.url,
      "POST",
      "login",
      { type: "m.login.password", identifier: { type: "m.id.user", user }, password, ...more },
    );

  test("registration asks for its stage, and takes no name twice", async () => {
    const first = await refusal(callApi(server.url, "POST", "register", { username: "dora", password: "d" }));
    expect(first.status).toBe(401);
    expect(first.body).toMatchObject({ flows: [{ stages: ["m.login.dummy"] }] });
    expect(first.body["errcode"]).toBeUndefined();
    // The session remembers what was asked for.
    const made = await callApi<{ user_id: string }>(server.url, "POST", "register", {
      auth: { type: "m.login.dummy", session: first.body["session"] },
    });
    expect(made.user_id).toBe("@dora:hs1");
    expect((await refusal(callApi(server.url, "GET", "register/available?username=dora"))).code).toBe(
      "M_USER_IN_USE",
    );
    expect(await callApi(server.url, "GET", "register/available?username=erna")).toEqual({ available: true });
    expect(
      (await refusal(callApi(server.url, "POST", "register", { username: "Ä", password: "d" }))).code,
    ).toBe("M_INVALID_USERNAME");
    expect((await refusal(callApi(server.url, "POST", "register?kind=guest", {}))).code).toBe(
      "M_GUEST_ACCESS_FORBIDDEN",
    );
  });

  test("a wrong password and an unknown name are refused alike", async () => {
    const wrong = await refusal(logIn("alice", "wrong"));
    const unknown = await refusal(logIn("nobody", "wrong"));
    expect([wrong.status, wrong.code]).toEqual([403, "M_FORBIDDEN"]);
    expect(unknown.body).toEqual(wrong.body);
  });

  test("logging out ends the token, logging in on a device ends its old one", async () => {
    const first = personOf(server, await logIn("@alice:hs1", "alice's password", { device_id: "TABLET" }));
    const second = personOf(server, await logIn("ALICE", "alice's password", { device_id: "TABLET" }));
    expect((await refusal(first.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    expect(await second.get("account/whoami")).toEqual({
      user_id: "@alice:hs1",
      device_id: "TABLET",
      is_guest: false,
    });
    await second.post("logout", {});
    expect((await refusal(second.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  });

  test("a refresh token ends the old access token, and itself once its pair is used", async () => {
    const session = await logIn("alice", "alice's password", { refresh_token: true });
    const refresh = (token: string | undefined) =>
      callApi<{ access_token: string; refresh_token: string }>(server.url, "POST", "refresh", {
        refresh_token: token,
      });
    const lost = await refresh(session.refresh_token);
    expect((await refusal(personOf(server, session).get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");

    // The answer never arrived: the client asks again, and what it did not get ends.
    const next = await refresh(session.refresh_token);
    const phone = personOf(server, { ...session, ...next });
    expect((await refusal(refresh(lost.refresh_token))).status).toBe(401);
    expect(await phone.get("account/whoami")).toMatchObject({ user_id: "@alice:hs1" });
    expect((await refusal(refresh(session.refresh_token))).status).toBe(401);

    // The next refresh is a use, too.
    const third = await refresh(next.refresh_token);
    await refresh(third.refresh_token);
    expect((await refusal(refresh(next.refresh_token))).status).toBe(401);
  });

  test("a new password needs the old one, and ends the other devices", async () => {
    const erna = await register(server, "erna");
    const other = personOf(server, await logIn("erna", "erna's password"));
    const request = {
      new_password: "new",
      auth: { type: "m.login.password", identifier: { type: "m.id.user", user: "erna" }, password: "wrong" },
    };
    const wrong = await refusal(erna.post("account/password", request));
    expect([wrong.status, wrong.code]).toEqual([401, "M_FORBIDDEN"]);
    request.auth.password = "erna's password";
    await erna.post("account/password", request);
    await erna.get("account/whoami");
    expect((await refusal(other.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    await logIn("erna", "new");
  });

  test("devices are listed, named and deleted with the password", async () => {
    const phone = personOf(
      server,
      await logIn("bob", "bob's password", {
        device_id: "PHONE",
        initial_device_display_name: "Bob's phone",
      }),
    );
    expect(await bob.get("devices/PHONE")).toMatchObject({ device_id: "PHONE", display_name: "Bob's phone" });
    await bob.call("PUT", "devices/PHONE", { display_name: "old phone" });
    expect(await bob.get("devices/PHONE")).toMatchObject({ display_name: "old phone" });
    expect((await refusal(bob.call("PUT", "devices/NONE", { display_name: "x" }))).code).toBe("M_NOT_FOUND");
    const challenge = await refusal(bob.call("DELETE", "devices/PHONE", {}));
    expect(challenge.status).toBe(401);
    await bob.call("DELETE", "devices/PHONE", {
      auth: {
        type: "m.login.password",
        session: challenge.body["session"],
        identifier: { type: "m.id.user", user: "bob" },
        password: "bob's password",
      },
    });
    expect((await refusal(phone.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  });
});
