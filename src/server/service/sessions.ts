/**
 * Sessions: passwords in, tokens out, and whom a token speaks for.
 */
import { hash } from "node:crypto";
import { newDeviceId, newToken, toUserId } from "../core/ids.js";
import { isEmpty } from "../core/json.js";
import type { PasswordHasher } from "../runtime/password.js";
import type { Account } from "../store/accounts.js";
import { StoreError } from "../store/database.js";
import type { NewToken } from "../store/sessions.js";
import type { Store } from "../store/store.js";
import type { AppService } from "./app-service.js";
import { Failure, forbidden } from "./failure.js";

/** How long an access token lives that has a refresh token beside it, in milliseconds. */
const ACCESS_TOKEN_MS = 60 * 60_000;
/** A token is looked up again after this time: another process may have ended it. In milliseconds. */
const RECHECK_MS = 30_000;
/** A device's last use is written at most so often, in milliseconds: it is one write per client. */
const SEEN_EVERY_MS = 10 * 60_000;
/** Long enough for a call to be set up, in milliseconds. */
const OPENID_TOKEN_MS = 60 * 60_000;
/** Account data that are named after a device. */
const DEVICE_SETTINGS = ["m.local_notification_settings", "org.matrix.msc3890.local_notification_settings"];
const REMEMBERED_TOKENS = 20_000;

export interface Caller {
  readonly userId: string;
  /** Empty for an application service that names none. */
  readonly deviceId: string;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
  readonly isLocked: boolean;
  /** The application service that speaks, by its own token, as this user. */
  readonly service?: AppService;
}

export interface Session {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

interface Remembered {
  readonly caller: Caller;
  readonly expiresAt: number;
  checkedAt: number;
  seenAt: number;
}

export class Sessions {
  readonly #store: Store;
  readonly #hasher: PasswordHasher;
  readonly #serverName: string;
  readonly #tokens = new Map<string, Remembered>();
  /** Of application services, by whom and as what they speak. */
  readonly #masks = new Map<string, Remembered>();

  constructor(store: Store, hasher: PasswordHasher, serverName: string) {
    this.#store = store;
    this.#hasher = hasher;
    this.#serverName = serverName;
  }

  /** @returns whom the token speaks for, where nothing needs to be looked up or written; else {@link caller} knows */
  known(token: string): Caller | undefined {
    const known = this.#tokens.get(token);
    if (known === undefined) return undefined;
    const now = Date.now();
    const isFresh = now - known.checkedAt <= RECHECK_MS && now - known.seenAt <= SEEN_EVERY_MS;
    return isFresh && known.expiresAt > now ? known.caller : undefined;
  }

  /** @throws Failure M_UNKNOWN_TOKEN, with `soft_logout` for a token that only needs a refresh */
  async caller(token: string, from: string): Promise<Caller> {
    const now = Date.now();
    let known = this.#tokens.get(token);
    if (known === undefined || now - known.checkedAt > RECHECK_MS) {
      const row = await this.#store.sessions.byToken(hashToken(token));
      if (row === undefined) {
        this.#tokens.delete(token);
        throw new Failure("M_UNKNOWN_TOKEN", "the access token is not known, or no longer", {
          soft_logout: false,
        });
      }
      const { expiresAt = Infinity, isUnconfirmed, ...caller } = row;
      if (isUnconfirmed)
        await this.#store.sessions.confirm(caller.userId, caller.deviceId).catch(unlessDiskTrouble);
      known = { caller, expiresAt, checkedAt: now, seenAt: known?.seenAt ?? 0 };
      remember(this.#tokens, token, known);
    }
    if (known.expiresAt <= now)
      throw new Failure("M_UNKNOWN_TOKEN", "the access token has expired", { soft_logout: true });
    if (now - known.seenAt > SEEN_EVERY_MS) {
      known.seenAt = now;
      await this.#store.sessions
        .saw(known.caller.userId, known.caller.deviceId, from)
        .catch(unlessDiskTrouble);
    }
    return known.caller;
  }

  /**
   * An application service, as itself or as a user of its namespace.
   *
   * @throws Failure M_FORBIDDEN for a user outside, or one that is not registered; M_UNKNOWN_DEVICE
   */
  async callerAs(service: AppService, userId: string, deviceId: string): Promise<Caller> {
    const now = Date.now();
    const key = JSON.stringify([service.id, userId, deviceId]);
    const known = this.#masks.get(key);
    if (known !== undefined && now - known.checkedAt <= RECHECK_MS) return known.caller;
    if (!service.coversUser(userId)) throw forbidden(`${userId} is not in your namespace`);
    const account = await this.#store.accounts.get(userId);
    if (account === undefined || account.isDeactivated) throw forbidden(`${userId} is not registered`);
    const isOwn = async () =>
      (await this.#store.sessions.devices(userId)).some((device) => device.deviceId === deviceId);
    if (deviceId !== "" && !(await isOwn()))
      throw new Failure("M_UNKNOWN_DEVICE", `${userId} has no such device`);
    const { isAdmin, isSuspended, isLocked } = account;
    const caller = { userId, deviceId, isAdmin, isSuspended, isLocked, service };
    remember(this.#masks, key, { caller, expiresAt: Infinity, checkedAt: now, seenAt: now });
    return caller;
  }

  /** @throws Failure M_FORBIDDEN for a wrong name or password alike; M_USER_DEACTIVATED */
  async checkPassword(user: string, password: string): Promise<string> {
    const userId = toUserId(user, this.#serverName);
    const account = await this.#store.accounts.get(userId);
    // A name that does not exist takes as long as a wrong password: the time tells nothing.
    const matches = await this.#hasher.verify(password, account?.passwordHash);
    if (account?.isDeactivated === true)
      throw new Failure("M_USER_DEACTIVATED", "the account is deactivated");
    if (!matches || account === undefined) throw forbidden("wrong user name or password");
    if (account.isLocked) throw locked();
    return account.userId;
  }

  isPassword(account: Account, password: string): Promise<boolean> {
    return this.#hasher.verify(password, account.passwordHash);
  }

  hashPassword(password: string): Promise<string> {
    return this.#hasher.hash(password);
  }

  async open(
    userId: string,
    options: {
      readonly deviceId?: string;
      readonly displayName?: string;
      readonly withRefresh?: boolean;
    } = {},
  ): Promise<Session> {
    const deviceId = options.deviceId ?? newDeviceId();
    const { tokens, session } = newTokens(options.withRefresh ?? false);
    this.#forgetDevices(userId, [deviceId]);
    await this.#store.sessions.logIn(userId, deviceId, tokens, options.displayName);
    return { userId, deviceId, ...session };
  }

  /** @throws Failure M_UNKNOWN_TOKEN for a refresh token whose pair was used, or that was never given */
  async refresh(refreshToken: string): Promise<Omit<Session, "userId" | "deviceId">> {
    const { tokens, session } = newTokens(true);
    const outcome = await this.#store.sessions.refresh(hashToken(refreshToken), tokens);
    if (outcome === "locked") throw locked();
    if (outcome === "done") {
      // The pair's access token has ended with it; which one that was, only the store knew.
      this.#tokens.clear();
      return session;
    }
    throw new Failure("M_UNKNOWN_TOKEN", "the refresh token is not known, or no longer", {
      soft_logout: false,
    });
  }

  /** A token that another service can ask the server about, and that opens nothing. */
  async openId({ userId, deviceId }: Caller): Promise<{ token: string; expiresInMs: number }> {
    const token = newToken("imo");
    const expiresAt = Date.now() + OPENID_TOKEN_MS;
    await this.#store.sessions.addOpenIdToken(userId, deviceId, hashToken(token), expiresAt);
    return { token, expiresInMs: OPENID_TOKEN_MS };
  }

  /** @throws Failure M_UNKNOWN_TOKEN */
  async openIdUser(token: string): Promise<string> {
    const userId = await this.#store.sessions.byOpenIdToken(hashToken(token));
    if (userId === undefined) throw new Failure("M_UNKNOWN_TOKEN", "the token is not known, or has expired");
    return userId;
  }

  async close(userId: string, deviceIds: readonly string[]): Promise<void> {
    await this.#store.sessions.deleteDevices(userId, deviceIds);
    this.#forgetDevices(userId, deviceIds);
    for (const deviceId of deviceIds) await this.#dropSettings(userId, deviceId);
  }

  /** What clients keep of a device of the user's, beside it. Source: MSC3890. */
  async #dropSettings(userId: string, deviceId: string): Promise<void> {
    const { personal } = this.#store;
    for (const settings of DEVICE_SETTINGS) {
      const type = `${settings}.${deviceId}`;
      const content = await personal.accountData(userId, "", type);
      if (content !== undefined && !isEmpty(content)) await personal.setAccountData(userId, "", type, {});
    }
  }

  async closeAll(userId: string, except?: string): Promise<void> {
    const devices = await this.#store.sessions.devices(userId);
    await this.close(
      userId,
      devices.map(({ deviceId }) => deviceId).filter((deviceId) => deviceId !== except),
    );
  }

  /** What is known of the user's tokens is looked up again: the account is another than it was. */
  recheck(userId: string): void {
    for (const known of [this.#tokens, this.#masks])
      for (const [key, { caller }] of known) if (caller.userId === userId) known.delete(key);
  }

  #forgetDevices(userId: string, deviceIds: readonly string[]): void {
    for (const known of [this.#tokens, this.#masks])
      for (const [key, { caller }] of known)
        if (caller.userId === userId && deviceIds.includes(caller.deviceId)) known.delete(key);
  }
}

/** What is noted beside a request is worth no refusal: with a full disk, people can read all the same. */
function unlessDiskTrouble(error: unknown): void {
  if (!(error instanceof StoreError) || error.trouble === undefined) throw error;
}

function remember(known: Map<string, Remembered>, key: string, one: Remembered): void {
  known.set(key, one);
  if (known.size > REMEMBERED_TOKENS) known.delete(known.keys().next().value ?? "");
}

function newTokens(withRefresh: boolean): {
  tokens: NewToken[];
  session: Omit<Session, "userId" | "deviceId">;
} {
  const accessToken = newToken("ima");
  if (!withRefresh)
    return { tokens: [{ hash: hashToken(accessToken), kind: "access" }], session: { accessToken } };
  const refreshToken = newToken("imr");
  return {
    tokens: [
      { hash: hashToken(accessToken), kind: "access", expiresAt: Date.now() + ACCESS_TOKEN_MS },
      { hash: hashToken(refreshToken), kind: "refresh" },
    ],
    session: { accessToken, refreshToken, expiresInMs: ACCESS_TOKEN_MS },
  };
}

/** Source: Matrix client-server API, "Account locking": the session is to be kept. */
export const locked = (): Failure =>
  new Failure("M_USER_LOCKED", "the account is locked", { soft_logout: true });

/** What is kept of a token. */
export const hashToken = (token: string): string => hash("sha256", token, "base64url");
