/**
 * Who may register where that needs a token: the one in the configuration's file, or one that an administrator made.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readSecretFile } from "../runtime/secret-file.js";
import type { RegistrationToken } from "../store/registration-tokens.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, invalid } from "./failure.js";
import { hashToken } from "./sessions.js";

/** What people type: no letter that looks like another, 80 bits of chance. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const LENGTH = 16;

export interface TokenRequest {
  /** Absent: one is made up. */
  readonly token?: string;
  readonly uses?: number;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
}

export class RegistrationTokens {
  readonly #store: Store;
  readonly #tokenFile: string | undefined;

  constructor(store: Store, tokenFile: string | undefined) {
    this.#store = store;
    this.#tokenFile = tokenFile;
  }

  async isGood(token: string): Promise<boolean> {
    return (
      this.#isFixed(token) || (await this.#store.registrationTokens.isGood(hashToken(token), Date.now()))
    );
  }

  /** @returns the token itself, which nobody can look up again. @throws Failure M_INVALID_PARAM when it is taken */
  async make({
    token = newRegistrationToken(),
    uses,
    expiresAt,
  }: TokenRequest): Promise<RegistrationToken & { readonly token: string }> {
    const made = {
      id: randomBytes(4).toString("hex"),
      createdAt: Date.now(),
      ...(uses !== undefined && { uses }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    if (!(await this.#store.registrationTokens.add({ ...made, hash: hashToken(token) })))
      throw invalid("there is such a token already");
    return { ...made, used: 0, token };
  }

  /**
   * Makes an account, by a token where one was needed: the account and the token's use are written as one.
   *
   * @throws Failure M_USER_IN_USE; M_FORBIDDEN when another has taken the token's last use meanwhile
   */
  async register(userId: string, passwordHash: string, token: string | undefined): Promise<void> {
    const { accounts } = this.#store;
    const outcome =
      token === undefined || this.#isFixed(token)
        ? (await accounts.create(userId, passwordHash, false))
          ? "created"
          : "taken"
        : await accounts.createByToken(userId, passwordHash, hashToken(token));
    if (outcome === "taken") throw new Failure("M_USER_IN_USE", "the user name is taken");
    if (outcome === "refused") throw forbidden("the registration token has been used up");
  }

  /** Read anew each time, so that a changed token needs no restart; compared in constant time. */
  #isFixed(given: string): boolean {
    if (this.#tokenFile === undefined) return false;
    const hash = (text: string) => createHash("sha256").update(text).digest();
    return timingSafeEqual(hash(given), hash(readSecretFile(this.#tokenFile)));
  }
}

function newRegistrationToken(): string {
  let token = "";
  // Bytes that would make some letters likelier than others are left out.
  while (token.length < LENGTH)
    for (const byte of randomBytes(LENGTH))
      if (byte < 256 - (256 % ALPHABET.length) && token.length < LENGTH)
        token += ALPHABET[byte % ALPHABET.length] ?? "";
  return token;
}
