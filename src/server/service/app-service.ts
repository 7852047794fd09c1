/**
 * An application service, as it is registered: a bridge or a bot that speaks for many users.
 * Source: Matrix Application Service API v1.19, "Registration".
 */

/** Whether an id begins as one of a namespace's patterns says. */
export interface Pattern {
  readonly isExclusive: boolean;
  matches(id: string): boolean;
}

export type NamespaceName = "users" | "aliases" | "rooms";

export interface Registration {
  readonly id: string;
  /** Where it listens; null for one that only asks. */
  readonly url: string | null;
  /** By which it speaks to the server. */
  readonly asToken: string;
  /** By which the server speaks to it. */
  readonly hsToken: string;
  /** The user id of the account that is its own. */
  readonly sender: string;
  readonly namespaces: Readonly<Record<NamespaceName, readonly Pattern[]>>;
  readonly isRateLimited: boolean;
  readonly protocols: readonly string[];
  /** What ephemeral data are called in its transactions; none where it wants none. */
  readonly ephemeralNames: readonly string[];
}

export class AppService {
  readonly id: string;
  readonly url: string | null;
  readonly asToken: string;
  readonly hsToken: string;
  readonly sender: string;
  readonly protocols: readonly string[];
  readonly ephemeralNames: readonly string[];
  readonly #namespaces: Registration["namespaces"];
  readonly #isRateLimited: boolean;

  constructor(registration: Registration) {
    this.id = registration.id;
    this.url = registration.url;
    this.asToken = registration.asToken;
    this.hsToken = registration.hsToken;
    this.sender = registration.sender;
    this.protocols = registration.protocols;
    this.ephemeralNames = registration.ephemeralNames;
    this.#namespaces = registration.namespaces;
    this.#isRateLimited = registration.isRateLimited;
  }

  /** Whether the account is the service's own, or in one of its namespaces of users. */
  coversUser(userId: string): boolean {
    return userId === this.sender || this.covers("users", userId);
  }

  covers(namespace: NamespaceName, id: string): boolean {
    return this.#namespaces[namespace].some((pattern) => pattern.matches(id));
  }

  /** Whether nobody else may make such a user or alias. */
  owns(namespace: NamespaceName, id: string): boolean {
    if (namespace === "users" && id === this.sender) return true;
    return this.#namespaces[namespace].some((pattern) => pattern.isExclusive && pattern.matches(id));
  }

  has(namespace: NamespaceName): boolean {
    return this.#namespaces[namespace].length > 0;
  }

  /** Whether requests as this user are counted; those of the service's own account never are. */
  isLimited(userId: string): boolean {
    return this.#isRateLimited && userId !== this.sender;
  }
}
