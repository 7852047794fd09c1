/**
 * Whether the kernel itself has complained since boot, by its taint bits: they outlive the log that said why.
 * Source: kernel documentation, admin-guide/tainted-kernels.
 */
import { sh } from "../../board/script.js";
import { fail, ok, unknown, warn, type HealthCheck } from "../check.js";

const BAD_PAGE = 1 << 5;
const DIED = 1 << 7;
const WARNED = 1 << 9;
const SOFT_LOCKUP = 1 << 14;
const LOOK = "see what it was: `imcloud exec -- dmesg --level=emerg,alert,crit,err,warn`";

export const kernel: HealthCheck = {
  id: "kernel",
  title: "Kernel",

  probe: () => sh`
cat /proc/sys/kernel/tainted
cat /run/systemd/container 2>/dev/null
:`,

  judge({ stdout }) {
    const [first = "", container = ""] = stdout.split("\n");
    // A container shows its machine's kernel, whose troubles are not the board's.
    if (container !== "") return ok("its machine's kernel");
    if (!/^\d+$/.test(first)) return unknown("the kernel does not say", { hint: LOOK });
    const bits = Number(first);
    const figure = { measured: first, value: bits, hint: LOOK };
    if ((bits & DIED) !== 0)
      return fail("a part of it has died since boot", { ...figure, hint: `${LOOK}; then reboot` });
    if ((bits & BAD_PAGE) !== 0) {
      return fail("memory was found damaged since boot", {
        ...figure,
        hint: "reboot; if it comes back, take overclocking out of config.txt, then replace the board",
      });
    }
    if ((bits & SOFT_LOCKUP) !== 0) return warn("a core was stuck for many seconds since boot", figure);
    if ((bits & WARNED) !== 0) return warn("has warned of a fault of its own since boot", figure);
    return ok("no fault since boot");
  },
};
