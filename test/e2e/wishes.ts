/**
 * Lists of resources as a playbook would give them, for tests of what lies below playbooks.
 */
import type { Item } from "../../src/engine/types.js";
import { RESOURCE_TYPES } from "../../src/resources/registry.js";
import { resourceId } from "../../src/resources/resource.js";

/** One item for each pair of a type's word and what is said of it. */
export function wishes(inputs: readonly (readonly [string, unknown])[]): readonly Item[] {
  return inputs.map(([word, input], index) => {
    const type = RESOURCE_TYPES.get(word);
    if (type === undefined) throw new Error(`no type ${word}`);
    const desired = type.schema.parse(input);
    const origin = { file: "test.yaml", line: index + 1 };
    return {
      kind: "resource",
      resource: { type, desired, id: resourceId(word, type.key(desired)), origin, playbook: "test" },
    };
  });
}

/**
 * Paths, types, modes, owners and contents of a manifest, without what dpkg, apt and the account tools keep for
 * themselves and without moments.
 */
export function settledFiles(manifest: string): readonly string[] {
  const own =
    /\/var\/(lib\/(imcloud|apt|dpkg|ucf|systemd\/timers)|cache)|\/etc\/(passwd|group|gshadow|shadow|subuid|subgid)-|ld\.so\.cache|\/var\/lib\/systemd\/(random-seed|timesync)|\/etc\/(machine-id|ssh\/ssh_host_)|\/var\/tmp\/systemd-private/;
  return manifest
    .split("\n")
    .filter((row) => !own.test(row))
    .map((row) => row.replace(/ \d+\.\d+ /, " "));
}
