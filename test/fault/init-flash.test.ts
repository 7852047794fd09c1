/**
 * From an image and an empty folder to two people who chat: `imcloud init --flash`, by flags alone and without a stop.
 *
 * The board is emulated and boots twice from the card that was written, then gets everything that a new cloud has but a
 * broker, which would take an emulated CPU ten minutes more. IMCLOUD_FAULT=long alone.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { bareBoard } from "../../src/lab/emulated-board.js";
import { twoPeopleChat } from "../e2e/chat.js";
import { operator } from "../e2e/operator.js";
import { BUILD_MS, describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";
import { checkCard, miniature } from "./miniature.js";
import { untilSaid } from "./until-said.js";

const PORT = 8448;
/** Writing, two boots, and an apply of all. */
const INIT_MS = 4 * STEP_MS;

describeEmulated("`init --flash`", () => {
  test.runIf(IS_LONG)(
    "writes a card, waits for its board, makes a cloud of it, and ends with what people need to chat",
    async () => {
      const folder = await mkdtemp("/var/tmp/imcloud-init-");
      try {
        const image = await miniature(folder, "systemd");
        await using board = await bareBoard("attic", { forwards: [PORT] });
        await using home = await operator({ boards: [], empty: true });
        const card = join(folder, "card.img");
        const starting = home.start(
          ...["init", "--flash", image, "--to", card, "--board", "attic", "--name", "loft"],
          ...["--address", board.address, "--port", String(board.port)],
          ...["--broker", "none", "--admin", "ada", "--yes", { deadlineMs: INIT_MS }],
        );
        // A person would put the card into the board now.
        await untilSaid(starting.stderr, "attic: waiting for it at ");
        await checkCard(card, folder);
        await board.insertCard(card);
        await board.switchOn();
        const { exitCode, stdout, stderr } = await starting;
        const console = await readFile(board.consoleLog, "utf8");
        expect(exitCode, `${stdout}\n${stderr}\n${console.slice(-3000)}`).toBe(0);
        expect(stderr).toContain(`attic: ready at ${board.address}\n`);
        expect(stdout).toContain(`https://${board.address}:${PORT}`);
        expect(stdout).toContain("@ada:loft.home.arpa");
        expect(parse(await home.read("imcloud.yaml"))).toMatchObject({
          boards: { attic: { address: board.address, port: board.port, firstBoot: { user: "pi" } } },
        });

        const settled = await home.imcloud("plan", { deadlineMs: STEP_MS });
        expect(settled.exitCode, settled.stderr).toBe(0);
        const healthy = await home.imcloud("health", { deadlineMs: STEP_MS });
        expect(healthy.exitCode, healthy.stdout).toBe(0);
        const { seen, sent } = await twoPeopleChat(board, home);
        expect(sent, seen).toHaveLength(2);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    BUILD_MS + INIT_MS + 3 * STEP_MS,
  );
});
