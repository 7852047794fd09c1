/** Indexes of packages, and what installing takes along. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { closureOf, parseIndex, sumsOf } from "../../../../src/fleet/kit/package-index.js";

const SHA = "a".repeat(64);

interface Given {
  readonly version?: string;
  readonly depends?: string;
  readonly preDepends?: string;
  readonly provides?: string;
  readonly priority?: string;
}

const paragraph = (name: string, { version = "1.0", depends, preDepends, provides, priority }: Given = {}) =>
  [
    `Package: ${name}`,
    `Version: ${version}`,
    ...(depends === undefined ? [] : [`Depends: ${depends}`]),
    ...(preDepends === undefined ? [] : [`Pre-Depends: ${preDepends}`]),
    ...(provides === undefined ? [] : [`Provides: ${provides}`]),
    `Priority: ${priority ?? "optional"}`,
    `Description: what it is\n of more lines: than one`,
    `Filename: pool/main/${name}_${version}.deb`,
    "Size: 12",
    `SHA256: ${SHA}`,
  ].join("\n");

const closure = (wanted: readonly string[], ...paragraphs: readonly string[]) => {
  const { packages, missing } = closureOf(wanted, parseIndex(`${paragraphs.join("\n\n")}\n`));
  return { packages: packages.map(({ name, version }) => `${name} ${version}`), missing };
};

test("a paragraph is a package", () => {
  const text = paragraph("broker", {
    depends: "erlang-base (>= 1:25.0) | esl-erlang, adduser:any,\n libc6",
    preDepends: "init-system-helpers (>= 1.54~)",
    provides: "mq (= 3), amqp-server",
    priority: "extra",
  });
  expect(parseIndex(text)).toEqual([
    {
      name: "broker",
      version: "1.0",
      file: "pool/main/broker_1.0.deb",
      sizeBytes: 12,
      sha256: SHA,
      needs: [["init-system-helpers"], ["erlang-base", "esl-erlang"], ["adduser"], ["libc6"]],
      provides: ["mq", "amqp-server"],
      priority: "extra",
    },
  ]);
});

test("all that is needed comes along, and nothing else", () => {
  expect(
    closure(
      ["broker"],
      paragraph("broker", { depends: "runtime (>= 2), helper", preDepends: "init" }),
      paragraph("runtime", { depends: "libc" }),
      paragraph("helper", { depends: "broker" }),
      ...["init", "libc", "game"].map((name) => paragraph(name)),
    ),
  ).toEqual({ packages: ["broker 1.0", "helper 1.0", "init 1.0", "libc 1.0", "runtime 1.0"], missing: [] });
});

test("every version is taken that an archive offers: which one, the board's apt decides", () => {
  const { packages } = closure(
    ["broker"],
    paragraph("broker", { depends: "old" }),
    paragraph("broker", { version: "1.1", depends: "new" }),
    paragraph("old"),
    paragraph("new"),
  );
  expect(packages).toEqual(["broker 1.0", "broker 1.1", "new 1.0", "old 1.0"]);
});

test("of alternatives the first that there is", () => {
  const index = ["b", "c"].map((name) => paragraph(name));
  expect(closure(["x"], paragraph("x", { depends: "a | b | c" }), ...index).packages).toEqual([
    "b 1.0",
    "x 1.0",
  ]);
});

test("a name that others provide: those of the best priority", () => {
  expect(
    closure(
      ["cron-daemon"],
      paragraph("bcron", { provides: "cron-daemon" }),
      paragraph("cron", { provides: "cron-daemon", priority: "important" }),
      paragraph("cronie", { provides: "cron-daemon", priority: "extra" }),
    ).packages,
  ).toEqual(["cron 1.0"]);
});

test("what nobody has is told", () => {
  expect(closure(["broker", "brokre"], paragraph("broker", { depends: "ghost | spirit" }))).toEqual({
    packages: ["broker 1.0"],
    missing: ["brokre", "ghost | spirit"],
  });
});

test("whatever depends on whatever: each need of what is taken is taken", () => {
  const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const given = fc.dictionary(
    name,
    fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  );
  fc.assert(
    fc.property(given, fc.array(name), (needs, wanted) => {
      const index = parseIndex(
        Object.entries(needs)
          .map(([each, groups]) =>
            paragraph(each, { depends: groups.map((group) => group.join(" | ")).join(", ") }),
          )
          .join("\n\n"),
      );
      const { packages, missing } = closureOf(wanted, index);
      const taken = new Set(packages.map((entry) => entry.name));
      for (const group of [...wanted.map((each) => [each]), ...packages.flatMap((entry) => entry.needs)])
        expect(group.some((each) => taken.has(each)) || missing.includes(group.join(" | "))).toBe(true);
    }),
  );
});

test("sums of a signed list", () => {
  const release = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Acquire-By-Hash: yes
MD5Sum:
 0123456789abcdef0123456789abcdef     1000 main/binary-arm64/Packages.xz
SHA256:
 ${SHA}     1000 main/binary-arm64/Packages.xz
 ${"b".repeat(64)}        3 main/binary-arm64/Release
-----BEGIN PGP SIGNATURE-----

 ${"c".repeat(64)}        3 main/binary-arm64/none
-----END PGP SIGNATURE-----
`;
  expect([...sumsOf(release)]).toEqual([
    ["main/binary-arm64/Packages.xz", SHA],
    ["main/binary-arm64/Release", "b".repeat(64)],
  ]);
  expect(sumsOf("nothing of the kind").size).toBe(0);
});
