import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { makeKeyPair } from "../../../src/board/ssh-keys.js";

test("every key that is made can be read; of ssh2's own, some in a thousand cannot", async () => {
  for (let count = 0; count < 1_000; count += 1) {
    expect(ssh2.utils.parseKey((await makeKeyPair("imcloud")).private)).not.toBeInstanceOf(Error);
  }
});
