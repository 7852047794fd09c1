/**
 * Secrets that every account of the board can read: asked for as the account that has no rights at all.
 * Source: find(1), `-readable`; runuser(1).
 */
import { sh } from "../../board/script.js";
import { fail, ok, unknown, type HealthCheck } from "../check.js";

const FOLDERS = ["/etc/imcloud", "/etc/rabbitmq", "/etc/kafka", "/opt/kafka/config", "/var/lib/rabbitmq"];
/** A value behind one of these words, not in a comment; or a key. */
const CONTENT = "^[^#;%]*(pass(word|wd|phrase)?|secret|token)[\"' ]*[=:,]|-----BEGIN [A-Z ]*PRIVATE KEY-----";
const NAME = "(^|/)(\\.erlang\\.cookie|[^/]*\\.key|key\\.pem|secrets/[^/]*)$";

export const secrets: HealthCheck = {
  id: "secrets",
  title: "Secrets",

  probe: () => sh`
set --
for d in ${FOLDERS}; do [ ! -e "$d" ] || set -- "$@" "$d"; done
[ $# -gt 0 ] || { echo 'end|'; exit 0; }
runuser -u nobody -- true || exit 1
readable=$(runuser -u nobody -- find "$@" -xdev -maxdepth 3 -type f -readable 2> /dev/null)
printf '%s\n' "$readable" | grep -E ${NAME} | sed 's/^/open|/'
printf '%s\n' "$readable" | xargs -r -d '\n' grep -lsIiE -e ${CONTENT} | sed 's/^/open|/'
echo 'end|'`,

  judge({ stdout }) {
    const lines = stdout.split("\n");
    if (!lines.includes("end|"))
      return unknown("the board does not let us look as `nobody`", {
        hint: "see whether the account `nobody` is there",
      });
    const open = [...new Set(lines.flatMap((line) => (line.startsWith("open|") ? [line.slice(5)] : [])))];
    const [first] = open;
    if (first === undefined) return ok("readable by their services alone");
    return fail(`every account can read ${open.join(", ")}`, {
      measured: String(open.length),
      hint: `take the right away (\`imcloud exec -- chmod o-r ${first}\`), and change what was in it`,
    });
  },
};
