/** A fleet of one board that no file describes yet. */
import type { Fleet } from "../fleet/fleet.js";
import { loginsFrom } from "../fleet/logins.js";
import type { NewBoard } from "../fleet/new-cloud.js";
import { workspaceAt } from "../fleet/workspace.js";
import type { InitOptions } from "./init-questions.js";
import type { Terminal } from "./terminal.js";

const NO_SECRETS: Fleet["secrets"] = {
  get: () => undefined,
  require: (name) => {
    throw new Error(`no secret is known yet, not ${name} either`);
  },
  all: () => [],
};

export async function fleetOfOne(
  board: NewBoard,
  options: InitOptions,
  folder: string,
  terminal: Terminal,
): Promise<Fleet> {
  const { parseYaml } = await import("../config/yaml-file.js");
  const { readConfig } = await import("../config/load.js");
  const { renderCloud } = await import("../fleet/new-cloud.js");
  // The same way as later: what is tried now is what the file will say.
  const text = renderCloud({
    name: "new",
    serverName: "new.home.arpa",
    broker: "none",
    board: { ...board, ...(options.hostKey !== undefined && { hostKey: options.hostKey }) },
  });
  const config = readConfig(parseYaml(text, `${folder}/imcloud.yaml`));
  const workspace = workspaceAt(folder);
  return {
    config,
    boards: config.boards,
    secrets: NO_SECRETS,
    workspace,
    parallel: 1,
    redact: (value) => value,
    connecting: {
      workspace,
      logins: loginsFrom(NO_SECRETS, terminal),
      unknownHostKeys: "refuse",
      signal: terminal.signal,
    },
  };
}
