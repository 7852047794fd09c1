/**
 * Playbooks as JSON Schema, which gives editors completion: what they say of themselves, and one key for each type.
 */
import { z } from "zod";
import { RESOURCE_TYPES } from "../resources/registry.js";
import { Playbook, Task } from "./document.js";

const OPTIONS = { io: "input", target: "draft-2020-12", unrepresentable: "any" } as const;

/** What may be written instead of a setting: resolve.ts makes the one of the other. */
const INSTEAD: Readonly<Record<string, { readonly of: string; readonly write: string }>> = {
  file: { of: "content", write: "template" },
  artifact: { of: "source", write: "from" },
};

interface Mapping {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly items?: object;
}

/**
 * JSON Schema (draft 2020-12) of a playbook.
 *
 * Where a type wants a number or a list, `{{ ... }}` may stand as text: that is allowed everywhere, as only the value
 * that comes of it is judged.
 */
export function playbookSchema(): Readonly<Record<string, unknown>> {
  const types = [...RESOURCE_TYPES].map(([name, { schema }]): [string, object] => [
    name,
    withExpressions(withInstead(name, z.toJSONSchema(schema, OPTIONS) as Mapping)),
  ]);
  const task = z.toJSONSchema(Task, OPTIONS) as { properties: object };
  const playbook = z.toJSONSchema(Playbook, OPTIONS) as { properties: object };
  return {
    ...playbook,
    properties: {
      ...playbook.properties,
      tasks: {
        type: "array",
        minItems: 1,
        items: {
          ...task,
          properties: { ...task.properties, ...Object.fromEntries(types) },
          additionalProperties: false,
        },
      },
    },
  };
}

const EXPRESSION = { type: "string", pattern: "\\{\\{" };

/** Every value below a type may be an expression instead. */
function withExpressions(schema: Mapping): object {
  const { properties, items } = schema;
  return {
    ...schema,
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [
          name,
          { anyOf: [withExpressions(inner), EXPRESSION] },
        ]),
      ),
    }),
    ...(items !== undefined && { items: { anyOf: [withExpressions(items), EXPRESSION] } }),
  };
}

function withInstead(name: string, schema: Mapping): Mapping {
  const instead = INSTEAD[name];
  if (instead === undefined) return schema;
  const { of, write } = instead;
  return {
    ...schema,
    properties: {
      ...schema.properties,
      [write]: { type: "string", description: `a file, instead of \`${of}\`` },
    },
    required: (schema.required ?? []).filter((key) => key !== of),
  };
}
