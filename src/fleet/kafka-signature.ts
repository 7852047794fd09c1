/**
 * Who signed a Kafka archive: one of its release managers, whose keys the project keeps in one file.
 *
 * That file comes from the project's own address whatever the mirror is, or from the operator: keys that stand beside
 * the archive would only say that whoever put both there agrees with himself.
 *
 * Source: "Verifying Apache Software Foundation Releases", apache.org/info/verification.html.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ImcloudError } from "../shared/errors.js";
import { NotSigned, signerOf } from "../files/signature.js";
import { downloadText } from "../files/download.js";
import { reasonOf } from "../files/reason.js";
import { noteOn } from "./file-notes.js";

const KEYS = "https://downloads.apache.org/kafka/KEYS";

export interface SignedArchive {
  readonly path: string;
  readonly version: string;
  /** Where its signature comes from, in words. */
  readonly signedBy: string;
  readonly signature: () => Promise<string>;
}

/**
 * Asked once for an archive and its keys; the answer is kept beside the cache's other notes.
 *
 * @param keys the operator's file of keys, if there is one
 * @param folder of imcloud.yaml, where it is named from
 * @throws ImcloudError `config.unreadable`, `fleet.wrong-signature`
 */
export async function assertSigned(
  { path, version, signedBy, signature }: SignedArchive,
  { keys, folder }: { readonly keys: string | undefined; readonly folder: string },
): Promise<void> {
  const own = keys === undefined ? undefined : await readKeys(resolve(folder, keys));
  const about = `signer-${createHash("sha256")
    .update(own ?? KEYS)
    .digest("hex")
    .slice(0, 16)}`;
  try {
    await noteOn(path, about, async () => {
      const [text, ofWhom] = [await signature(), own ?? (await projectKeys(version))];
      return signerOf(path, text, ofWhom);
    });
  } catch (error) {
    if (!(error instanceof NotSigned)) throw error;
    throw new ImcloudError(
      "fleet.wrong-signature",
      `the archive of Kafka ${version} is not signed as it should be: ${path}`,
      {
        found: `${error.message} (${signedBy})`,
        expected: `a signature by one of the keys of ${keys ?? KEYS}`,
        hint: "fetch it anew, from another `kafka.mirror` if it stays so; if you know its sum from elsewhere, put that into `kafka.sha512`",
        cause: error,
      },
    );
  }
}

async function readKeys(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new ImcloudError(
      "config.unreadable",
      `the keys of Kafka's release managers cannot be read: ${path}`,
      {
        found: "what `kafka.keys` of imcloud.yaml names",
        expected: `a file as ${KEYS} is one`,
        hint: "put it there, or take `keys` out: then imcloud downloads it",
        cause,
      },
    );
  });
}

async function projectKeys(version: string): Promise<string> {
  return downloadText(KEYS).catch((cause: unknown) => {
    throw new ImcloudError("config.unreadable", `whose Kafka ${version} is cannot be told without ${KEYS}`, {
      found: reasonOf(cause),
      hint: "give the file, from a machine that reaches it, as `kafka.keys`, or the archive's sum as `kafka.sha512`; of 4.3.1 and 3.9.1 imcloud knows the sum",
      cause,
    });
  });
}
