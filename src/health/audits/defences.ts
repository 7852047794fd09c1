/**
 * What stands between a mistake and the rest: a firewall, updates that come by themselves, a sandbox, no `guest`.
 * Sources: nft(8), apt.conf(5), unattended-upgrade(8), systemd-analyze(1), rabbitmqctl(8).
 */
import { lines, sh } from "../../board/script.js";
import { fieldsOf, notApplicable, ok, unknown, warn, type HealthCheck } from "../check.js";
import { firewallProbe } from "./ports.js";

export const firewall: HealthCheck = {
  id: "firewall",
  title: "Firewall",

  probe: () =>
    lines([
      firewallProbe,
      sh`
! command -v nft > /dev/null || nft list ruleset 2> /dev/null | sed -n 's/.*hook input .*policy drop.*/own|/p'
! command -v iptables > /dev/null || iptables -w -S INPUT 2> /dev/null | sed -n 's/^-P INPUT DROP$/own|/p'
echo 'end|'`,
    ]),

  judge({ stdout }) {
    const all = stdout.split("\n");
    if (!all.includes("end|"))
      return unknown("no answer", { hint: "look at `nft list ruleset` on the board" });
    const open = all.flatMap((line) => (line.startsWith("open|") ? [line.slice(5)] : []));
    if (all.includes("closed|")) return ok(`lets in ${[...new Set(open)].join(", ") || "nothing"}`);
    if (all.includes("own|")) return ok("there is one, and it is not imcloud's");
    return warn("none", { hint: "put `hardening` into `playbooks:`: what no role needs is then closed" });
  },
};

export const automaticUpdates: HealthCheck = {
  id: "automatic-updates",
  title: "Automatic updates",

  probe: () => sh`
apt-config dump | sed -n 's/^APT::Periodic::\(Unattended-Upgrade\|Update-Package-Lists\) "\(.*\)";/\1=\2/p'
printf 'package=%s\n' "$(dpkg-query -W -f '\${db:Status-Status}' unattended-upgrades 2> /dev/null)"
printf 'timer=%s\n' "$(systemctl is-enabled apt-daily-upgrade.timer 2> /dev/null)"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    if (!fields.has("package"))
      return unknown("apt does not tell", { hint: "try `apt-config dump` on the board" });
    const off = [
      ...(fields.get("package") === "installed" ? [] : ["unattended-upgrades is not installed"]),
      ...["Unattended-Upgrade", "Update-Package-Lists"].flatMap((key) =>
        Number(fields.get(key) ?? "0") > 0 ? [] : [`APT::Periodic::${key} is off`],
      ),
      ...(fields.get("timer") === "enabled"
        ? []
        : [`apt-daily-upgrade.timer is ${fields.get("timer") || "not there"}`]),
    ];
    if (off.length === 0) return ok("security updates are installed every day");
    return warn(off.join("; "), {
      hint: "the playbook `base` sets it up; a timer is switched on by `systemctl unmask` and `systemctl enable --now`",
    });
  },
};

export const guest: HealthCheck = {
  id: "guest",
  title: "RabbitMQ's guest",
  playbook: "rabbitmq",

  probe: () => sh`timeout 30 rabbitmqctl -q list_users && echo 'end|'`,

  judge({ stdout }) {
    if (!stdout.split("\n").includes("end|"))
      return unknown("the broker does not tell its accounts", { hint: "look at `imcloud health` first" });
    return /^guest\s/m.test(stdout)
      ? warn("the account `guest` is there, whose password everybody knows", {
          hint: "run `imcloud apply`, which removes it",
        })
      : ok("gone");
  },
};

/** From 0 (nothing to attack) to 10; below this systemd calls it medium at most. */
const EXPOSED = 5;
/** The first systemd that rates units. */
const RATES_SINCE = 240;

export const sandbox: HealthCheck = {
  id: "sandbox",
  title: "Sandbox",
  playbook: "imserver",

  probe: () => sh`
systemctl --version | { read -r _ version _; printf 'systemd=%s\n' "$version"; }
printf 'exposure=%s\n' "$(systemd-analyze --no-pager security imcloud-server.service | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')"`,

  judge({ stdout }) {
    const fields = fieldsOf(stdout);
    if (Number(fields.get("systemd")) < RATES_SINCE) return notApplicable;
    const exposure = Number(fields.get("exposure") || Number.NaN);
    if (Number.isNaN(exposure))
      return unknown("systemd does not rate imcloud-server.service", {
        hint: "see whether the unit is there",
      });
    const figure = { measured: `${exposure} of 10`, value: exposure, threshold: `${EXPOSED} of 10` };
    return exposure < EXPOSED
      ? ok("the IM server reaches little of the board", figure)
      : warn("the IM server reaches much of the board", {
          ...figure,
          hint: "run `imcloud apply`; a drop-in of your own may have opened the unit: `systemctl cat imcloud-server`",
        });
  },
};
