/**
 * Who may log in, and who is root then.
 * Source: sshd_config(5), sudoers(5).
 */
import { sh } from "../../board/script.js";
import { fail, ok, unknown, warn, type HealthCheck } from "../check.js";

const HARDEN = "put `hardening` into `playbooks:`: SSH then takes keys alone";

export const sshLogins: HealthCheck = {
  id: "ssh",
  title: "SSH logins",

  probe: () => sh`sshd -T | sed 's/^/holds|/'`,

  judge({ stdout }) {
    const settings = settingsIn(stdout);
    if (!settings.has("port"))
      return unknown("sshd does not tell its settings", { hint: "try `sshd -t` on the board" });
    if (settings.get("permitemptypasswords") === "yes")
      return fail("accounts without a password may log in", { hint: HARDEN });
    const found = [
      ...(takesPasswords(settings) ? ["passwords are taken"] : []),
      ...(settings.get("permitrootlogin") === "yes" ? ["root may log in by password"] : []),
    ];
    return found.length > 0 ? warn(found.join("; "), { hint: HARDEN }) : ok("by key alone");
  },
};

export const sudo: HealthCheck = {
  id: "sudo",
  title: "sudo",

  probe: () => sh`
grep -rhsE '^[^#]*NOPASSWD' /etc/sudoers /etc/sudoers.d | sed 's/^/rule|/'
sshd -T 2> /dev/null | sed 's/^/holds|/'
echo 'end|'`,

  judge({ stdout }) {
    if (!stdout.split("\n").includes("end|"))
      return unknown("the rules cannot be read", { hint: "look at /etc/sudoers on the board" });
    const names = stdout
      .split("\n")
      .flatMap((line) => (line.startsWith("rule|") ? [line.slice(5).trim().split(/\s+/)[0] ?? ""] : []));
    const who = [...new Set(names)].join(", ");
    if (who === "") return ok("root asks everybody for a password");
    // A key is as much as a password; both are needed only by whom the password alone would let in.
    return takesPasswords(settingsIn(stdout))
      ? warn(`${who}: a password for SSH is one for root`, { hint: HARDEN })
      : ok(`${who}: root without a password, and in by key alone`);
  },
};

function settingsIn(stdout: string): ReadonlyMap<string, string> {
  return new Map(
    stdout.split("\n").flatMap((line): [string, string][] => {
      const [, keyword, value] = /^holds\|(\S+) (.*)$/.exec(line) ?? [];
      return keyword === undefined || value === undefined ? [] : [[keyword, value]];
    }),
  );
}

/** PAM asks for them by its own method; that has two names. */
function takesPasswords(settings: ReadonlyMap<string, string>): boolean {
  const isOn = (keyword: string) => settings.get(keyword) === "yes";
  const byPam = isOn("kbdinteractiveauthentication") || isOn("challengeresponseauthentication");
  return isOn("passwordauthentication") || (byPam && isOn("usepam"));
}
