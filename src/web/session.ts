/**
 * Who is signed in on this browser, and how somebody comes to be: with a password, or with a registration token.
 * Sources: Matrix client-server API v1.19, "Login", "Account registration", "User-Interactive Authentication API".
 */
import { ApiError, call } from "./api.js";
import { t } from "./words/words.js";

export interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
}

const KEY = "imcloud.session";
/** What matrix-js-sdk keeps: rooms, and keys. */
const DATABASES = [
  "matrix-js-sdk:imcloud",
  "matrix-js-sdk::matrix-sdk-crypto",
  "matrix-js-sdk::matrix-sdk-crypto-meta",
];
const V3 = "/_matrix/client/v3";

/** @returns undefined where nobody is signed in */
export function storedSession(): Session | undefined {
  const text = localStorage.getItem(KEY);
  if (text === null) return undefined;
  try {
    const { userId, deviceId, accessToken } = JSON.parse(text) as Partial<Session>;
    if (userId === undefined || deviceId === undefined || accessToken === undefined) return undefined;
    return { userId, deviceId, accessToken };
  } catch (error) {
    console.warn("what the browser kept of the session cannot be read", error);
    return undefined;
  }
}

export function keepSession(session: Session): void {
  localStorage.setItem(KEY, JSON.stringify(session));
}

/** Forgets who was signed in, and everything that was kept of theirs. */
export async function forgetSession(): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration();
  await (await worker?.pushManager?.getSubscription())?.unsubscribe();
  localStorage.clear();
  sessionStorage.clear();
  // Firefox tells their names since version 126.
  const known = "databases" in indexedDB ? await indexedDB.databases() : DATABASES.map((name) => ({ name }));
  await Promise.all(known.flatMap(({ name }) => (name === undefined ? [] : [deleteDatabase(name)])));
}

/** One that is still open somewhere goes as soon as it is closed. */
const deleteDatabase = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error ?? new Error(`${name} could not be deleted`));
  });

interface LoginAnswer {
  readonly user_id: string;
  readonly device_id: string;
  readonly access_token: string;
}

const sessionOf = (answer: LoginAnswer): Session => ({
  userId: answer.user_id,
  deviceId: answer.device_id,
  accessToken: answer.access_token,
});

/** @throws ApiError `M_FORBIDDEN` for a wrong password, `M_LIMIT_EXCEEDED` after too many; OfflineError */
export async function signIn(user: string, password: string): Promise<Session> {
  const answer = await call<LoginAnswer>(`${V3}/login`, {
    method: "POST",
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
      initial_device_display_name: deviceName(),
    },
  });
  return sessionOf(answer);
}

export interface NewAccount {
  /** The part before the colon. */
  readonly user: string;
  readonly password: string;
  /** Where the server asks for one. */
  readonly token?: string;
}

interface Challenge {
  readonly session: string;
  readonly completed?: readonly string[];
  readonly flows: readonly { readonly stages: readonly string[] }[];
}

/** @throws ApiError `M_USER_IN_USE`, `M_INVALID_USERNAME`, `M_FORBIDDEN` where accounts are not to be had; OfflineError */
export async function register({ user, password, token }: NewAccount): Promise<Session> {
  const body = { username: user, password, initial_device_display_name: deviceName() };
  let auth: Record<string, string> | undefined;
  for (;;) {
    try {
      const answer = await call<LoginAnswer>(`${V3}/register`, {
        method: "POST",
        body: { ...body, ...(auth !== undefined && { auth }) },
      });
      return sessionOf(answer);
    } catch (error) {
      auth = nextStage(error, token, auth);
    }
  }
}

/** @throws the error when it asks for nothing that can be given */
function nextStage(error: unknown, token: string | undefined, given: Record<string, string> | undefined) {
  if (!(error instanceof ApiError) || error.status !== 401) throw error;
  const { session, completed = [], flows } = error.body as unknown as Challenge;
  const can = (stage: string) =>
    stage === "m.login.dummy" || (stage === "m.login.registration_token" && token !== undefined);
  const stage = flows.find(({ stages }) => stages.every(can))?.stages.find((it) => !completed.includes(it));
  if (stage === undefined) throw new ApiError(401, "M_FORBIDDEN", t("needsInvitation"));
  // The same stage once more: what was given for it was wrong.
  if (given?.["type"] === stage) throw error;
  return { type: stage, session, ...(stage !== "m.login.dummy" && { token: token ?? "" }) };
}

/** What this browser is called among one's devices: `Firefox, Android`. */
function deviceName(): string {
  const agent = navigator.userAgent;
  const find = (names: readonly [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find([
    [/Edg\//, "Edge"],
    [/Firefox\//, "Firefox"],
    [/Chrom(e|ium)\//, "Chrome"],
    [/Safari\//, "Safari"],
  ]);
  const system = find([
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/CrOS/, "ChromeOS"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  return [browser ?? t("browser"), system].filter((part) => part !== undefined).join(", ");
}
