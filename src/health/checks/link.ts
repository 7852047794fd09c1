/**
 * Whether the network is what it could be: speed and duplex of the cable, and the queue that was asked for.
 *
 * A bad cable has two good pairs left, and a gigabit port falls back to 100 Mbit/s without a word.
 * Source: sysfs-class-net, `speed` and `duplex`; the boards' product briefs.
 */
import { sh } from "../../board/script.js";
import { QOS_HANDLES, QOS_SETTINGS } from "../../resources/shaper.js";
import { fieldsOf, ok, unknown, warn, type HealthCheck, type HealthContext } from "../check.js";
import { isRealPi, realPiProbe } from "./real-pi.js";

/** Models with a gigabit port; a 3B+ has one behind USB 2, and still says 1000. */
const GIGABIT = /Raspberry Pi (3 Model B Plus|3 Model B\+|4|5|400|500|Compute Module [45])/;
const GIGABIT_MBIT = 1000;
const BROKERS = ["rabbitmq", "kafka"];

export const link: HealthCheck = {
  id: "link",
  title: "Network",
  unit: "bits_per_second",

  probe: () => sh`
${realPiProbe()}
device=
[ ! -r ${QOS_SETTINGS} ] || device=$(sed -n 's/^QOS_DEVICE=//p' ${QOS_SETTINGS})
[ -z "$device" ] || echo configured=yes
[ -n "$device" ] || device=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
[ -n "$device" ] || device=$(awk 'FNR > 1 { print $1; exit }' /proc/net/route)
printf 'device=%s\n' "$device"
at=/sys/class/net/$device
[ -n "$device" ] && [ -e "$at" ] || exit 0
echo there=yes
[ ! -e "$at/phy80211" ] || echo wifi=yes
# Of a link that is down or has no such thing, reading is an error.
printf 'speed=%s\n' "$(cat "$at/speed" 2> /dev/null)"
printf 'duplex=%s\n' "$(cat "$at/duplex" 2> /dev/null)"
tc qdisc show dev "$device" | sed -n 's/^qdisc \([^ ]*\) \([^ ]*\) .*root.*/root=\1 \2/p'
:`,

  judge({ stdout }, { playbooks }: HealthContext) {
    const fields = fieldsOf(stdout);
    const device = fields.get("device") ?? "";
    if (device === "" || fields.get("there") !== "yes") {
      return unknown(device === "" ? "no interface with a network" : `${device} is not there`, {
        hint: "look at `ip address` on the board; `vars: { qos: { device: … } }` names another one",
      });
    }
    const [kind = "", handle = ""] = (fields.get("root") ?? "").split(" ");
    if (fields.get("configured") === "yes" && handle !== QOS_HANDLES.up) {
      return warn(`the queue of ${device} is ${kind || "none"}, and not the one that \`qos\` sets`, {
        hint: "run `imcloud apply`; if it comes back, something else on the board sets queues",
      });
    }
    if (fields.get("wifi") === "yes") {
      const broker = BROKERS.find((name) => playbooks.includes(name));
      return broker === undefined
        ? ok(`${device}, by radio`)
        : warn(`${device} is a radio, and the board has a broker`, {
            hint: "give a broker a cable: radio loses packets in bursts, and its clients wait for each",
          });
    }
    const speed = Number(fields.get("speed") || "-1");
    const measured = speed > 0 ? `${speed} Mbit/s` : undefined;
    const figure = { ...(measured !== undefined && { measured, value: speed * 1_000_000 }) };
    if (fields.get("duplex") === "half") {
      return warn(`${device} can send or receive, not both at a time`, {
        ...figure,
        hint: "set the switch's port to automatic negotiation, or take another port",
      });
    }
    const isGigabit = isRealPi(stdout) && GIGABIT.test(fields.get("model") ?? "");
    if (isGigabit && speed > 0 && speed < GIGABIT_MBIT) {
      return warn(`${device} is slower than its port`, {
        ...figure,
        threshold: `${GIGABIT_MBIT} Mbit/s`,
        hint: "try another cable (all eight wires, Cat 5e or better) and another port of the switch",
      });
    }
    return ok([device, ...(handle === QOS_HANDLES.up ? [`shaped by ${kind}`] : [])].join(", "), figure);
  },
};
