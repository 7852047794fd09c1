/**
 * What imcloud keeps beside `imcloud.yaml`: the folder `.imcloud/`, never committed.
 */
import { join } from "node:path";

export interface Workspace {
  /** Where imcloud.yaml is. */
  readonly folder: string;
  readonly knownHosts: string;
  /** The key that `init` made, if it made one. */
  readonly identity: string;
  readonly runs: string;
  readonly facts: string;
  readonly authority: string;
  readonly certificates: string;
  /** Host keys that were made for boards, a folder each. */
  readonly identities: string;
  /** Which card became which board. */
  readonly cards: string;
}

export function workspaceAt(folder: string): Workspace {
  const inside = (...names: string[]): string => join(folder, ".imcloud", ...names);
  return {
    folder,
    knownHosts: inside("known_hosts"),
    identity: inside("id_ed25519"),
    runs: inside("runs"),
    facts: inside("facts"),
    authority: inside("authority"),
    certificates: inside("certificates"),
    identities: inside("identities"),
    cards: inside("cards.json"),
  };
}
