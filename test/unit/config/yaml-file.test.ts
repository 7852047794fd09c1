import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { ImcloudError } from "../../../src/shared/errors.js";

const json = fc.jsonValue({ maxDepth: 4 });

test("what YAML's own library writes is read as it was", () => {
  fc.assert(
    fc.property(json, fc.constantFrom("block", "flow"), (value, style) => {
      const text = stringify(value, { collectionStyle: style, lineWidth: 0 });
      // Through JSON, which knows no negative zero; YAML does.
      const plain = (of: unknown): unknown => JSON.parse(JSON.stringify(of));
      expect(plain(parseYaml(text, "x.yaml").value)).toEqual(plain(value));
    }),
  );
});

test("the origin of every value is where it stands", () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const tree = fc.dictionary(name, fc.dictionary(name, fc.nat(), { minKeys: 1 }), { minKeys: 1 });
  fc.assert(
    fc.property(tree, (boards) => {
      const text = stringify(boards);
      const yaml = parseYaml(text, "x.yaml");
      const lines = text.split("\n");
      for (const [board, settings] of Object.entries(boards)) {
        const { line, column } = yaml.originOfKey([board]);
        expect(lines[line - 1]?.slice((column ?? 1) - 1)).toBe(`${board}:`);
        for (const [key, value] of Object.entries(settings)) {
          const at = yaml.originOf([board, key]);
          expect(lines[at.line - 1]).toBe(`  ${key}: ${value}`);
          expect(lines[at.line - 1]?.slice((at.column ?? 1) - 1)).toBe(String(value));
        }
      }
    }),
  );
});

test("no text gets anything but a configuration or an error with a place in the file", () => {
  const base =
    "version: 1\ncloud: { name: home }\nboards:\n  attic: { address: 192.168.1.23, tags: [ssd] }\n";
  const damaged = fc
    .tuple(fc.nat(base.length), fc.nat(10), fc.string({ unit: "binary", maxLength: 10 }))
    .map(([at, length, noise]) => base.slice(0, at) + noise + base.slice(at + length));
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.string({ unit: "binary" }),
        json.map((value) => stringify(value)),
      ),
      (text) => {
        try {
          readConfig(parseYaml(text, "imcloud.yaml"));
        } catch (error) {
          expect(error).toBeInstanceOf(ImcloudError);
          const { origin, hint } = (error as ImcloudError).details;
          expect(hint).not.toBe("");
          expect(origin?.line).toBeGreaterThanOrEqual(1);
          expect(origin?.line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length + 1);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("aliases that unfold without end are refused", () => {
  const levels = Array.from(
    { length: 12 },
    (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`,
  );
  const bomb = ["l0: &l0 [x]", ...levels].join("\n");
  expect(() => parseYaml(bomb, "x.yaml")).toThrow(ImcloudError);
});

test("anchors and merge keys spare repetition", () => {
  const text = "base: &base { user: pi, port: 22 }\nattic: { <<: *base, port: 2222 }";
  expect(parseYaml(text, "x.yaml").value).toMatchObject({ attic: { user: "pi", port: 2222 } });
});

test("Norway stays a country: only true and false are boolean", () => {
  expect(parseYaml("[no, off, yes, 08, 1e3]", "x.yaml").value).toEqual(["no", "off", "yes", 8, 1000]);
});
