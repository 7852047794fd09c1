import { expect, test } from "vitest";
import { z } from "zod";
import { schemaTable, type SchemaNode } from "../../../src/shared/schema-table.js";

const rows = (schema: z.ZodType): string[] =>
  schemaTable(z.toJSONSchema(schema, { io: "input" }) as SchemaNode)
    .split("\n")
    .slice(2);

test("a mapping that may be left empty has its settings", () => {
  const group = z.strictObject({ boards: z.array(z.string()).default([]).describe("its boards") }).nullable();
  expect(rows(z.strictObject({ groups: z.record(z.string(), group) }))).toEqual([
    "| `groups` | mapping | required |  |",
    "| `groups.NAME` | mapping |  |  |",
    "| `groups.NAME.boards` | list of text | `[]` | its boards |",
  ]);
});

test("where there are several ways, each is there and none is required", () => {
  const source = z.union([z.strictObject({ command: z.string() }), z.strictObject({ env: z.string() })]);
  expect(rows(z.strictObject({ secret: source }))).toEqual([
    "| `secret` | mapping | required |  |",
    "| `secret.command` | text |  |  |",
    "| `secret.env` | text |  |  |",
  ]);
});
