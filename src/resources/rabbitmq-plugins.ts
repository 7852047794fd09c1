/**
 * The plugins that RabbitMQ loads at its start: exactly these and what they need.
 *
 * Read from the file, because one call of `rabbitmq-plugins` costs about a second of CPU, five on a Pi.
 * Written by that tool: a name that does not exist, put into the file by hand, keeps the broker from booting.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { Unit } from "./fields.js";
import { known, unknowable, type Observation, type ResourceId, type ResourceType } from "./resource.js";

const FILE = "/etc/rabbitmq/enabled_plugins";

const Desired = z.strictObject({
  names: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/, "a plugin's name, such as rabbitmq_prometheus")),
  unit: Unit.default("rabbitmq-server.service").describe("restarted when the list has changed"),
});
type Desired = z.infer<typeof Desired>;

export const rabbitmqPlugins: ResourceType<Desired, readonly string[]> = {
  type: "rabbitmq-plugins",
  schema: Desired,
  key: () => "enabled",

  probe: () => sh`
if [ ! -x /usr/sbin/rabbitmq-plugins ]; then echo missing; else echo "list $(cat ${FILE} 2>/dev/null)"; fi`,

  observe(output, all) {
    const [, list] = /^list (.*)$/m.exec(output) ?? [];
    const seen: Observation<readonly string[]> =
      list === undefined
        ? unknowable("RabbitMQ is not installed yet")
        : known(list.match(/[a-z][a-z0-9_]*/g) ?? []);
    return new Map(all.map(({ id }): [ResourceId, typeof seen] => [id, seen]));
  },

  diff({ names, unit }, observed) {
    const now = observed.kind === "known" ? observed.value : [];
    const sorted = (list: readonly string[]) => list.toSorted().join(" ");
    if (sorted(now) === sorted(names)) return [];
    return [
      {
        kind: "update",
        risk: "none",
        before: sorted(now),
        after: sorted(names),
        saves: [FILE],
        apply: sh`rabbitmq-plugins -q set --offline ${names}`,
        undo: sh`if [ -e "$IMCLOUD_SAVED/0" ]; then cp -a "$IMCLOUD_SAVED/0" ${FILE}; else rm -f ${FILE}; fi`,
        notifies: [unit],
      },
    ];
  },
};
