/**
 * Whether the system still gets security updates for free.
 *
 * Dates: Debian's LTS and Ubuntu's standard support, from distro-info-data of 2026-11. Raspberry Pi OS takes
 * its userland from Debian.
 */
import { sh } from "../../board/script.js";
import { fieldsOf, ok, unknown, warn, type HealthCheck } from "../check.js";

/** By `ID-VERSION_ID`: the last day of free updates, and until when they can be bought. */
const ENDS: Readonly<Record<string, readonly [free: string, paid: string]>> = {
  "debian-10": ["2024-06-30", "2029-06"],
  "debian-11": ["2026-08-31", "2031-06"],
  "debian-12": ["2028-06-30", "2033-06"],
  "debian-13": ["2030-06-30", "2035-06"],
  "ubuntu-18.04": ["2023-05-31", "2028-04"],
  "ubuntu-20.04": ["2025-05-29", "2030-04"],
  "ubuntu-22.04": ["2027-06-01", "2032-04"],
  "ubuntu-24.04": ["2029-05-31", "2034-04"],
};
const SOON_MS = 90 * 24 * 60 * 60 * 1000;

export const support: HealthCheck = {
  id: "support",
  title: "Support",

  probe: () => sh`sed -n 's/^\(ID\|VERSION_ID\)="\{0,1\}\([^"]*\).*/\1=\2/p' /etc/os-release`,

  judge({ stdout }, { now }) {
    const fields = fieldsOf(stdout);
    const id = fields.get("ID") === "raspbian" ? "debian" : (fields.get("ID") ?? "");
    const release = `${id}-${fields.get("VERSION_ID") ?? ""}`;
    const ends = ENDS[release];
    if (ends === undefined) {
      return unknown(`imcloud does not know ${release}`, {
        hint: "use Debian 10 to 13, Raspberry Pi OS or Ubuntu 18.04 to 24.04",
      });
    }
    const [free, paid] = ends;
    const figure = { measured: free };
    const left = Date.parse(`${free}T23:59:59Z`) - now.getTime();
    if (left < 0)
      return warn(`free security updates ended on ${free}`, {
        ...figure,
        hint: `move to a newer release, or buy updates (until ${paid})`,
      });
    if (left < SOON_MS)
      return warn(`free security updates end on ${free}`, {
        ...figure,
        hint: "plan the move to a newer release",
      });
    return ok(`free security updates until ${free}`, figure);
  },
};
