/**
 * A word on the kernel's command line, in the one-line file that the Pi's firmware reads (`cmdline.txt`).
 *
 * It counts from the next boot on, so `/run/reboot-required` is set: `imcloud health` names it, and people choose
 * when. The other words of the line stay as they are and where they are.
 *
 * Sources: Raspberry Pi documentation, "Kernel command line" (one line, or the board does not boot); kernel
 * documentation, admin-guide/kernel-parameters.
 */
import { z } from "zod";
import { sh, type Script } from "../board/script.js";
import { AbsolutePath } from "./fields.js";
import { rewriteFile } from "./replace-file.js";
import { known, unknowable, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  path: AbsolutePath.describe("the file: `{{ facts.bootFolder }}/cmdline.txt`"),
  argument: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "one word without spaces, such as `cgroup_enable=memory`")
    .describe("the word as the kernel gets it"),
  only: z
    .boolean()
    .default(false)
    .describe("true: other values of the same name go, where the kernel takes one alone"),
});
type Desired = z.infer<typeof Desired>;

export const kernelArgument: ResourceType<Desired, readonly string[]> = {
  type: "kernel-argument",
  schema: Desired,
  key: ({ path, argument }) => `${path}#${argument}`,

  probe(all) {
    const paths = [...new Set(all.map(({ desired }) => desired.path))];
    return sh`grep -sH '' -- ${paths} | sed 's/^/line|/'`;
  },

  observe(output, all) {
    const files = new Map<string, string[]>();
    for (const row of output.split("\n")) {
      const [, path = "", text = ""] = /^line\|([^:]*):(.*)$/s.exec(row) ?? [];
      if (path !== "") files.set(path, [...(files.get(path) ?? []), text]);
    }
    return new Map(
      all.map(({ id, desired: { path } }): [ResourceId, Observation<readonly string[]>] => {
        const lines = (files.get(path) ?? []).filter((text) => text.trim() !== "");
        const [first] = lines;
        return first !== undefined && lines.length === 1
          ? [id, known(first.trim().split(/\s+/))]
          : [id, unknowable(`${path} is not one line`)];
      }),
    );
  },

  diff({ path, argument, only }, observed) {
    const words = observed.kind === "known" ? observed.value : [];
    const name = `${argument.split("=")[0] ?? argument}=`;
    const others = only ? words.filter((word) => word.startsWith(name) && word !== argument) : [];
    if (words.includes(argument) && others.length === 0) return [];
    return [
      {
        kind: "update",
        risk: "none",
        before: others.join(" "),
        after: argument,
        check: sh`[ "$(grep -c . ${path})" = 1 ]`,
        apply: edit(path, { take: others, give: [argument] }),
        undo: edit(path, { take: [argument], give: others }),
      },
    ];
  },
};

/** awk takes the words from its environment as they are. */
function edit(
  path: string,
  { take, give }: { readonly take: readonly string[]; readonly give: readonly string[] },
): Script {
  return sh`
[ -e ${path} ] || exit 0
${rewriteFile(path, sh`TAKE=${take.join(" ")} GIVE=${give.join(" ")} awk ${EDIT} ${path}`)}
touch /run/reboot-required`;
}

const EDIT = `
BEGIN {
  n = split(ENVIRON["TAKE"], list, " "); for (i = 1; i <= n; i++) gone[list[i]] = 1
  m = split(ENVIRON["GIVE"], list, " "); for (i = 1; i <= m; i++) { gone[list[i]] = 1; give = give " " list[i] }
}
NF {
  line = ""
  for (i = 1; i <= NF; i++) if (!($i in gone)) line = line (line == "" ? "" : " ") $i
  print line give
}`;
