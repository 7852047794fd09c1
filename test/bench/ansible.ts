/**
 * The baseline: Debian's ansible-core, set to go as fast as it can.
 *
 * It may keep its SSH connection from one run to the next (ControlPersist, its default), and is told where Python
 * is; imcloud gets neither.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";

const FOLDER = join(packageRoot(), "test", "bench", "noop");
/** What Ansible needs on a board; imcloud needs nothing. */
export const ANSIBLE_PACKAGES = ["python3", "python3-apt"];

export class Ansible implements AsyncDisposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Installs Ansible if need be, and writes an inventory of the boards. */
  static async prepare(boards: readonly VirtualBoard[], say: (line: string) => void): Promise<Ansible> {
    const present = await execa("ansible-playbook", ["--version"], { reject: false });
    if (present.failed) {
      say("installing ansible-core");
      const env = { DEBIAN_FRONTEND: "noninteractive" };
      await execa("apt-get", ["-qq", "update"]);
      await execa("apt-get", ["-qq", "install", "--yes", "--no-install-recommends", "ansible-core"], { env });
    }
    const folder = await mkdtemp(join(tmpdir(), "imcloud-ansible-"));
    const rows = boards.map(({ name, address, user, sshKeyPath, knownHostsPath }) =>
      [
        name,
        `ansible_host=${address}`,
        `ansible_user=${user}`,
        `ansible_ssh_private_key_file=${sshKeyPath}`,
        `ansible_ssh_common_args='-F none -o UserKnownHostsFile=${knownHostsPath}'`,
        "ansible_python_interpreter=/usr/bin/python3",
      ].join(" "),
    );
    await writeFile(join(folder, "inventory"), `${rows.join("\n")}\n`);
    return new Ansible(folder);
  }

  /**
   * Runs the committed playbook.
   *
   * @returns how many changes it made, over all boards
   * @throws ExecaError when a task failed
   */
  async run(): Promise<number> {
    const { stdout } = await execa(
      "ansible-playbook",
      ["--inventory", join(this.#folder, "inventory"), join(FOLDER, "ansible.yaml")],
      {
        env: { ANSIBLE_CONFIG: join(FOLDER, "ansible.cfg"), ANSIBLE_HOME: this.#folder, HOME: this.#folder },
      },
    );
    return [...stdout.matchAll(/\bchanged=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
