/**
 * A foreign client in Rust, matrix-sdk in sliding sync, through a day: see test/clients/rust.
 *
 * usage: rust-day.ts PROGRAM
 *
 * IMCLOUD_TRACE names a file that gets a line for each request, with its answer.
 *
 * Between the client and the server is a listener that lets everything through, and looks at it: each answer has to be
 * as the specification says, and none may be an error of the server's own. Ends with one line of tally.
 */
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { MagickFormat } from "@imagemagick/magick-wasm";
import { Checker } from "../conformance/checker.js";
import { picture } from "./pictures.js";
import { operatorOf, startTestServer, type TestServer } from "./test-server.js";

/** Where the client asks the listener for another server in the place of this one, on the same data. */
const RESTART = "/restart";

/** The client asks for these and does without: media servers for calls, of which this server knows none. */
const OPTIONAL: readonly RegExp[] = [/\/org\.matrix\.msc4143\/rtc\/transports$/];

const TRACE = process.env["IMCLOUD_TRACE"];

const checker = new Checker();
let validated = 0;
const problems = new Map<string, number>();
const unknown = new Map<string, number>();
const more = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** Ids and names apart, so that the same fault is counted once. */
const shapeOf = (path: string) =>
  path
    .split("/")
    .map((part) => (/^[a-z0-9_.]{1,60}$|^$/i.test(decodeURIComponent(part)) ? part : "{}"))
    .join("/");

async function look(request: Request, path: string, response: Response, bytes: ArrayBuffer): Promise<void> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  const body = isJson ? (JSON.parse(new TextDecoder().decode(bytes)) as unknown) : undefined;
  const { method } = request;
  const { status } = response;
  const code = (body as { errcode?: string } | undefined)?.errcode;
  const name = `${method} ${shapeOf(path)}`;
  if (TRACE !== undefined)
    appendFileSync(
      TRACE,
      `${new Date().toISOString()} ${method} ${request.url} ${status} ${JSON.stringify(body)}\n`,
    );
  if (status >= 500) more(problems, `${status}: ${name}`);
  if (code === "M_UNRECOGNIZED" && !OPTIONAL.some((one) => one.test(path))) more(unknown, name);
  const verdict = await checker.check({ method, path, status, isHostile: false, body });
  if (verdict?.isValidated === true) validated += 1;
  if (verdict?.fault !== undefined) more(problems, `${verdict.operation}, ${status}: ${verdict.fault}`);
}

const folder = mkdtempSync(join(tmpdir(), "imcloud-rust-"));
let server: TestServer | undefined;

const listener = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 64 * 1024 * 1024,
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === RESTART) {
      await server?.stop();
      server = await begin();
      return new Response();
    }
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set("accept-encoding", "identity");
    const body = request.body === null ? undefined : await request.arrayBuffer();
    const asked = { method: request.method, headers, signal: request.signal, ...(body && { body }) };
    let response: Response;
    try {
      response = await fetch(`${server?.url}${pathname}${search}`, { ...asked, redirect: "manual" });
    } catch {
      // Either the client has gone, or the server is just starting anew.
      return new Response(undefined, { status: 502 });
    }
    const bytes = await response.arrayBuffer();
    await look(request, pathname, response, bytes);
    return new Response(bytes, response);
  },
});
const url = `http://127.0.0.1:${listener.port}`;

function begin(): Promise<TestServer> {
  return startTestServer({
    publicBaseUrl: url,
    registration: { mode: "token" },
    store: { kind: "sqlite", path: join(folder, "imcloud.sqlite") },
  });
}

/** @returns its exit code */
function run(program: string, settings: Readonly<Record<string, string>>): Promise<number | null> {
  const child = spawn(program, {
    env: { ...process.env, RUST_BACKTRACE: "0", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => console.log(line));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

/** @returns whether the client was content */
async function day(program: string): Promise<boolean> {
  try {
    server = await begin();
    const admin = operatorOf({ url: server.url, folder });
    const { token } = await admin.post<{ token: string }>("/registration-tokens", { uses: 3 });
    writeFileSync(join(folder, "picture.png"), picture(MagickFormat.Png, 640, 360));
    const code = await run(program, {
      SERVER_URL: url,
      RESTART_URL: `${url}${RESTART}`,
      REGISTRATION_TOKEN: token,
      FOLDER: join(folder, "clients"),
      PICTURE: join(folder, "picture.png"),
    });
    return code === 0;
  } finally {
    await listener.stop(true);
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [program = ""] = process.argv.slice(2);
const isPassed = await day(program);
for (const [name, times] of unknown) console.log(`not there: ${name} (${times})`);
for (const [problem, times] of problems) console.log(`fault: ${problem} (${times})`);
if (!checker.hasSpecification) console.log("there is no specification here: no answer was validated");
console.log(
  `rust day: ${isPassed ? "passed" : "FAILED"}, ${problems.size} faults, ${validated} responses validated`,
);
if (!isPassed || problems.size > 0) process.exitCode = 1;
