/**
 * What becomes of an invite, by what the one who is asked has set: it is taken, kept from them, or refused.
 */
import { judgeInvite, type InviteVerdict } from "../core/invite-permission.js";
import type { Store } from "../store/store.js";
import { Failure } from "./failure.js";
import type { PushRules } from "./push-rules.js";

export class InvitePermission {
  readonly #store: Store;
  readonly #pushRules: PushRules;

  constructor(store: Store, pushRules: PushRules) {
    this.#store = store;
    this.#pushRules = pushRules;
  }

  /** @returns what a user makes of invites, by their sender */
  async of(userId: string): Promise<(sender: string) => InviteVerdict> {
    const set = (type: string) => this.#store.personal.accountData(userId, "", type);
    const [permission, filters, ignored] = await Promise.all([
      set("m.invite_permission_config"),
      set("org.matrix.msc4155.invite_permission_config"),
      this.#pushRules.ignoredBy(userId),
    ]);
    return (sender) => {
      const verdict = judgeInvite(permission, filters, sender);
      // Whom somebody ignores altogether does not learn of it.
      return verdict === "allow" && ignored.has(sender) ? "ignore" : verdict;
    };
  }

  /** @throws Failure M_INVITE_BLOCKED for somebody who wants no invites from the sender */
  async assertInvitable(userId: string, sender: string): Promise<void> {
    if ((await this.of(userId))(sender) === "block")
      throw new Failure("M_INVITE_BLOCKED", `${userId} wants no invites`);
  }
}
