/**
 * Whether the kernel holds services to their memory limits: a Pi's does only when its command line says so.
 * Source: kernel documentation, admin-guide/cgroup-v2; the firmware starts kernels with `cgroup_disable=memory`.
 */
import { sh } from "../../board/script.js";
import { fieldsOf, notApplicable, ok, warn, type HealthCheck } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

export const memoryLimits: HealthCheck = {
  id: "memory-limits",
  title: "Memory limits",

  probe: () => sh`
${realPiProbe()}
sed -n 's/^/controllers=/p' /sys/fs/cgroup/cgroup.controllers 2>/dev/null
awk '$1 == "memory" { print "v1=" $4 }' /proc/cgroups
grep -qsw cgroup_enable=memory /boot/firmware/cmdline.txt /boot/cmdline.txt && echo asked=yes
:`,

  judge({ stdout }) {
    if (!isRealPi(stdout)) return notApplicable;
    const fields = fieldsOf(stdout);
    const isOn = (fields.get("controllers") ?? "").split(" ").includes("memory") || fields.get("v1") === "1";
    if (isOn) return ok("the kernel enforces them");
    return warn("the kernel does not enforce them", {
      hint: fields.has("asked")
        ? "it does after a reboot: `imcloud exec -- systemctl reboot`; if it still does not, update the board's kernel"
        : "run `imcloud apply` with the playbook `tuning`, then reboot the board",
    });
  },
};
