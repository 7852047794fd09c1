/**
 * How people log in: settings of the SSH server, before everybody else's, because the first one that it reads counts.
 *
 * Where the main file takes in `sshd_config.d` (from OpenSSH 8.2 on), they are a drop-in whose name comes first; else
 * a block at the head of the main file. What holds in the end is asked of sshd itself, before and after. It can lock
 * the operator out: it is confirmed by a new connection, or undone.
 *
 * Source: sshd_config(5), sshd(8) on `-t` and `-T`.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { lines, payloadFile, sh, type Script } from "../board/script.js";
import { ConfirmWithin } from "./fields.js";
import { replaceFile, restoreFile, rewriteFile } from "./replace-file.js";
import { known, unknowable, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const MAIN = "/etc/ssh/sshd_config";
const FOLDER = "/etc/ssh/sshd_config.d";
const DROP_IN = `${FOLDER}/00-imcloud.conf`;
const BEGIN = "# imcloud: begin";
const END = "# imcloud: end";

const Desired = z
  .strictObject({
    settings: z
      .record(
        z.string().regex(/^[A-Z][A-Za-z0-9]{1,63}$/, "a keyword of sshd_config(5), such as `MaxAuthTries`"),
        z.string().regex(/^[^\s#"'][^\n\r\0]*$/, "one line"),
      )
      .describe("keywords and values, as sshd_config(5) has them"),
    login: z
      .enum(["key", "password", ""])
      .default("")
      .describe("how the operator is logged in; without passwords, `password` is refused"),
    confirmWithinS: ConfirmWithin,
  })
  .superRefine(({ settings, login }, refusal) => {
    if (settings["PasswordAuthentication"] !== "no" || login !== "password") return;
    refusal.addIssue({
      code: "custom",
      path: ["login"],
      message: "you are logged in by a password, and passwords are about to be refused",
      params: {
        hint: "install a key first (`ssh-copy-id`, or `imcloud init`), or keep passwords: `vars: { ssh_passwords: true }`",
      },
    });
  });
type Desired = z.infer<typeof Desired>;

interface Observed {
  readonly hasDropIns: boolean;
  /** SHA-256 of what is there by imcloud. */
  readonly ours?: string;
  /** What holds: keywords in lower case. */
  readonly effective: ReadonlyMap<string, string>;
}

export const sshd: ResourceType<Desired, Observed> = {
  type: "sshd",
  schema: Desired,
  key: () => "server",

  probe: () => sh`
command -v sshd > /dev/null || { echo 'none|'; exit 0; }
if sed -n '/^[[:space:]]*[A-Za-z]/{p;q}' ${MAIN} | grep -qi '^[[:space:]]*include[[:space:]].*sshd_config\.d/'; then
  echo 'drop-ins|'
  [ ! -e ${DROP_IN} ] || printf 'ours|%s\n' "$(sha256sum < ${DROP_IN})"
elif grep -qFx -e ${BEGIN} ${MAIN}; then
  printf 'ours|%s\n' "$(sed -n ${`1,/^${END}$/p`} ${MAIN} | sha256sum)"
fi
sshd -T 2>&1 | sed 's/^/holds|/'`,

  observe(output, all) {
    const rows = output.split("\n").map((line) => {
      const at = line.indexOf("|");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
    const after = (word: string) => rows.flatMap(([first, rest]) => (first === word ? [rest] : []));
    const effective = new Map(
      after("holds").map((line) => {
        const [keyword = "", ...value] = line.split(" ");
        return [keyword, value.join(" ")] as const;
      }),
    );
    const ours = after("ours")[0]?.slice(0, 64);
    const seen: Observation<Observed> | undefined =
      after("none").length > 0
        ? unknowable("there is no sshd")
        : after("holds").length === 0
          ? undefined
          : effective.has("port")
            ? known({
                hasDropIns: after("drop-ins").length > 0,
                ...(ours !== undefined && { ours }),
                effective,
              })
            : unknowable(`sshd does not tell its settings: ${after("holds")[0] ?? ""}`);
    return new Map(
      all.flatMap(({ id }): [ResourceId, Observation<Observed>][] => (seen ? [[id, seen]] : [])),
    );
  },

  diff({ settings, confirmWithinS }, observed) {
    if (observed.kind === "absent") return [];
    const { hasDropIns, ours, effective } = observed.value;
    const text = textOf(settings, hasDropIns);
    const others = Object.entries(settings).filter(
      ([keyword, value]) => spelled(effective.get(keyword.toLowerCase())) !== spelled(value),
    );
    if (ours === createHash("sha256").update(text).digest("hex") && others.length === 0) return [];
    const now = Object.keys(settings).map(
      (keyword) => `${keyword} ${effective.get(keyword.toLowerCase()) ?? "(unknown)"}`,
    );
    const path = hasDropIns ? DROP_IN : MAIN;
    return [
      {
        kind: ours === undefined ? "create" : "update",
        risk: "cutoff",
        confirmWithinS,
        before: `${now.join("\n")}\n`,
        after: text,
        saves: [path],
        apply: lines([
          hasDropIns
            ? replaceFile(DROP_IN, text, { mode: "0644", owner: "root", group: "root" })
            : rewriteFile(MAIN, withBlock(text)),
          tried(settings, path),
          RELOAD,
        ]),
        undo: lines([hasDropIns ? restoreFile(DROP_IN) : rewriteFile(MAIN, withSavedBlock), RELOAD]),
      },
    ];
  },
};

/** A server that was not started has nothing to read again. */
const RELOAD: Script = sh`systemctl try-reload-or-restart ssh.service`;

function textOf(settings: Desired["settings"], isDropIn: boolean): string {
  const body = Object.entries(settings).map(([keyword, value]) => `${keyword} ${value}`);
  return isDropIn
    ? [
        "# Managed by imcloud. First by name, because the first value that sshd reads counts.",
        ...body,
        "",
      ].join("\n")
    : [BEGIN, ...body, END, ""].join("\n");
}

/** awk prints the main file without the block. */
const WITHOUT_BLOCK: Script = sh`awk -v begin=${BEGIN} -v end=${END} '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' ${MAIN}`;

const withBlock = (text: string): Script => sh`{ cat ${payloadFile(text)}; ${WITHOUT_BLOCK}; }`;

/** What imcloud had there before the change, which may be nothing; the rest of the file may have changed since. */
const withSavedBlock: Script = sh`{ sed -n ${`/^${BEGIN}$/,/^${END}$/p`} "$IMCLOUD_SAVED/0"; ${WITHOUT_BLOCK}; }`;

/** Ends with an error, everything as it was, where sshd refuses the file or somebody else's value comes first. */
function tried(settings: Desired["settings"], path: string): Script {
  const wanted = Object.entries(settings).map(
    ([keyword, value]) => `${keyword.toLowerCase()} ${spelled(value) ?? ""}\n`,
  );
  return sh`
back() {
  if [ -e "$IMCLOUD_SAVED/0" ]; then cp -a "$IMCLOUD_SAVED/0" ${path}; else rm -f ${path}; fi
  exit 1
}
sshd -t || back
sshd -T | sed 's/prohibit-password/without-password/' > "$IMCLOUD_SAVED/holds"
while IFS= read -r line; do
  grep -qixF -e "$line" "$IMCLOUD_SAVED/holds" || {
    echo "sshd does not take this, because another file says otherwise before it, or does not know it: $line"
    back
  }
done < ${payloadFile(wanted.join(""))}`;
}

/** sshd has two words for the same, and says the older one. */
const spelled = (value: string | undefined): string | undefined =>
  value?.toLowerCase().replace("prohibit-password", "without-password");
