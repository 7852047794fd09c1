/**
 * A package archive of somebody's own: signed, added, installed from, and gone again; and one that signs with
 * another key than it was added with.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { createMessage, generateKey, sign } from "openpgp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyBoard } from "../../src/engine/apply.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { connect } from "./connect.js";
import { wishes } from "./wishes.js";

const CONTROL = [
  "Package: imcloud-hello",
  "Version: 1.0",
  "Architecture: all",
  "Maintainer: Nobody <nobody@example.org>",
  "Description: nothing but a name",
];
const ARCHIVE = "/srv/archive";
const hash = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");
const key = await generateKey({
  type: "rsa",
  rsaBits: 3072,
  userIDs: { name: "The archive's" },
  format: "object",
});

let folder = "";
let board: VirtualBoard;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-archive-"));
  board = await virtualBoard("kitchen");
  await makeArchive();
});
afterAll(async () => {
  await board[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** One package, one suite, one component; on the board's own disk, so that apt needs no network for it. */
async function makeArchive(): Promise<void> {
  const tree = join(folder, "tree");
  await execa("mkdir", ["-p", join(tree, "DEBIAN")]);
  await writeFile(join(tree, "DEBIAN", "control"), `${CONTROL.join("\n")}\n`);
  const deb = join(folder, "hello.deb");
  await execa("dpkg-deb", ["--root-owner-group", "--build", tree, deb]);
  const content = await readFile(deb);
  const packages = [
    ...CONTROL,
    "Filename: pool/hello.deb",
    `Size: ${content.length}`,
    `SHA256: ${hash(content)}`,
    "",
  ].join("\n");
  const release = [
    "Origin: nobody",
    "Suite: stable",
    "Codename: stable",
    "Architectures: amd64 all",
    "Components: main",
    `Date: ${new Date().toUTCString()}`,
    "SHA256:",
    ...["amd64", "all"].map((arch) => ` ${hash(packages)} ${packages.length} main/binary-${arch}/Packages`),
    "",
  ].join("\n");
  const signature = await sign({
    message: await createMessage({ binary: new TextEncoder().encode(release) }),
    signingKeys: key.privateKey,
    detached: true,
  });
  for (const [path, text] of [
    ["pool/hello.deb", content],
    ["dists/stable/main/binary-amd64/Packages", packages],
    ["dists/stable/main/binary-all/Packages", packages],
    ["dists/stable/Release", release],
    ["dists/stable/Release.gpg", signature],
  ] as const) {
    const base64 = Buffer.from(text).toString("base64");
    await board.sh(
      `mkdir -p "$(dirname ${ARCHIVE}/${path})" && printf %s '${base64}' | base64 -d > ${ARCHIVE}/${path}`,
    );
  }
}

const wanted = (armouredKey: string) => () =>
  Promise.resolve(
    wishes([
      [
        "apt-repository",
        {
          name: "own",
          uris: [`file://${ARCHIVE}`],
          suites: ["stable"],
          components: ["main"],
          key: armouredKey,
        },
      ],
      ["package", { names: ["imcloud-hello"] }],
    ]),
  );

test("an archive that another key has signed gives nothing", async () => {
  const stranger = await generateKey({ userIDs: { name: "Another" }, format: "object" });
  const transport = await connect(board);
  const result = await applyBoard({ transport, resolve: wanted(stranger.publicKey.armor()) });
  expect(result.error?.code).toBe("engine.step-failed");
  expect(result.error?.details.found).toMatch(/NO_PUBKEY|not signed|Missing key/);
  expect(await board.sh("dpkg-query -W imcloud-hello 2> /dev/null || true")).toBe("");
  await transport.close();
});

test("with the right key its package is installed, and the next run has nothing to do", async () => {
  const transport = await connect(board);
  const resolve = wanted(key.publicKey.armor());
  const result = await applyBoard({ transport, resolve });
  expect(result.error?.details.found).toBeUndefined();
  expect(await board.sh("dpkg-query -W -f '${Version}' imcloud-hello")).toBe("1.0");
  expect(await applyBoard({ transport, resolve })).toMatchObject({ outcome: "unchanged" });

  await applyBoard({ transport, resolve: () => Promise.resolve([]), prune: true });
  expect(await board.sh("ls /etc/apt/sources.list.d /etc/apt/keyrings | grep imcloud || true")).toBe("");
  expect(await board.sh("dpkg-query -W -f '${Version}' imcloud-hello 2> /dev/null || true")).toBe("");
  await transport.close();
});
