/** How devices come to trust the server: the page, the files, the plain listener, and what invitations lead to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { Parser } from "htmlparser2";
import { makeAuthority } from "../../src/fleet/authority.js";
import { SCRIPT } from "../../src/server/http/welcome/assets.js";
import { draw, roomFor, textWidth, wordOf } from "../../src/server/http/welcome/pictures.js";
import { LANGUAGES, languageOf } from "../../src/server/http/welcome/language.js";
import { WelcomeListener } from "../../src/server/http/welcome/listener.js";
import { WelcomePages } from "../../src/server/http/welcome/pages.js";
import { PLATFORMS, platformOf } from "../../src/server/http/welcome/platforms.js";
import { Log } from "../../src/server/runtime/log.js";
import { Welcome } from "../../src/server/service/welcome.js";
import { fingerprintLines } from "../../src/shared/authority-certificate.js";
import { operatorOf, refusal, startTestServer, type TestServer } from "./test-server.js";

const NAME = "kitchen.home.arpa";
const BASE = "https://board.local:8448";

let folder: string;
let pem: string;
let server: TestServer;
let plain: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "imcloud-welcome-"));
  const made = await makeAuthority(NAME, undefined);
  pem = made.certificate;
  // A key in the same file must stay there.
  writeFileSync(join(folder, "ca.pem"), `${made.keyText}${pem}`);
  server = await startTestServer({
    serverName: NAME,
    publicBaseUrl: BASE,
    registration: { mode: "token" },
    welcome: { authorityFile: join(folder, "ca.pem"), listener: { address: "127.0.0.1", port: 0 } },
  });
  plain = `http://127.0.0.1:${server.running.services.welcome.port ?? 0}`;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const get = (url: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  fetch(url, { headers, method, redirect: "manual" });

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}
function elementsOf(page: string): readonly Element[] {
  const elements: Element[] = [];
  const parser = new Parser({ onopentag: (name, attributes) => void elements.push({ name, attributes }) });
  parser.end(page);
  return elements;
}
const contentOf = (page: string, name: string): string =>
  new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(page)?.[1] ?? "";

describe("the page", () => {
  test("is the same on the server's listener and on the plain one, and nothing in it comes from elsewhere", async () => {
    const responses = await Promise.all([server.url, plain].map((url) => get(`${url}/welcome`)));
    const [page = "", same] = await Promise.all(responses.map((response) => response.text()));
    expect(page).toBe(same ?? "");
    for (const response of responses) {
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("vary")).toBe("accept-language, user-agent");
      expect(response.headers.has("access-control-allow-origin")).toBe(false);
    }
    const elements = elementsOf(page);
    expect(elements.some(({ attributes }) => "style" in attributes || "src" in attributes)).toBe(false);
    const names = new Set(elements.map(({ name }) => name));
    for (const loader of ["link", "img", "iframe", "form", "base", "object"])
      expect(names.has(loader)).toBe(false);
    const links = new Set(elements.flatMap(({ attributes }) => attributes["href"] ?? []));
    expect([...links].toSorted()).toEqual(
      [
        ...["/welcome/ca.crt", "/welcome/ca.pem", "/welcome/imcloud.mobileconfig", "/welcome?lang=zh"],
        `${BASE}/`,
      ].toSorted(),
    );
    // The fingerprint, a code, and each platform in a way that needs no script.
    const { sha256 } = server.running.services.welcome.authority ?? { sha256: "" };
    expect(sha256).toBe(new X509Certificate(pem).fingerprint256.replaceAll(":", ""));
    expect(page).toContain(fingerprintLines(sha256).join("<br>"));
    expect(page).toContain(`imcloud authority of ${NAME}`);
    const platforms = elements.filter(
      ({ name, attributes }) => name === "details" && attributes["id"] !== undefined,
    );
    expect(platforms.map(({ attributes }) => attributes["id"])).toEqual([...PLATFORMS]);
    expect(elements.filter(({ attributes }) => attributes["class"] === "code")).toHaveLength(1);
    expect(elements.filter(({ attributes }) => attributes["class"] === "shot").length).toBeGreaterThan(12);
  });

  test("its style and script are allowed by hash, and nothing else is", async () => {
    const response = await get(`${plain}/welcome`);
    const page = await response.text();
    const hash = (name: string) => createHash("sha256").update(contentOf(page, name)).digest("base64");
    expect(response.headers.get("content-security-policy")?.split("; ")).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hash("style")}'`,
      `script-src 'sha256-${hash("script")}'`,
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  });

  test.each([
    ["Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130.0 Mobile Safari/537.36", "android"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "ios"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36", "windows"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "macos"],
    ["Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/130.0 Safari/537.36", "chromebook"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "firefox"],
    ["Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36", "linux"],
  ] as const)("%s is shown its own steps first", async (userAgent, platform) => {
    expect(platformOf(userAgent)).toBe(platform);
    const page = await (await get(`${plain}/welcome`, { "user-agent": userAgent })).text();
    const details = elementsOf(page).filter(({ name }) => name === "details");
    expect(details.flatMap(({ attributes }) => ("open" in attributes ? [attributes["id"]] : []))).toEqual([
      platform,
    ]);
    expect(details[0]?.attributes["id"]).toBe(platform);
  });

  test("speaks the reader's language", async () => {
    const language = async (path: string, accepted: string) => {
      const response = await get(`${plain}/welcome${path}`, { "accept-language": accepted });
      expect(await response.text()).toContain(
        `<html lang="${response.headers.get("content-language") ?? ""}">`,
      );
      return response.headers.get("content-language");
    };
    expect(await language("", "zh-CN,zh;q=0.9,en;q=0.8")).toBe("zh-Hans");
    expect(await language("?lang=en", "zh-CN")).toBe("en");
    expect(await language("?lang=zh", "en")).toBe("zh-Hans");
    expect(await language("?lang=xx", "de, zh-TW;q=0.5, en;q=0.1")).toBe("zh-Hans");
    expect(languageOf(null, null)).toBe("en");
    expect(languageOf("toString", "zh;q=0, en")).toBe("en");
    expect(languageOf(null, ";;q=,=, x;q=1")).toBe("en");
  });

  test.each(Object.entries(LANGUAGES))(
    "%s: what pictures say fits into them, and has its place",
    (_tag, { words }) => {
      for (const { steps, notes } of Object.values(words.platforms)) {
        expect(notes.length).toBeGreaterThan(0);
        expect(steps.some(({ get: file }) => file !== undefined)).toBe(true);
        for (const { picture } of steps) {
          if (picture === undefined) continue;
          const { rows, at, button } = picture;
          for (const row of rows)
            expect([wordOf(row), textWidth(wordOf(row)) <= roomFor(row)]).toEqual([wordOf(row), true]);
          expect([picture.title, textWidth(picture.title) < 196]).toEqual([picture.title, true]);
          // Something is to be touched, and it is there.
          expect(at === undefined ? button !== undefined : rows[at] !== undefined).toBe(true);
          expect(draw(picture, "x").match(/ here"/g)).toHaveLength(1);
        }
      }
    },
  );
});

describe("the authority as a file", () => {
  const file = async (name: string) => {
    const response = await get(`${plain}/welcome/${name}`);
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-cache"]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    return {
      type: response.headers.get("content-type"),
      disposition: response.headers.get("content-disposition"),
      bytes: Buffer.from(await response.arrayBuffer()),
    };
  };

  test("DER and PEM are the certificate that was given, and no key", async () => {
    const { raw } = new X509Certificate(pem);
    const der = await file("ca.crt");
    expect(der).toMatchObject({
      type: "application/x-x509-ca-cert",
      disposition: `attachment; filename="${NAME}.crt"`,
    });
    expect(der.bytes.equals(raw)).toBe(true);
    const text = await file("ca.pem");
    expect(text.type).toBe("application/x-pem-file");
    expect(text.bytes.toString()).not.toContain("KEY");
    expect(new X509Certificate(text.bytes).raw.equals(raw)).toBe(true);
  });

  test("the profile is a property list that installs this certificate as a root, each time the same", async () => {
    const { type, disposition, bytes } = await file("imcloud.mobileconfig");
    expect([type, disposition]).toEqual(["application/x-apple-aspen-config", null]);
    const script =
      "import json,plistlib,sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read()), default=lambda b: b.hex()))";
    const profile = JSON.parse(
      execFileSync("python3", ["-c", script], { input: bytes }).toString(),
    ) as Record<string, unknown>;
    const uuid = /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/;
    expect(profile).toEqual({
      PayloadType: "Configuration",
      PayloadVersion: 1,
      PayloadIdentifier: expect.stringMatching(/^imcloud\.authority\.[0-9a-f]{16}$/) as string,
      PayloadUUID: expect.stringMatching(uuid) as string,
      PayloadDisplayName: `imcloud authority of ${NAME}`,
      PayloadDescription: expect.stringContaining(NAME) as string,
      PayloadRemovalDisallowed: false,
      PayloadContent: [
        {
          PayloadType: "com.apple.security.root",
          PayloadVersion: 1,
          PayloadIdentifier: `${String(profile["PayloadIdentifier"])}.certificate`,
          PayloadUUID: expect.stringMatching(uuid) as string,
          PayloadDisplayName: `imcloud authority of ${NAME}`,
          PayloadCertificateFileName: "ca.crt",
          PayloadContent: new X509Certificate(pem).raw.toString("hex"),
        },
      ],
    });
    expect((await file("imcloud.mobileconfig")).bytes.equals(bytes)).toBe(true);
  });

  test("who has it already is told so", async () => {
    const etag = (await get(`${plain}/welcome/ca.crt`)).headers.get("etag") ?? "";
    const again = await get(`${plain}/welcome/ca.crt`, { "if-none-match": etag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });
});

describe("the plain listener", () => {
  test("leads from / to the page, and has nothing of the API", async () => {
    const root = await get(`${plain}/`);
    expect([root.status, root.headers.get("location")]).toEqual([302, "/welcome"]);
    expect((await get(`${plain}/welcome/`)).headers.get("location")).toBe("/welcome");
    for (const path of [
      ...["/_matrix/client/versions", "/.well-known/matrix/client", "/_imcloud/admin/v1/users", "/metrics"],
      ...["/health", "/welcome/ca.key", "/welcome/../etc/passwd", "/welcomes", "/index.html"],
    ]) {
      const response = await get(plain + path);
      expect([path, response.status, await response.text()]).toEqual([
        path,
        404,
        "nothing is here but /welcome\n",
      ]);
    }
  });

  test("only reads", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await get(`${plain}/welcome`, {}, method);
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "GET, HEAD"]);
    }
    for (const path of ["/welcome", "/welcome/ca.crt", "/nothing"])
      expect(await (await get(plain + path, {}, "HEAD")).text()).toBe("");
  });

  test("on the other listeners all else stays with the API", async () => {
    const post = await get(`${server.url}/welcome`, {}, "POST");
    expect([post.status, ((await post.json()) as { errcode: string }).errcode]).toEqual([
      404,
      "M_UNRECOGNIZED",
    ]);
    expect((await get(`${server.url}/welcome/nothing`)).status).toBe(404);
    expect((await get(`${server.url}/welcome/ca.crt`)).status).toBe(200);
  });
});

describe("a port that another program has", () => {
  test("stops nothing, is told of, and is taken once it is free", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const authorityFile = join(folder, "ca.pem");
    const taken = await startTestServer({
      registration: { mode: "token" },
      publicBaseUrl: BASE,
      logLevel: "error",
      metrics: { listener: { address: "127.0.0.1", port: 0 } },
      welcome: { authorityFile, listener: { address: "127.0.0.1", port } },
    });
    try {
      const health = await fetch(`${taken.url}/health`);
      expect([health.status, await health.json()]).toEqual([
        200,
        { status: "ok", troubles: { welcome: `port ${port} for the welcome page: another program has it` } },
      ]);
      expect(await taken.running.services.metrics.render()).toContain("\nimcloud_welcome_up 0\n");
      // Then the link leads to the chat itself.
      expect(await operatorOf(taken).post("/invitations", {})).toMatchObject({
        link: expect.stringMatching(/^https:\/\/board\.local:8448\/#\/join\/\w{16}$/) as string,
        trouble: expect.stringContaining("another program has it") as string,
      });
      // The same with a listener of its own, which looks more often.
      const welcome = new Welcome({ publicBaseUrl: BASE, welcome: { authorityFile } });
      const log = new Log("error");
      const listener = new WelcomeListener(
        { address: "127.0.0.1", port },
        ...([welcome, new WelcomePages(welcome, NAME), log, 20] as const),
      );
      listener.start();
      expect(welcome.trouble).toContain("another program has it");
      await new Promise<void>((resolve) => other.close(() => resolve()));
      const deadline = performance.now() + 10_000;
      while (welcome.port === undefined && performance.now() < deadline) await Bun.sleep(10);
      expect([welcome.port, welcome.trouble]).toEqual([port, undefined]);
      expect((await get(`http://127.0.0.1:${port}/welcome`)).status).toBe(200);
      await listener.stop(1_000);
    } finally {
      await taken.stop();
    }
  });

  test("where all is well, health and metrics say so", async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: "ok", troubles: {} });
    expect(await server.running.services.metrics.render()).toContain("\nimcloud_welcome_up 1\n");
  });
});

describe("an invitation", () => {
  const invite = (body: object) => operatorOf(server).post<Record<string, unknown>>("/invitations", body);

  test("is a token with the link that leads by way of the page, and what to compare", async () => {
    const expiresAt = Date.now() + 60_000;
    const invitation = await invite({ uses: 1, expires_at: expiresAt });
    const { port = 0 } = server.running.services.welcome;
    expect(invitation).toEqual({
      id: expect.any(String) as string,
      token: expect.stringMatching(/^\w{16}$/) as string,
      link: `http://board.local:${port}/welcome#/join/${String(invitation["token"])}`,
      address: `${BASE}/`,
      uses: 1,
      expires_at: expiresAt,
      fingerprint: [...fingerprintLines(new X509Certificate(pem).fingerprint256.replaceAll(":", ""))],
    });
    const register = await fetch(`${server.url}/_matrix/client/v3/register`, {
      method: "POST",
      body: JSON.stringify({
        ...{ username: "grace", password: "secret" },
        auth: { type: "m.login.registration_token", token: invitation["token"] },
      }),
    });
    expect(await register.json()).toMatchObject({ user_id: `@grace:${NAME}` });
  });

  test("on port 80 the link needs no port, and an IPv6 address its brackets", () => {
    const welcome = new Welcome({ publicBaseUrl: "https://[fd00::5]:8448", welcome: undefined });
    expect(welcome.linkOf("t")).toBe("https://[fd00::5]:8448/#/join/t");
    welcome.port = 80;
    expect(welcome.linkOf("t")).toBe("http://[fd00::5]/welcome#/join/t");
  });

  test("is for administrators, and only where tokens serve", async () => {
    const nobody = await fetch(`${server.url}/_imcloud/admin/v1/invitations`, { method: "POST", body: "{}" });
    expect(nobody.status).toBe(401);
    for (const [mode, why] of [
      ["closed", "registration is closed"],
      ["open", "registration is open"],
    ] as const) {
      const other = await startTestServer({ registration: { mode } });
      const error = await refusal(operatorOf(other).post("/invitations", {}));
      expect([error.code, String(error.body["error"])]).toEqual([
        "M_FORBIDDEN",
        expect.stringContaining(why) as string,
      ]);
      await other.stop();
    }
  });
});

test("where every device knows the authority, the page says so and leads on, and there are no files", async () => {
  const other = await startTestServer({
    serverName: "example.org",
    publicBaseUrl: "https://chat.example.org",
  });
  const page = await (await get(`${other.url}/welcome`)).text();
  expect(page).toContain("There is nothing to install");
  expect(page).toContain('href="https://chat.example.org/"');
  expect(elementsOf(page).some(({ name }) => name === "details")).toBe(false);
  expect((await get(`${other.url}/welcome/ca.crt`)).status).toBe(404);
  await other.stop();
});

test("a new authority is served after a reload; what is none stops the start, and keeps the old one later", async () => {
  const path = join(folder, "other.pem");
  writeFileSync(path, (await makeAuthority(NAME, undefined)).certificate);
  const other = await startTestServer({ serverName: NAME, welcome: { authorityFile: path } });
  const fingerprintOn = async () =>
    /class="print"[^>]*>([^/]*)/.exec(await (await get(`${other.url}/welcome`)).text())?.[1];
  const before = await fingerprintOn();
  writeFileSync(path, "no certificate");
  expect(() => other.running.reload()).toThrow("is not the authority's certificate");
  expect(await fingerprintOn()).toBe(before);
  writeFileSync(path, pem);
  other.running.reload();
  expect(await fingerprintOn()).not.toBe(before);
  await other.stop();
  // A certificate of a server vouches for nobody.
  expect(readFileSync(path, "utf8")).toBe(pem);
  writeFileSync(path, pem + pem);
  const refused = await startTestServer({ welcome: { authorityFile: path } }).then(
    () => "started",
    (error: unknown) => String(error),
  );
  expect(refused).toContain(`${path} is not the authority's certificate`);
});

test("names and addresses that are markup stay text", async () => {
  const nasty = await startTestServer({
    publicBaseUrl: `https://chat.example.org/"><script>alert(1)</script>&/`,
  });
  const page = await (await get(`${nasty.url}/welcome`)).text();
  expect(elementsOf(page).filter(({ name }) => name === "script")).toHaveLength(1);
  await nasty.stop();
});

test("the script carries an invitation to the links, and nothing that is none", () => {
  const invited = { hidden: true };
  const links = [{ hash: "" }, { hash: "" }];
  const at = (hash: string, userAgent = "x", touchPoints = 0) => {
    const done: string[] = [];
    const details = (id: string) => ({
      removeAttribute: () => done.push(`close ${id}`),
      setAttribute: () => done.push(`open ${id}`),
    });
    runInNewContext(SCRIPT, {
      location: { hash },
      navigator: { userAgent, maxTouchPoints: touchPoints },
      addEventListener: () => undefined,
      document: {
        getElementById: (id: string) => (id === "invited" ? invited : details(id)),
        querySelectorAll: () => links,
      },
    });
    return { isInvited: !invited.hidden, hashes: links.map((link) => link.hash), done };
  };
  expect(at("#/join/abc.def~1")).toEqual({
    isInvited: true,
    hashes: ["#/join/abc.def~1", "#/join/abc.def~1"],
    done: [],
  });
  for (const hash of ["", "#/join/", "#/join/a/b", "#/join/a%20b", `#/join/${"a".repeat(65)}`, "#/room/x"])
    expect(at(hash)).toEqual({ isInvited: false, hashes: ["", ""], done: [] });
  // An iPad.
  expect(at("", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 5).done).toEqual([
    "close macos",
    "open ios",
  ]);
  expect(at("", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)").done).toEqual([]);
});
