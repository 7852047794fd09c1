/**
 * People chat while the data of their IM server moves to an SSD, which is behind UAS this time: Linux has TRIM on there
 * by itself, and imcloud tries it all the same.
 *
 * IMCLOUD_FAULT=long alone: deploying the server to an emulated board takes minutes, and power-cut.test.ts does it too.
 */
import { expect, test } from "vitest";
import { emulatedBoard } from "../../src/lab/emulated-board.js";
import { operator } from "../e2e/operator.js";
import { callOverTls, commonRoom, signUp, untilServing } from "./cloud-client.js";
import { describeEmulated, IS_LONG, STEP_MS } from "./emulated.js";
import { ALL_THERE, judge, readMessages, startTraffic } from "./traffic.js";

const PORT = 8448;

describeEmulated("people who chat while their server's data moves to an SSD behind UAS", () => {
  test.runIf(IS_LONG)(
    "lose nothing, and find all of it after a reboot",
    async () => {
      await using board = await emulatedBoard("attic", {
        forwards: [PORT],
        ssd: { adapter: "uas", sizeMb: 1024 },
      });
      await board.sh("systemctl --quiet unmask fstrim.timer");
      const config = { cloud: { name: "test", broker: "none" }, vars: { registration: "open" } };
      await using home = await operator({ boards: [board], playbooks: ["imserver"], config });
      const onCard = await home.imcloud("apply", "--yes", { deadlineMs: STEP_MS });
      expect(onCard.exitCode, onCard.stderr).toBe(0);
      const call = callOverTls(
        `https://${board.address}:${PORT}`,
        await home.read(".imcloud/authority/ca.pem"),
      );
      const people = await signUp(call, ["ada", "ben", "cleo"]);
      const [reader = expect.fail()] = people;
      const roomId = await commonRoom(call, people);
      const traffic = startTraffic(call, people, roomId);
      await traffic.further(50);

      const yaml = await home.read("imcloud.yaml");
      await home.write("imcloud.yaml", yaml.replace("- imserver", "- ssd\n  - imserver"));
      const moved = await home.imcloud("apply", "--yes", "--json", { deadlineMs: STEP_MS });
      expect(moved.exitCode, moved.stderr).toBe(0);
      await traffic.further(50);
      await traffic.stop();
      expect(judge(traffic.acknowledged, await readMessages(call, reader, roomId))).toEqual(ALL_THERE);
      expect(
        await board.sh("findmnt -no SOURCE /var/lib/imcloud-server; cat /var/lib/imcloud/trim/*"),
      ).toMatch(/^\/dev\/sda1\[\/var-lib-imcloud-server\]\nworks [0-9a-f]{4}:[0-9a-f]{4}$/);

      await board.reboot();
      await untilServing(call, reader);
      expect(judge(traffic.acknowledged, await readMessages(call, reader, roomId))).toEqual(ALL_THERE);
      expect((await home.imcloud("plan", "--json")).exitCode).toBe(0);
    },
    6 * STEP_MS,
  );
});
