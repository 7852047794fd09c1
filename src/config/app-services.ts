/**
 * Registration files of bridges and bots, which `vars: { app_services: [...] }` names: read here, checked, and secret
 * from then on, as tokens stand in them.
 */
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { z } from "zod";
import { AppServiceFile } from "../shared/app-service-file.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { check } from "./explain.js";
import { readYaml } from "./yaml-file.js";

export interface AppServiceSource {
  /** Of the file on the board, without its ending. */
  readonly name: string;
  readonly content: Secret;
}

const Paths = z.array(z.string().min(1));

/**
 * @param value the variable
 * @param folder that of imcloud.yaml, in which the files are looked for
 * @param origin of whoever has the variable
 * @throws ImcloudError `config.unreadable`, `config.syntax`, `config.invalid`; no content of a file stands in it
 */
export async function readAppServices(
  value: unknown,
  folder: string,
  origin: Origin,
): Promise<readonly AppServiceSource[]> {
  const paths = Paths.safeParse(value ?? []);
  if (!paths.success) {
    throw new ImcloudError("config.invalid", "`vars.app_services` is not what is allowed there", {
      origin,
      expected: "a list of registration files, beside imcloud.yaml or absolute",
      hint: "write `app_services: [irc.yaml]`",
    });
  }
  const sources = new Map<string, AppServiceSource>();
  for (const path of paths.data) {
    const file = resolve(folder, path);
    const yaml = await readYaml(file, "have the bridge make its registration file", "kinds-only");
    check(AppServiceFile, yaml, "kinds-only");
    const name = basename(file).replace(/\.ya?ml$/, "");
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name) || sources.has(name)) {
      throw new ImcloudError("config.invalid", `\`${path}\` cannot have that name on the board`, {
        origin,
        found: name,
        expected: "letters, digits, `.`, `_` and `-`, and no two files of one name",
        hint: "rename the file",
      });
    }
    sources.set(name, { name, content: new Secret(await readFile(file, "utf8")) });
  }
  return [...sources.values()];
}
