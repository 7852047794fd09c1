/**
 * The operator: a home of their own, an `imcloud.yaml`, and the built CLI, exactly as a person would run it.
 *
 * @example
 * await using kitchen = await virtualBoard("kitchen");
 * await using home = await operator({ boards: [kitchen], playbook: "- sysctl: { key: vm.swappiness, value: 10 }" });
 * const { exitCode, json } = await home.imcloud("apply", "--yes", "--json");
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { terminal, type Terminal } from "./terminal.js";

/** What an operator needs of a board, be it virtual or emulated. */
type OperatedBoard = Pick<
  VirtualBoard,
  "name" | "address" | "port" | "user" | "sshKeyPath" | "fingerprint" | "sh"
>;

export interface OperatorOptions {
  readonly boards: readonly OperatedBoard[];
  /** The tasks of a playbook of the operator's own, in YAML; then it is the only one. */
  readonly playbook?: string;
  /** Names for `playbooks:`, when there is no {@link playbook}; none given: imcloud's default. */
  readonly playbooks?: readonly string[];
  /** Goes over the top level of the generated `imcloud.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** True: an empty folder, as before `imcloud init`. */
  readonly empty?: boolean;
  /** Further files beside `imcloud.yaml`, by their path there. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the command reads; none: end of file at once. */
  readonly input?: string;
  readonly deadlineMs?: number;
}

/** How a command ended. */
export class Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(exitCode: number, stdout: string, stderr: string) {
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** stdout as one JSON document. @throws SyntaxError when it is none */
  get json(): Readonly<Record<string, unknown>> {
    return JSON.parse(this.stdout) as Record<string, unknown>;
  }
}

const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");
const DEADLINE_MS = 280_000;

/** Prints where a board has the text that comes by stdin: as an argument, the text would be a trace itself. */
const SEARCH = `
cat >/dev/shm/search
find / \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type f -print0 |
  xargs -0 grep -lsF -f /dev/shm/search
grep -lsF -f /dev/shm/search /proc/[0-9]*/cmdline
rm /dev/shm/search`;

/** Makes the operator's folder; nothing is run yet. */
export async function operator(options: OperatorOptions): Promise<Operator> {
  const root = await mkdtemp(join(tmpdir(), "imcloud-home-"));
  const home = new Operator(root, options.boards);
  await mkdir(home.folder);
  const secretsMode = 0o600;
  const files: Readonly<Record<string, string>> = {
    ...(options.empty !== true && { "imcloud.yaml": stringify(configOf(options)) }),
    ...(options.playbook !== undefined && { "playbooks/test.yaml": playbookOf(options.playbook) }),
    ...options.files,
  };
  for (const [path, content] of Object.entries(files)) await home.write(path, content);
  if (options.secrets !== undefined) {
    const path = join(home.folder, "imcloud.secrets.yaml");
    await writeFile(path, stringify(options.secrets), { mode: secretsMode });
  }
  return home;
}

export class Operator implements AsyncDisposable {
  /** Where `imcloud.yaml` is. */
  readonly folder: string;
  readonly #root: string;
  readonly #boards: readonly OperatedBoard[];
  readonly #outputs: { readonly command: string; readonly text: string }[] = [];

  constructor(root: string, boards: readonly OperatedBoard[]) {
    this.#root = root;
    this.folder = join(root, "cloud");
    this.#boards = boards;
  }

  /** Runs a command to its end, without a terminal. A status other than 0 is a result, not an error. */
  async imcloud(...args: readonly (string | RunOptions)[]): Promise<Run> {
    const words = args.filter((word) => typeof word === "string");
    const result = await this.start(...args);
    this.#outputs.push({ command: words.join(" "), text: `${result.stdout}\n${result.stderr}` });
    const { stdout, stderr } = result;
    if (result.timedOut)
      throw new Error(`imcloud ${words.join(" ")} did not end in time\n${stdout}\n${stderr}`);
    return new Run(result.exitCode ?? 128, stdout, stderr);
  }

  /** Starts a command, for a test that kills it, signals it or follows its output. */
  start(...args: readonly (string | RunOptions)[]): ReturnType<typeof launch> {
    const words = args.filter((word) => typeof word === "string");
    const {
      env = {},
      input = "",
      deadlineMs = DEADLINE_MS,
    } = args.find((word) => typeof word === "object") ?? {};
    return launch(words, this.folder, { ...this.environment, ...env }, input, deadlineMs);
  }

  /** Runs a command in a real pseudo-terminal. */
  terminal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Terminal {
    return terminal([process.execPath, CLI, ...args], this.folder, {
      ...this.environment,
      ...env,
      TERM: "xterm-256color",
    });
  }

  /** A file of the operator's folder. */
  async read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8");
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), content);
  }

  /**
   * Where a text is to be found: in what commands printed, in the operator's folder, on the boards' disks and in the
   * argument lists of their processes.
   *
   * @returns `output:COMMAND`, `home:PATH`, `BOARD:/PATH`, `BOARD:/proc/PID/cmdline`; sorted
   */
  async tracesOf(text: string): Promise<readonly string[]> {
    const printed = this.#outputs
      .filter((output) => output.text.includes(text))
      .map(({ command }) => `output:${command}`);
    const search = ["-rlF", "--no-messages", "--file=-"];
    const home = await execa("grep", [...search, "."], { cwd: this.#root, input: text, reject: false });
    const found = home.stdout.split("\n").filter((path) => path !== "");
    const onBoards = await Promise.all(
      this.#boards.map(async (board) => {
        const paths = await board.sh(SEARCH, text);
        return paths
          .split("\n")
          .filter((path) => path !== "")
          .map((path) => `${board.name}:${path}`);
      }),
    );
    return [
      ...printed,
      ...found.map((path) => `home:${path.replace(/^\.\/cloud\//, "")}`),
      ...onBoards.flat(),
    ].sort();
  }

  /** Nothing of the person who runs the tests: no keys, agent, known hosts or settings. The download caches are shared. */
  get environment(): Readonly<Record<string, string>> {
    const kept = [
      "PATH",
      "LANG",
      "LC_ALL",
      "IMCLOUD_LAB_FOLDER",
      "IMCLOUD_LAB_NETWORK",
      "IMCLOUD_FLASH_ONLY",
    ];
    const registry = Object.keys(process.env).filter((name) => /^npm_config_(registry|cafile)$/i.test(name));
    return {
      ...Object.fromEntries(
        [...kept, ...registry].flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      HOME: this.#root,
      XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
      NPM_CONFIG_USERCONFIG: process.env["NPM_CONFIG_USERCONFIG"] ?? join(homedir(), ".npmrc"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true });
  }
}

function launch(
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  input: string,
  timeout: number,
) {
  return execa(process.execPath, [CLI, ...words], {
    cwd,
    env,
    input,
    timeout,
    reject: false,
    extendEnv: false,
  });
}

function configOf({ boards, playbook, playbooks, config }: OperatorOptions): Record<string, unknown> {
  return {
    version: 1,
    cloud: { name: "test" },
    boards: Object.fromEntries(
      boards.map(({ name, address, port, user, sshKeyPath, fingerprint }) => [
        name,
        { address, port, user, identityFile: sshKeyPath, hostKey: fingerprint },
      ]),
    ),
    ...(playbooks !== undefined && { playbooks }),
    ...(playbook !== undefined && { playbooks: ["test"] }),
    ...config,
  };
}

function playbookOf(tasks: string): string {
  const indented = tasks.trim().replaceAll(/^/gm, "  ");
  return `description: what this test is about\ntasks:\n${indented}\n`;
}
