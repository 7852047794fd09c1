/**
 * The schema as JSON Schema, which gives editors completion. The reference in docs/configuration.md comes
 * from it too.
 */
import { z } from "zod";
import type { SchemaNode } from "../shared/schema-table.js";
import { ConfigFile, SecretsFile } from "./schema.js";

const SCHEMAS = { config: ConfigFile, secrets: SecretsFile } as const;

/** JSON Schema (draft 2020-12) of a file that people write. */
export function jsonSchema(name: keyof typeof SCHEMAS): SchemaNode {
  return z.toJSONSchema(SCHEMAS[name], { io: "input", target: "draft-2020-12" }) as SchemaNode;
}
