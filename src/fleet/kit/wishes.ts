/**
 * What boards are going to want that is not in imcloud itself, told before any of them is asked: systems with their
 * packages, runtimes, Kafka.
 */
import type { BoardConfig } from "../../config/load.js";
import { releaseOf, type Facts } from "../../board/facts.js";
import { boardRuntime } from "../artifacts.js";
import { rememberedFacts } from "../facts-cache.js";
import type { Fleet } from "../fleet.js";
import { fetchKafka, kafkaOf } from "../kafka.js";
import { resolverOf } from "../resolver.js";
import { otherArchives, systemNotKnown } from "./errors.js";
import { assumedFacts, type System } from "./systems.js";

export interface Wishes {
  readonly systems: readonly (System & { readonly packages: readonly string[] })[];
  /** What else boards get: fetched, with what it is. */
  readonly files: readonly { readonly path: string; readonly name: string }[];
}

/**
 * @param systems what cards are going to be written with; none: what each board had when it was last looked at
 * @param fetching called before a download, with what it is
 * @throws ImcloudError `cli.usage` for a board of which nothing is known, `config.invalid` for what no kit can hold,
 *   and those of playbooks
 */
export async function wishesOf(
  fleet: Fleet,
  systems: readonly System[],
  fetching: (what: string) => void,
): Promise<Wishes> {
  const packages = new Map<string, System & { readonly packages: Set<string> }>();
  const files = new Map<string, string>();
  for (const board of fleet.boards) {
    for (const facts of await factsFor(fleet, board, systems)) {
      const system = { release: releaseOf(facts), arch: facts.arch };
      const key = `${system.release} ${system.arch}`;
      const all = packages.get(key) ?? { ...system, packages: new Set<string>() };
      packages.set(key, all);
      for (const name of await packagesFor(fleet, board, facts)) all.packages.add(name);
      if (board.playbooks.includes("imserver"))
        files.set(await boardRuntime(facts.arch, fetching), `the IM server's runtime for ${facts.arch}`);
      if (board.playbooks.includes("kafka")) {
        const kafka = await kafkaOf(fleet.config, board.name, facts);
        const { path } = await fetchKafka(kafka, fleet.config, fetching);
        // A file of the operator's is his to carry, as imcloud.yaml is.
        if (fleet.config.kafka.archive === undefined) files.set(path, `Kafka ${kafka.version}`);
      }
    }
  }
  return {
    systems: [...packages.values()].map((each) => ({ ...each, packages: [...each.packages].toSorted() })),
    files: [...files].map(([path, name]) => ({ path, name })),
  };
}

/** A board as it is right after its card was written, whatever it has by now. */
async function factsFor(
  { workspace }: Fleet,
  { name }: BoardConfig,
  systems: readonly System[],
): Promise<readonly Facts[]> {
  if (systems.length > 0) return systems.map(assumedFacts);
  const facts = await rememberedFacts(workspace, name);
  if (facts === undefined) throw systemNotKnown(name);
  return [{ ...facts, packages: {} }];
}

async function packagesFor(
  { config, secrets, workspace }: Fleet,
  board: BoardConfig,
  facts: Facts,
): Promise<readonly string[]> {
  const items = await resolverOf({
    ...{ config, board, secrets, workspace, onlyLooking: true },
    fetching: () => undefined,
  })(facts);
  const desired = items.flatMap((item) =>
    item.kind === "resource" ? [[item.resource.type.type, item.resource.desired] as const] : [],
  );
  const of = <Desired>(word: string) =>
    desired.flatMap(([type, value]) => (type === word ? [value as Desired] : []));
  const others = of<{ readonly name: string }>("apt-repository").map(({ name }) => name);
  if (others.length > 0) throw otherArchives(board.name, others);
  return of<{ readonly names: readonly string[] }>("package").flatMap(({ names }) => names);
}
