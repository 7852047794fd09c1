/**
 * Accounts as administrators see them: making, restraining and ending them.
 */
import { isNewUserId, serverOf, toUserId } from "../core/ids.js";
import type { Account, Restraint } from "../store/accounts.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, invalid, notFound } from "./failure.js";
import type { Memberships } from "./memberships.js";
import type { Caller, Sessions } from "./sessions.js";

export class Accounts {
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #memberships: Memberships;
  readonly #serverName: string;
  readonly #passwordMinimum: number;

  constructor(
    store: Store,
    sessions: Sessions,
    memberships: Memberships,
    {
      serverName,
      limits,
    }: { readonly serverName: string; readonly limits: { readonly passwordMinimum: number } },
  ) {
    this.#store = store;
    this.#sessions = sessions;
    this.#memberships = memberships;
    this.#serverName = serverName;
    this.#passwordMinimum = limits.passwordMinimum;
  }

  /**
   * @param nameOrId `ada` or `@ada:server`
   * @throws Failure M_INVALID_PARAM for another server's user, M_NOT_FOUND for one that is not there
   */
  async get(nameOrId: string): Promise<Account> {
    const userId = toUserId(nameOrId, this.#serverName);
    if (serverOf(userId) !== this.#serverName) throw invalid("the user is not of this server");
    const account = await this.#store.accounts.get(userId);
    if (account === undefined) throw notFound("there is no such user");
    return account;
  }

  /**
   * Makes an account; one that is there already with that password stays as it is, so that this may be repeated.
   *
   * @throws Failure M_INVALID_USERNAME, M_WEAK_PASSWORD; M_USER_IN_USE when it has another password
   */
  async make(
    userId: string,
    password: string,
    isAdmin: boolean,
  ): Promise<"created" | "changed" | "unchanged"> {
    if (!isNewUserId(userId, this.#serverName))
      throw new Failure("M_INVALID_USERNAME", "a user name has lower-case letters, digits and ._=-/+");
    this.assertStrong(password);
    const known = await this.#store.accounts.get(userId);
    if (known === undefined) {
      if (await this.#store.accounts.create(userId, await this.#sessions.hashPassword(password), isAdmin))
        return "created";
      throw new Failure("M_USER_IN_USE", "the user name is taken");
    }
    if (!(await this.#sessions.isPassword(known, password)))
      throw new Failure("M_USER_IN_USE", "the user name is taken, by an account with another password");
    if (!isAdmin || known.isAdmin) return "unchanged";
    await this.setAdmin(userId, true);
    return "changed";
  }

  /** @throws Failure M_WEAK_PASSWORD */
  assertStrong(password: string): void {
    if ([...password].length < this.#passwordMinimum)
      throw new Failure("M_WEAK_PASSWORD", `a password has at least ${this.#passwordMinimum} characters`);
  }

  /** @param keep the device whose session goes on; `all` for all of them */
  async setPassword(userId: string, password: string, keep?: string): Promise<void> {
    this.assertStrong(password);
    await this.#store.accounts.setPassword(userId, await this.#sessions.hashPassword(password));
    if (keep !== "all") await this.#sessions.closeAll(userId, keep);
  }

  async setAdmin(userId: string, isAdmin: boolean): Promise<void> {
    await this.#store.accounts.setAdmin(userId, isAdmin);
    this.#sessions.recheck(userId);
  }

  /** Ends an account for ever: its rooms, what it kept here, its sessions. */
  async deactivate(userId: string, erase: boolean): Promise<void> {
    // The rooms first: who is cut off half-way still has a session to ask again with.
    await this.#memberships.leaveAll(userId);
    await this.#store.accounts.deactivate(userId, erase);
    await this.#sessions.closeAll(userId);
    this.#sessions.recheck(userId);
  }

  /**
   * Whether an account is suspended or locked.
   *
   * Source: Matrix client-server API v1.19, "Server administration".
   * @throws Failure M_FORBIDDEN for an administrator, and those of {@link get}
   */
  async restraint(userId: string, restraint: Restraint): Promise<boolean> {
    const { isSuspended, isLocked } = await this.#restrainable(userId);
    return restraint === "locked" ? isLocked : isSuspended;
  }

  /** @throws Failure as {@link restraint}, and M_FORBIDDEN for the caller's own account */
  async restrain(caller: Caller, nameOrId: string, restraint: Restraint, isOn: boolean): Promise<void> {
    if (nameOrId === caller.userId) throw forbidden("that is your own account");
    const { userId } = await this.#restrainable(nameOrId);
    await this.#store.accounts.setRestraint(userId, restraint, isOn);
    this.#sessions.recheck(userId);
  }

  async #restrainable(userId: string): Promise<Account> {
    const account = await this.get(userId);
    if (account.isDeactivated) throw notFound("the account is deactivated");
    if (account.isAdmin) throw forbidden("that is another administrator");
    return account;
  }
}
