import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { endAtBrokenPipe } from "../../../src/cli/broken-pipe.js";

const failure = (code: string) => Object.assign(new Error(`write ${code}`), { code });

test("a reader of the data that goes away ends the program; one of the progress does not", () => {
  const streams = { stdout: new EventEmitter(), stderr: new EventEmitter() };
  const ended: number[] = [];
  endAtBrokenPipe(streams, (code) => ended.push(code));
  streams.stderr.emit("error", failure("EPIPE"));
  expect(ended).toEqual([]);
  streams.stdout.emit("error", failure("EPIPE"));
  expect(ended).toEqual([141]);
  expect(() => streams.stdout.emit("error", failure("ENOSPC"))).toThrow("ENOSPC");
});
