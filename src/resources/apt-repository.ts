/**
 * A package archive besides the release's own, with the key that signs it.
 *
 * Source: sources.list(5), deb822 style (apt >= 1.1); `Signed-By` takes an armoured key with the suffix .asc
 * (apt >= 1.4).
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { lines, sh } from "../board/script.js";
import { forgetLists } from "./apt.js";
import { replaceFile } from "./replace-file.js";
import { absent, known, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const Desired = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/, "lower-case letters, digits and `-`"),
  uris: z.array(z.url({ protocol: /^(https?|file)$/ })).min(1),
  suites: z.array(z.string().regex(/^[\w./-]+$/)).min(1),
  components: z.array(z.string().regex(/^[\w/-]+$/)).min(1),
  key: z.string().startsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----", "an armoured public key"),
});
type Desired = z.infer<typeof Desired>;

const ATTRIBUTES = { mode: "0644", owner: "root", group: "root" };
const sourcesOf = (name: string) => `/etc/apt/sources.list.d/imcloud-${name}.sources`;
const keyOf = (name: string) => `/etc/apt/keyrings/imcloud-${name}.asc`;

/** What both files hold, as hashes; equal hashes are equal repositories. */
export const aptRepository: ResourceType<Desired, string> = {
  type: "apt-repository",
  schema: Desired,
  key: ({ name }) => name,

  probe: (all) => sh`
for name in ${all.map(({ desired }) => desired.name)}; do
  [ -e "/etc/apt/sources.list.d/imcloud-$name.sources" ] || printf 'absent %s\n' "$name"
done
sha256sum ${all.flatMap(({ desired: { name } }) => [sourcesOf(name), keyOf(name)])} 2>/dev/null
echo end`,

  observe(output, all) {
    const rows = output.split("\n");
    if (!rows.includes("end")) return new Map();
    const sums = new Map(
      rows.flatMap((row) => (/^[0-9a-f]{64} {2}/.test(row) ? [[row.slice(66), row.slice(0, 64)]] : [])),
    );
    return new Map(
      all.map(({ id, desired: { name } }): [ResourceId, Observation<string>] => [
        id,
        rows.includes(`absent ${name}`)
          ? absent
          : known(`${sums.get(sourcesOf(name))} ${sums.get(keyOf(name)) ?? "no key"}`),
      ]),
    );
  },

  diff(desired, observed) {
    const { name, key } = desired;
    const source = renderSource(desired);
    if (observed.kind === "known" && observed.value === `${sha256(source)} ${sha256(key)}`) return [];
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: observed.kind === "absent" ? "" : "(another content)",
        after: source,
        folders: ["/etc/apt/keyrings"],
        saves: [sourcesOf(name), keyOf(name)],
        // The lists first: a run that is killed behind the files looks done, and would never fetch them.
        apply: lines([
          forgetLists,
          replaceFile(keyOf(name), key, ATTRIBUTES),
          replaceFile(sourcesOf(name), source, ATTRIBUTES),
        ]),
        undo: sh`
${forgetLists}
rm -f ${sourcesOf(name)} ${keyOf(name)}
[ ! -e "$IMCLOUD_SAVED/0" ] || cp -a "$IMCLOUD_SAVED/0" ${sourcesOf(name)}
[ ! -e "$IMCLOUD_SAVED/1" ] || cp -a "$IMCLOUD_SAVED/1" ${keyOf(name)}`,
      },
    ];
  },
};

function renderSource({ name, uris, suites, components }: Desired): string {
  return [
    "# Managed by imcloud.",
    "Types: deb",
    `URIs: ${uris.join(" ")}`,
    `Suites: ${suites.join(" ")}`,
    `Components: ${components.join(" ")}`,
    `Signed-By: ${keyOf(name)}`,
    "",
  ].join("\n");
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
