/**
 * How one event speaks of another: reactions, edits, threads, references.
 * Source: Matrix client-server API v1.19, "Forming relationships between events".
 */
import type { EventDraft } from "./event.js";
import { isObject, type JsonObject } from "./json.js";

export interface Relation {
  /** The event that is spoken of. */
  readonly parent: string;
  readonly relType: string;
}

export function relationOf(content: JsonObject): Relation | undefined {
  const relation = content["m.relates_to"];
  if (!isObject(relation)) return undefined;
  const { rel_type: relType, event_id: parent } = relation;
  return typeof relType === "string" && typeof parent === "string" ? { parent, relType } : undefined;
}

/** What a reaction says, such as an emoji. */
export function reactionOf(content: JsonObject): string | undefined {
  const relation = content["m.relates_to"];
  const key = isObject(relation) && relation["rel_type"] === "m.annotation" ? relation["key"] : undefined;
  return typeof key === "string" ? key : undefined;
}

/** Whether one event replaces what another says, which it names. Source: "Validity of replacement events". */
export function isEditOf(child: EventDraft, parent: EventDraft): boolean {
  return (
    child.sender === parent.sender &&
    child.type === parent.type &&
    child.stateKey === undefined &&
    parent.stateKey === undefined &&
    relationOf(parent.content)?.relType !== "m.replace" &&
    (child.content["m.new_content"] !== undefined || child.type === "m.room.encrypted")
  );
}
