/**
 * What there is to log in with besides keys in files, and whom to ask for what is missing.
 *
 * An answer is asked for once, however many boards want it.
 */
import type { Secrets } from "../config/secrets.js";
import { Secret } from "../shared/secret.js";

/** Somebody who can answer; without a terminal there is nobody. */
export interface Asker {
  secret(question: string): Promise<Secret | undefined>;
}

export interface Logins {
  sshPassword(user: string, canAsk: boolean): Promise<Secret | undefined>;
  sudoPassword(user: string, canAsk: boolean): Promise<Secret | undefined>;
  passphrase(keyFile: string): Promise<Secret | undefined>;
  /** A private key that came in the environment. */
  readonly key?: Secret;
}

/** Secrets `ssh_password`, `ssh_passphrase` and `sudo_password`; IMCLOUD_SSH_PASSWORD and so on win over them. */
export function loginsFrom(
  secrets: Secrets,
  asker: Asker | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Logins {
  const given = (name: string): Secret | undefined => {
    const value = environment[`IMCLOUD_${name.toUpperCase()}`];
    return value === undefined || value === "" ? secrets.get(name) : new Secret(value);
  };
  const answers = new Map<string, Promise<Secret | undefined>>();
  const ask = (question: string): Promise<Secret | undefined> => {
    const answer = answers.get(question) ?? asker?.secret(question) ?? Promise.resolve(undefined);
    answers.set(question, answer);
    return answer;
  };
  const key = given("ssh_key");
  const givenOrAsked = async (name: string, question: string, canAsk: boolean) =>
    given(name) ?? (canAsk || answers.has(question) ? ask(question) : undefined);
  return {
    sshPassword: (user, canAsk) => givenOrAsked("ssh_password", `SSH password of ${user}`, canAsk),
    sudoPassword: (user, canAsk) => givenOrAsked("sudo_password", `sudo password of ${user}`, canAsk),
    passphrase: (keyFile) => givenOrAsked("ssh_passphrase", `Passphrase of ${keyFile}`, true),
    ...(key !== undefined && { key }),
  };
}
