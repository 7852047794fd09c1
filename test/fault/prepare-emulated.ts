/**
 * Makes the frozen board that the tests on emulated boards start from, if it is not in the lab's cache; run by
 * scripts/test.sh.
 *
 * usage: node dist/fault/prepare-emulated.js [machine]; `machine`: only installs the programs that it takes, so that
 * no other apt is at work beside the rest.
 */
import { prepareEmulatedBoard, prepareMachine } from "../../src/lab/emulated-board.js";

const say = (line: string) => process.stdout.write(`${line}\n`);

if (process.argv[2] === "machine") await prepareMachine(say);
else {
  const startedAt = performance.now();
  await prepareEmulatedBoard({}, say);
  say(`there after ${Math.round((performance.now() - startedAt) / 1000)} s`);
}
