/**
 * Whether the system still gets security updates for free. The dates are those of the table of releases.
 */
import { releaseOf } from "../../board/facts.js";
import { sh } from "../../board/script.js";
import { RELEASES, daysOfFreeUpdates, supportedReleases } from "../../shared/releases.js";
import { fieldsOf, ok, unknown, warn, type HealthCheck } from "../check.js";

/** Long enough to plan a move to another release. */
const SOON_DAYS = 90;

export const support: HealthCheck = {
  id: "support",
  title: "Support",

  probe: () => sh`sed -n 's/^\(ID\|VERSION_ID\)="\{0,1\}\([^"]*\).*/\1=\2/p' /etc/os-release`,

  judge({ stdout }, { now }) {
    const fields = fieldsOf(stdout);
    const id = releaseOf({ os: { id: fields.get("ID") ?? "", versionId: fields.get("VERSION_ID") ?? "" } });
    const release = RELEASES[id];
    if (release === undefined) {
      return unknown(`imcloud does not know ${id}`, { hint: `use one of ${supportedReleases(now)}` });
    }
    const { freeUntil, paidUntil } = release;
    const figure = { measured: freeUntil, threshold: `${SOON_DAYS} days before the end` };
    const left = daysOfFreeUpdates(release, now);
    if (left < 0)
      return warn(`free security updates ended on ${freeUntil}`, {
        ...figure,
        hint: `move to one of ${supportedReleases(now)}, or buy updates (until ${paidUntil})`,
      });
    if (left < SOON_DAYS)
      return warn(`free security updates end on ${freeUntil}`, {
        ...figure,
        hint: "plan the move to a newer release",
      });
    return ok(`free security updates until ${freeUntil}`, figure);
  },
};
