/** What is left of a board whose maker died does not keep others from theirs. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRecords } from "../../../src/lab/board-record.js";
import { boardPlace, labLayout } from "../../../src/lab/layout.js";

test.each(["", '{ "number": 11, "na', "{}"])("a record that holds %j is none", async (text) => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-lab-"));
  const lab = labLayout({ IMCLOUD_LAB_FOLDER: folder });
  const place = boardPlace(lab, 11);
  await mkdir(place.folder, { recursive: true });
  await writeFile(place.recordFile, text);
  expect(await readRecords(lab)).toEqual([{ number: 11, record: undefined }]);
  await rm(folder, { recursive: true });
});
