/**
 * A client of a cloud over TLS, as patient with a server that is not there as traffic needs it.
 */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "../bench/server-process.js";
import type { Call } from "./traffic.js";

/** An emulated board hashes a password in seconds. */
const ANSWER_MS = 30_000;
const SERVING_MS = 180_000;
const RETRY_MS = 100;

/**
 * @param base such as `https://10.0.0.2:8448`
 * @param ca the certificate of the cloud's authority
 */
export function callOverTls(base: string, ca: string): Call {
  const agent = new Agent({ ca, keepAlive: true });
  return async (method, path, token, body) => {
    const asked = request(`${base}/_matrix/client/v3/${path}`, {
      method,
      agent,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const answer = await text(response);
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`);
    return JSON.parse(answer) as Record<string, unknown>;
  };
}

/**
 * Waits for a server that starts, or whose old connections have yet to be found dead.
 *
 * @throws Error with the last refusal, after {@link SERVING_MS}
 */
export async function untilServing(call: Call, { token }: Account): Promise<void> {
  const deadline = Date.now() + SERVING_MS;
  for (;;) {
    try {
      await call("GET", "account/whoami", token);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(RETRY_MS);
    }
  }
}

/** New accounts, where anybody may make one. */
export async function signUp(call: Call, names: readonly string[]): Promise<readonly Account[]> {
  return Promise.all(
    names.map(async (username) => {
      const session = await call("POST", "register", undefined, {
        ...{ username, password: "password" },
        auth: { type: "m.login.dummy" },
      });
      return { userId: String(session["user_id"]), token: String(session["access_token"]) };
    }),
  );
}

/** A room with all of them in it. @returns its id */
export async function commonRoom(call: Call, people: readonly Account[]): Promise<string> {
  const [first, ...others] = people;
  const { room_id: id } = await call("POST", "createRoom", first?.token, { preset: "public_chat" });
  const roomId = String(id);
  for (const { token } of others) await call("POST", `rooms/${encodeURIComponent(roomId)}/join`, token, {});
  return roomId;
}
