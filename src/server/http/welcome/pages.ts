/**
 * `/welcome` and what lies below it: how a device comes to trust the server, and the authority's certificate as files.
 *
 * All of it is public, made once, and the same for everybody but for language and platform. A registration token stands
 * in the fragment, which no browser sends.
 */
import type { Welcome } from "../../service/welcome.js";
import { languageOf, LANGUAGES, type Language } from "./language.js";
import { renderPage, SECURITY } from "./page.js";
import { platformOf, type PlatformName } from "./platforms.js";
import { profileOf } from "./profile.js";

const PATH = "/welcome";
const PLAIN = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };
/** A cloud that was set up anew has another authority at the same address. */
const FILE = { ...PLAIN, "cache-control": "no-cache" };

interface File {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer> | string;
  /** Without: shown to the browser, which knows what to do with it. */
  readonly saveAs?: string;
}

export class WelcomePages {
  readonly #welcome: Welcome;
  readonly #serverName: string;
  readonly #pages = new Map<string, string>();

  constructor(welcome: Welcome, serverName: string) {
    this.#welcome = welcome;
    this.#serverName = serverName;
  }

  /** The certificate may be another one now. */
  forget(): void {
    this.#pages.clear();
  }

  /** On a listener that serves the API too. @returns undefined for a path or method that is not one of these */
  answer(request: Request): Response | undefined {
    if (!isReading(request)) return undefined;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === PATH) return this.#page(request, searchParams.get("lang"));
    if (pathname === `${PATH}/`) return redirect(PATH);
    const file = pathname.startsWith(`${PATH}/`) ? this.#file(pathname.slice(PATH.length + 1)) : undefined;
    return file === undefined ? undefined : this.#send(file, request);
  }

  /** On the plain listener, which serves nothing else. */
  answerAlone(request: Request): Response {
    if (!isReading(request))
      return new Response("only GET and HEAD\n", { status: 405, headers: { ...PLAIN, allow: "GET, HEAD" } });
    // The fragment of an invitation goes along: browsers keep it.
    if (new URL(request.url).pathname === "/") return redirect(PATH);
    return (
      this.answer(request) ??
      new Response(request.method === "HEAD" ? null : "nothing is here but /welcome\n", {
        status: 404,
        headers: { ...PLAIN, "cache-control": "no-store", "content-type": "text/plain; charset=utf-8" },
      })
    );
  }

  #page(request: Request, asked: string | null): Response {
    const language = languageOf(asked, request.headers.get("accept-language"));
    const platform = platformOf(request.headers.get("user-agent") ?? "");
    return new Response(request.method === "HEAD" ? null : this.#rendered(language, platform), {
      headers: {
        ...SECURITY,
        "content-type": "text/html; charset=utf-8",
        "content-language": LANGUAGES[language].tag,
        "cache-control": "no-store",
        vary: "accept-language, user-agent",
      },
    });
  }

  #rendered(language: Language, platform: PlatformName | undefined): string {
    const key = `${language} ${platform ?? ""}`;
    const page =
      this.#pages.get(key) ??
      renderPage({
        ...{ language, platform, serverName: this.#serverName },
        ...{ address: this.#welcome.address, authority: this.#welcome.authority },
      });
    this.#pages.set(key, page);
    return page;
  }

  #file(name: string): File | undefined {
    const { authority } = this.#welcome;
    if (authority === undefined) return undefined;
    const saveAs = this.#serverName.replaceAll(/[^A-Za-z0-9.-]/g, "-");
    switch (name) {
      case "ca.crt":
        return {
          type: "application/x-x509-ca-cert",
          body: new Uint8Array(authority.der),
          saveAs: `${saveAs}.crt`,
        };
      case "ca.pem":
        return { type: "application/x-pem-file", body: authority.pem, saveAs: `${saveAs}.pem` };
      case "imcloud.mobileconfig":
        return {
          type: "application/x-apple-aspen-config",
          body: profileOf(authority, this.#serverName),
        };
      default:
        return undefined;
    }
  }

  #send({ type, body, saveAs }: File, request: Request): Response {
    const etag = `"${this.#welcome.authority?.sha256 ?? ""}"`;
    const headers = {
      ...FILE,
      etag,
      "content-type": type,
      ...(saveAs !== undefined && { "content-disposition": `attachment; filename="${saveAs}"` }),
    };
    if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
    return new Response(request.method === "HEAD" ? null : body, { headers });
  }
}

const isReading = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

/** For now: what is here may change. */
const redirect = (location: string): Response =>
  new Response(null, { status: 302, headers: { ...PLAIN, location, "cache-control": "no-store" } });
