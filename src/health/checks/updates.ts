/**
 * Security updates that are known and not installed. Asking apt costs a second or more on a board, so the
 * answer is kept for an hour.
 */
import { sh } from "../../board/script.js";
import { fieldsOf, ok, unknown, warn, type HealthCheck } from "../check.js";

const CACHE = "/run/imcloud/health-updates";
/** Lists that are older than this say nothing about today. */
const STALE_DAYS = 14;
/** Where each new list is a way on foot: as often as Debian has a point release. */
const STALE_KIT_DAYS = 90;

export const updates: HealthCheck = {
  id: "updates",
  title: "Security updates",
  unit: "count",

  probe: () => sh`
mkdir -p /run/imcloud
[ -n "$(find ${CACHE} -newermt '60 minutes ago' 2> /dev/null)" ] || {
  apt-get -s -o Debug::NoLocking=true dist-upgrade > ${CACHE}.part && mv ${CACHE}.part ${CACHE}
}
newest=$(find /var/lib/apt/lists -maxdepth 1 -type f -name '*_*' -printf '%T@\n' | sort -n | tail -1)
printf 'lists=%s\n' "$newest"
sed -n 's/^# A kit of /kit=/p' /etc/apt/imcloud-offline.list 2> /dev/null
printf 'security=%s\n' "$(grep -c '^Inst .*[Ss]ecurity' ${CACHE})"
[ -s ${CACHE} ]`,

  judge({ stdout, exitCode }, { now }) {
    const fields = fieldsOf(stdout);
    const kit = fields.get("kit");
    const listed = kit === undefined ? Number(fields.get("lists")) : Date.parse(kit) / 1000;
    if (exitCode !== 0) return unknown("apt does not say", { hint: "see `imcloud exec -- apt-get check`" });
    if (!(listed > 0))
      return unknown("apt has no package lists", { hint: "run `imcloud exec -- apt-get update`" });
    const days = Math.floor((now.getTime() / 1000 - listed) / 86_400);
    if (kit !== undefined && days > STALE_KIT_DAYS) {
      return warn(`the packages are from a kit that was made ${days} days ago`, {
        ...{ measured: `${days} days`, value: days, threshold: `${STALE_KIT_DAYS} days` },
        hint: "make a newer one where there is internet (`imcloud kit make`), load it here, and `imcloud apply`",
      });
    }
    if (kit === undefined && days > STALE_DAYS) {
      return unknown(`apt last asked ${days} days ago`, {
        measured: `${days} days`,
        threshold: `${STALE_DAYS} days`,
        hint: "run `imcloud exec -- apt-get update`",
      });
    }
    const count = Number(fields.get("security"));
    const figure = { measured: String(count), value: count, threshold: "1" };
    if (count === 0) return ok("none missing", figure);
    return warn(`${count} missing`, {
      ...figure,
      hint: "unattended-upgrades installs them tonight; at once: `imcloud exec -- unattended-upgrade`",
    });
  },
};
