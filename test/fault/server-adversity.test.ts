/**
 * What a server does whose disk is full, whose file system the kernel has made read-only, whose clock jumps, and to
 * which everybody comes back at once: what it has acknowledged stays, what it cannot do it refuses in the
 * specification's words, and it goes on as soon as it can.
 */
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import {
  callServer,
  ended,
  register,
  startServerProcess,
  type Account,
  type ServerProcess,
} from "../bench/server-process.js";
import { ALL_THERE, judge, readMessages, startTraffic, type Call } from "./traffic.js";

const at = encodeURIComponent;
const SENDERS = 4;
const DISK_BYTES = 64 * 1024 * 1024;
/** Several pages of the database: a third of what one event may have. */
const LARGE = "x".repeat(20_000);
const RECONNECTING = process.env["IMCLOUD_FAULT"] === "long" ? 5_000 : 1_000;

interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  /** `loop0` */
  readonly device: string;
  /** As an administrator does after the kernel has made it read-only. */
  repair(): Promise<void>;
}

/** A file system in a file, which the kernel makes read-only when it meets an error, as Raspberry Pi OS has its card. */
async function smallDisk(): Promise<SmallDisk> {
  const place = await mkdtemp(join(tmpdir(), "imcloud-adversity-"));
  const [image, folder] = [join(place, "disk"), join(place, "mounted")];
  const file = await open(image, "w");
  await file.truncate(DISK_BYTES);
  await file.close();
  await execa("mke2fs", ["-q", "-t", "ext4", "-e", "remount-ro", "-m", "0", image]);
  const { stdout: device } = await execa("losetup", ["--find", "--show", image]);
  await mkdir(folder);
  await execa("mount", [device, folder]);
  return {
    folder,
    device: device.replace("/dev/", ""),
    async repair() {
      await execa("umount", [folder]);
      // 1: errors were corrected. Source: e2fsck(8).
      const { exitCode } = await execa("e2fsck", ["-p", "-f", device], { reject: false });
      expect(exitCode).toBeLessThanOrEqual(1);
      await execa("mount", [device, folder]);
    },
    async [Symbol.asyncDispose]() {
      await execa("umount", [folder]);
      await execa("losetup", ["--detach", device]);
      await rm(place, { recursive: true });
    },
  };
}

/** People who write into a room of a server whose data are on a disk. */
async function busyOn({ folder }: SmallDisk) {
  const server = await startServerProcess({}, [], folder);
  const chat = await gather(server);
  const now = { server };
  const call: Call = (...words) => callServer(now.server.url, ...words);
  const traffic = startTraffic(call, chat.people, chat.roomId);
  return {
    chat,
    call,
    traffic,
    get server() {
      return now.server;
    },
    async restart() {
      now.server = await startServerProcess({}, [], folder);
    },
    async verdict() {
      return judge(traffic.acknowledged, await readMessages(call, chat.people[0], chat.roomId));
    },
    async [Symbol.asyncDispose]() {
      await ended(now.server.process, "SIGTERM");
    },
  };
}

interface Chat {
  readonly people: readonly [Account, ...Account[]];
  readonly roomId: string;
}

async function gather({ url }: ServerProcess): Promise<Chat> {
  const people = (await Promise.all(
    Array.from({ length: SENDERS }, (_, index) => register(url, `sender${index}`)),
  )) as [Account, ...Account[]];
  const made = await callServer(url, "POST", "createRoom", people[0].token, { preset: "public_chat" });
  const roomId = String(made["room_id"]);
  for (const { token } of people.slice(1))
    await callServer(url, "POST", `rooms/${at(roomId)}/join`, token, {});
  return { people, roomId };
}

/** Sends large messages until one is refused. @returns what the server says then */
async function untilRefused({ url }: ServerProcess, { people: [{ token }], roomId }: Chat) {
  for (let count = 0; count < 2 * (DISK_BYTES / LARGE.length); count += 1) {
    const response = await fetch(`${url}/_matrix/client/v3/rooms/${at(roomId)}/send/m.large/large-${count}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ text: LARGE }),
    });
    const body: unknown = await response.json();
    if (response.status !== 200) return { status: response.status, body };
  }
  throw new Error("the disk was never full");
}

const refusalBy = (trouble: string) => ({
  status: 503,
  body: { errcode: "M_UNKNOWN", error: `the server cannot store anything now: ${trouble}` },
});

async function health({ url }: ServerProcess): Promise<unknown> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: await response.json() };
}

const unready = (trouble: string) => ({
  status: 503,
  body: { status: "unready", troubles: { store: trouble } },
});

describe("a disk that fails", () => {
  test("is full: what is new is refused, what is old is shown, and it goes on once there is room", async () => {
    await using disk = await smallDisk();
    await using cloud = await busyOn(disk);
    const { call, chat, traffic } = cloud;
    await traffic.further(100);
    const filler = join(disk.folder, "filler");
    await execa("dd", ["if=/dev/zero", `of=${filler}`, "bs=64K"], { reject: false });
    expect(await untilRefused(cloud.server, chat)).toEqual(refusalBy("the disk is full"));
    const page = `rooms/${at(chat.roomId)}/messages?dir=b&limit=5`;
    expect((await call("GET", page, chat.people[0].token))["chunk"]).toHaveLength(5);

    // A power cut does not make it worse: it starts, and shows what is there.
    await ended(cloud.server.process, "SIGKILL");
    await cloud.restart();
    expect((await call("GET", page, chat.people[0].token))["chunk"]).toHaveLength(5);

    await rm(filler);
    await traffic.further(100);
    await traffic.stop();
    expect(await health(cloud.server)).toMatchObject({ status: 200 });
    expect(await cloud.verdict()).toEqual(ALL_THERE);
  });

  test("has turned read-only: nothing acknowledged is lost, and it goes on once that is repaired", async () => {
    await using disk = await smallDisk();
    await using cloud = await busyOn(disk);
    const { call, chat, traffic } = cloud;
    await traffic.further(100);
    // With nothing under way: of a write that is, Linux 6.18 says now and then that it is done, and has lost it.
    await traffic.stop();
    await writeFile(`/sys/fs/ext4/${disk.device}/trigger_fs_error`, "a test's");
    const refused = await untilRefused(cloud.server, chat);
    expect([refusalBy("the disk is read-only"), refusalBy("the disk fails")]).toContainEqual(refused);
    expect([unready("the disk is read-only"), unready("the disk fails")]).toContainEqual(
      await health(cloud.server),
    );

    await ended(cloud.server.process, "SIGTERM");
    await disk.repair();
    await cloud.restart();
    await call("PUT", `rooms/${at(chat.roomId)}/send/x.after/1`, chat.people[0].token, {});
    expect(await cloud.verdict()).toEqual(ALL_THERE);
  });
});

test("a clock that jumps a year ahead and back again stops nobody, and puts nothing out of order", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-clock-"));
  const clock = join(folder, "clock");
  await writeFile(clock, "+0");
  // libfaketime reads the file at each look at the clock; what runs by itself, as timers do, is left alone.
  const server = await startServerProcess(
    {},
    [
      "env",
      `LD_PRELOAD=/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/faketime/libfaketimeMT.so.1`,
      ...[`FAKETIME_TIMESTAMP_FILE=${clock}`, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"],
    ],
    folder,
  );
  try {
    const chat = await gather(server);
    const [{ token }] = chat.people;
    const call: Call = (...words) => callServer(server.url, ...words);
    const traffic = startTraffic(call, chat.people, chat.roomId);
    let { next_batch: since } = await call("GET", "sync?timeout=0", token);
    const sentAt: number[] = [];
    for (const offset of ["+0", "+365d", "-365d", "+0"]) {
      await writeFile(clock, offset);
      await traffic.further(50);
      const { event_id } = await call(
        "PUT",
        `rooms/${at(chat.roomId)}/send/x.clock/${sentAt.length}`,
        token,
        {},
      );
      const event = await call("GET", `rooms/${at(chat.roomId)}/event/${at(String(event_id))}`, token);
      sentAt.push(Number(event["origin_server_ts"]));
      const answer = await call("GET", `sync?timeout=10000&since=${String(since)}`, token);
      expect(answer["rooms"]).toHaveProperty("join");
      since = answer["next_batch"];
    }
    await traffic.stop();
    // The test's own control: the server did see another year.
    const years = sentAt.map((ms) => Math.round((ms - Date.now()) / (365 * 86_400_000)) + 0);
    expect(years).toEqual([0, 1, -1, 0]);
    expect(judge(traffic.acknowledged, await readMessages(call, chat.people[0], chat.roomId))).toEqual(
      ALL_THERE,
    );
  } finally {
    await ended(server.process, "SIGTERM");
    await rm(folder, { recursive: true });
  }
});

test(`${RECONNECTING} who wait are all back after a restart, and hear what is said next`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-reconnect-"));
  let server = await startServerProcess({}, [], folder);
  try {
    const chat = await gather(server);
    const [{ token }] = chat.people;
    const { next_batch: since } = await callServer(server.url, "GET", "sync?timeout=0", token);
    const wait = () => callServer(server.url, "GET", `sync?timeout=60000&since=${String(since)}`, token);
    const everybody = () => Array.from({ length: RECONNECTING }, wait);
    const cut = everybody().map((waiting) =>
      waiting.then(
        () => "answered",
        () => "cut",
      ),
    );
    await ended(server.process, "SIGKILL");
    expect(new Set(await Promise.all(cut))).toEqual(new Set(["cut"]));
    server = await startServerProcess({}, [], folder);
    const back = everybody();
    await callServer(server.url, "PUT", `rooms/${at(chat.roomId)}/send/x.news/1`, token, {});
    const heard = await Promise.all(back);
    expect(heard.filter((answer) => JSON.stringify(answer).includes("x.news"))).toHaveLength(RECONNECTING);
  } finally {
    await ended(server.process, "SIGTERM");
    await rm(folder, { recursive: true });
  }
});
