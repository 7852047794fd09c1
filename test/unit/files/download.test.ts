/**
 * Downloads from real servers that break off, lie, or are behind a proxy.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { download, downloadText, NotServed, WrongChecksum } from "../../../src/files/download.js";
import { files, webServer } from "./web-server.js";

const CONTENT = randomBytes(300_000);
const SUM = createHash("sha512").update(CONTENT).digest("hex");
const SUMMED = { checksum: { algorithm: "sha512", digits: SUM } } as const;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-download-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
const target = () => join(folder, "archive.tgz");

async function sizeOfPart(): Promise<number> {
  const [part = "none"] = await readdir(folder);
  return (await stat(join(folder, part))).size;
}

test("a file comes whole, and nothing else stays", async () => {
  await using server = await webServer(files({ "/a": CONTENT }));
  await download(`${server.url}/a`, target(), SUMMED);
  expect(await readFile(target())).toEqual(CONTENT);
  expect(await readdir(folder)).toEqual(["archive.tgz"]);
});

test("a connection that breaks is carried on from, not begun anew", async () => {
  const serve = files({ "/a": CONTENT });
  await using server = await webServer((request, response) => {
    if (request.headers.range !== undefined) {
      serve(request, response);
      return;
    }
    response.writeHead(200, { "content-length": CONTENT.length });
    response.write(CONTENT.subarray(0, 100_000));
    // A connection that is reset takes with it what has arrived and was not read.
    void vi
      .waitFor(async () => expect(await sizeOfPart()).toBeGreaterThan(0))
      .finally(() => response.destroy());
  });
  await download(`${server.url}/a`, target(), SUMMED);
  expect(await readFile(target())).toEqual(CONTENT);
  expect(server.requests).toEqual(["/a", expect.stringMatching(/^\/a bytes=[1-9]\d*-$/)]);
});

test("what a killed command left is carried on from, if its process is no more", async () => {
  await using server = await webServer(files({ "/a": CONTENT }));
  const { pid } = spawnSync("true");
  await writeFile(`${target()}.${pid}.part`, CONTENT.subarray(0, 250_000));
  await download(`${server.url}/a`, target(), SUMMED);
  expect(server.requests).toEqual(["/a bytes=250000-"]);
  expect(await readdir(folder)).toEqual(["archive.tgz"]);

  await rm(target());
  await writeFile(`${target()}.1.part`, "of somebody who is at it");
  await download(`${server.url}/a`, target(), SUMMED);
  expect(await readdir(folder)).toEqual(["archive.tgz", "archive.tgz.1.part"]);
});

test("a server that knows no ranges begins anew", async () => {
  await using server = await webServer((_request, response) => response.end(CONTENT));
  await writeFile(`${target()}.${process.pid}.part`, "something");
  await download(`${server.url}/a`, target(), SUMMED);
  expect(await readFile(target())).toEqual(CONTENT);
});

test("a part that was whole already needs no more than its checksum", async () => {
  await using server = await webServer(files({ "/a": CONTENT }));
  await writeFile(`${target()}.${process.pid}.part`, CONTENT);
  await download(`${server.url}/a`, target(), SUMMED);
  expect(server.requests).toEqual([`/a bytes=${CONTENT.length}-`]);
});

test("what has another checksum is not kept", async () => {
  await using server = await webServer(files({ "/a": "something else" }));
  const found = createHash("sha512").update("something else").digest("hex");
  await expect(download(`${server.url}/a`, target(), SUMMED)).rejects.toMatchObject({
    name: new WrongChecksum("", "", "").name,
    found,
  });
  expect(await readdir(folder)).toEqual([]);
});

test("a text that comes in pieces is waited for", async () => {
  await using server = await webServer((_request, response) => {
    response.write("first, ");
    setTimeout(() => response.end("last"), 50);
  });
  expect(await downloadText(server.url)).toBe("first, last");
});

test("a server that has no such file is asked once", async () => {
  await using server = await webServer(files({}));
  await expect(download(`${server.url}/a`, target(), SUMMED)).rejects.toThrow(NotServed);
  expect(server.requests).toEqual(["/a"]);
});

test("the proxy of the environment is gone through, but for hosts that need none", async () => {
  await using server = await webServer(files({ "/a": CONTENT }));
  const asked: (string | undefined)[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    asked.push(request.url);
    const { hostname, port } = new URL(`http://${request.url ?? ""}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    vi.stubEnv("no_proxy", "");
    vi.stubEnv("NO_PROXY", "");
    vi.stubEnv("http_proxy", `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    await download(`${server.url}/a`, target(), SUMMED);
    expect(asked).toEqual([new URL(server.url).host]);

    vi.stubEnv("no_proxy", "127.0.0.1");
    await rm(target());
    await download(`${server.url}/a`, target(), SUMMED);
    expect(asked).toHaveLength(1);
  } finally {
    proxy.close();
  }
});
