/**
 * What people meet before they trust the server: its authority, and the listener that tells of it in plain HTTP.
 */
import { readFileSync } from "node:fs";
import { readAuthorityCertificate, type AuthorityCertificate } from "../../shared/authority-certificate.js";
import type { ServerConfig } from "../../shared/server-config.js";

/** Source: RFC 9110, "http URI Scheme". */
const HTTP_PORT = 80;

type Settings = Pick<ServerConfig, "publicBaseUrl" | "welcome">;

export class Welcome {
  readonly #settings: Settings;
  #authority: AuthorityCertificate | undefined;
  /** Of the plain listener, while it listens. */
  port: number | undefined;
  /** Why the plain listener does not listen, though it should. */
  trouble: string | undefined;

  /** @throws Error when the authority's file holds no certificate of an authority */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.reload();
  }

  /** Undefined where every device knows the server's authority anyway. */
  get authority(): AuthorityCertificate | undefined {
    return this.#authority;
  }

  /** Reads the authority anew. @throws Error as the constructor does; the old one stays */
  reload(): void {
    const file = this.#settings.welcome?.authorityFile;
    if (file === undefined) return;
    try {
      this.#authority = readAuthorityCertificate(readFileSync(file, "utf8"));
    } catch (cause) {
      throw new Error(`${file} is not the authority's certificate`, { cause });
    }
  }

  /** Where the chat is, with a slash at its end. */
  get address(): string {
    return this.#settings.publicBaseUrl.replace(/\/*$/, "/");
  }

  /** Where somebody begins whose device may not know the server: the plain listener, while there is one. */
  get entrance(): string {
    if (this.port === undefined) return this.address;
    const { hostname } = new URL(this.address);
    const port = this.port === HTTP_PORT ? "" : `:${this.port}`;
    return `http://${hostname}${port}/welcome`;
  }

  /** What is handed to somebody who is to register. */
  linkOf(registrationToken: string): string {
    return `${this.entrance}#/join/${registrationToken}`;
  }
}
