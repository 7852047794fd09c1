import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";

/** The first board that runs the server: several share one store. */
export function serverBoard(boards: readonly BoardConfig[]): BoardConfig {
  const board = boards.find(({ playbooks }) => playbooks.includes("imserver"));
  if (board !== undefined) return board;
  throw new ImcloudError("cli.usage", "none of these boards runs the IM server", {
    found: boards.map(({ name }) => name).join(", "),
    expected: "a board with the playbook `imserver`",
    hint: "select another board with `--on`",
  });
}
