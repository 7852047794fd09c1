/**
 * What boards stand on: packages, network, apt cache, base. Made when the first board is asked for, taken down with
 * the last one, put in order after a crash.
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aptCacheUrl, startAptCache, stopAptCache } from "./apt-cache.js";
import { boardFiles, writeBoardFiles, type BoardFile } from "./board-files.js";
import {
  claimNumber,
  readRecords,
  removeBoardFolder,
  writeRecord,
  type BoardRecord,
} from "./board-record.js";
import { ensureLabKey, makeHostKeys } from "./host-keys.js";
import { boardPlace, type LabLayout } from "./layout.js";
import { withLock } from "./lock.js";
import { installPrograms, requireMachine } from "./machine.js";
import { machineMirror, type Mirror, type Suite } from "./mirror.js";
import { startNetwork, stopNetwork } from "./network.js";
import { cutPower, removeCgroups, runningLauncher } from "./power.js";
import { isAlive, type ProcessIdentity } from "./processes.js";
import { ensureBase, labTemplates, removeOldBases } from "./rootfs.js";

export interface BoardRequest {
  readonly name: string;
  readonly suite: Suite;
  /** Installed in the base already, for what a test needs and is not about. */
  readonly packages: readonly string[];
  readonly user: string;
  readonly model: string;
  readonly memoryMb: number;
  readonly memoryLimited: boolean;
  readonly osRelease?: string;
  /** Further files of the board's first boot; they win over the lab's own. */
  readonly files: readonly BoardFile[];
  readonly owner: ProcessIdentity | null;
}

export type Progress = (line: string) => void;

/**
 * Makes boards, and before that whatever of the lab is missing. They are off.
 *
 * @throws ImcloudError `lab.unavailable`, `lab.failed`
 */
export async function makeBoards(
  lab: LabLayout,
  requests: readonly BoardRequest[],
  onProgress: Progress,
): Promise<readonly BoardRecord[]> {
  await requireMachine();
  return withLock(lab.lockFile, onProgress, async () => {
    await prepare(lab, onProgress);
    const bases = new Map<string, Base>();
    for (const request of requests) {
      if (!bases.has(baseKey(request)))
        bases.set(baseKey(request), await prepareBase(lab, request, onProgress));
    }
    // One by one: addresses in the order in which the boards were named.
    const numbers: number[] = [];
    for (const _ of requests) numbers.push(await claimNumber(lab));
    return Promise.all(
      requests.map((request, index) => {
        const [base, number] = [bases.get(baseKey(request)), numbers[index]];
        if (base === undefined || number === undefined) throw new Error(`no base of ${baseKey(request)}`);
        return makeBoard(lab, number, request, base);
      }),
    );
  });
}

/** Puts the lab in order for boards that exist but are off, as all are after the machine itself has restarted. */
export async function prepareLab(lab: LabLayout, onProgress: Progress): Promise<void> {
  await requireMachine();
  await withLock(lab.lockFile, onProgress, async () => {
    await prepare(lab, onProgress);
    const suites = (await readRecords(lab)).flatMap(({ record }) => record?.suite ?? []);
    const mirrors = await Promise.all([...new Set(suites)].map(machineMirror));
    await startAptCache(
      lab,
      mirrors.flatMap(({ sources }) => sources),
    );
  });
}

async function prepare(lab: LabLayout, onProgress: Progress): Promise<void> {
  await installPrograms(onProgress);
  await removeLitter(lab);
  await startNetwork(lab);
}

const baseKey = ({ suite, packages }: BoardRequest) => [suite, ...packages].join(" ");

/** A base, and what boards made of it take over from the machine's apt. */
interface Base {
  readonly root: string;
  readonly mirror: Mirror;
  readonly authorizedKey: string;
}

async function prepareBase(
  lab: LabLayout,
  { suite, packages }: BoardRequest,
  onProgress: Progress,
): Promise<Base> {
  const mirror = await machineMirror(suite);
  await startAptCache(lab, mirror.sources);
  const root = await ensureBase(lab, suite, packages, mirror, onProgress);
  const inUse = (await readRecords(lab)).flatMap(({ record }) => record?.base ?? []);
  await removeOldBases(lab, new Set([root, ...inUse]));
  return { root, mirror, authorizedKey: await ensureLabKey(lab.sshKeyPath) };
}

/** Cuts the boards' power and forgets them; with the last board goes the lab. */
export async function removeBoards(
  lab: LabLayout,
  numbers: readonly number[],
  onProgress: Progress = () => undefined,
): Promise<void> {
  await withLock(lab.lockFile, onProgress, async () => {
    await Promise.all(numbers.map((number) => removeBoard(lab, number)));
    await removeLitter(lab);
    if ((await readRecords(lab)).length > 0) return;
    await stopAptCache(lab);
    await stopNetwork(lab);
    await removeCgroups(lab.cgroup);
  });
}

async function makeBoard(
  lab: LabLayout,
  number: number,
  request: BoardRequest,
  base: Base,
): Promise<BoardRecord> {
  const place = boardPlace(lab, number);
  const hostKeys = await makeHostKeys(request.name);
  const own = boardFiles({
    hostname: request.name,
    machineId: randomBytes(16).toString("hex"),
    authorizedKey: base.authorizedKey,
    aptProxyUrl: aptCacheUrl(lab),
    aptOptions: base.mirror.aptOptions,
    model: request.model,
    memoryMb: request.memoryMb,
    hostKeys: hostKeys.files,
    ...(request.osRelease !== undefined && { osRelease: request.osRelease }),
  });
  // A copy of its own: a shell reads its script as it goes, and must not read on from another release's.
  await copyFile(join(labTemplates(), "launch.sh"), place.launchScript);
  await mkdir(place.upper, { mode: 0o755 });
  await writeBoardFiles(base.root, place.upper, [...own, ...request.files]);
  await writeFile(join(place.folder, "known_hosts"), `${place.address} ${hostKeys.publicKey}\n`);

  const { name, suite, user, model, memoryMb, memoryLimited, owner } = request;
  const record: BoardRecord = {
    ...{ number, name, suite, base: base.root, user, model, memoryMb, memoryLimited, owner },
    hostKey: hostKeys.publicKey,
    fingerprint: hostKeys.fingerprint,
    createdAt: new Date().toISOString(),
  };
  await writeRecord(lab, record);
  return record;
}

/** Under the lock nobody else is making a board: one without a record, or whose owner has died, is litter. */
async function removeLitter(lab: LabLayout): Promise<void> {
  for (const { number, record } of await readRecords(lab)) {
    const wanted = record !== undefined && (record.owner === null || (await isAlive(record.owner)));
    if (!wanted) await removeBoard(lab, number);
  }
}

async function removeBoard(lab: LabLayout, number: number): Promise<void> {
  await cutPower(lab, number);
  await removeCgroups(boardPlace(lab, number).cgroup);
  await removeBoardFolder(lab, number);
}

/** Whether the board has power. */
export async function isOn(lab: LabLayout, number: number): Promise<boolean> {
  return (await runningLauncher(lab, number)) !== undefined;
}
