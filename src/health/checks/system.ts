/** Which system and kernel run. */
import { sh } from "../../board/script.js";
import { fieldsOf, ok, unknown, type HealthCheck } from "../check.js";

export const system: HealthCheck = {
  id: "system",
  title: "System",

  probe: () => sh`
sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\).*/name=\1/p' /etc/os-release
printf 'kernel=%s\n' "$(uname -r)"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    const name = fields.get("name");
    if (name === undefined)
      return unknown("no /etc/os-release", { hint: "look at what is on the board's disk" });
    return ok(name, { measured: `kernel ${fields.get("kernel") ?? "unknown"}` });
  },
};
