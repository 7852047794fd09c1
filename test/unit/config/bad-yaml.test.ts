/** What is no mapping, or no YAML at all, in the place of imcloud.yaml, and what imcloud says. */
import { testAll, type Case } from "./refused.js";

const CASES: readonly Case[] = [
  [
    "an empty file",
    "",
    [
      "`imcloud.yaml` is not what is allowed there",
      "1:1",
      "null",
      "a mapping (`key: value` lines)",
      "correct `imcloud.yaml`",
    ],
  ],
  [
    "a list",
    "- attic",
    [
      "`imcloud.yaml` is not what is allowed there",
      "1:1",
      '["attic"]',
      "a mapping (`key: value` lines)",
      "correct `imcloud.yaml`",
    ],
  ],
  [
    "tabs",
    "cloud:\n\tname: home",
    [
      "`imcloud.yaml` is not well-formed YAML: tabs are not allowed as indentation",
      "2:1",
      "name: home",
      "",
      "indent with spaces",
    ],
  ],
  [
    "an open bracket",
    "boards: [attic",
    [
      "`imcloud.yaml` is not well-formed YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
      "1:15",
      "boards: [attic",
      "",
      "indent the keys of one mapping by the same number of spaces",
    ],
  ],
  [
    "an open quote",
    'cloud: "home',
    [
      '`imcloud.yaml` is not well-formed YAML: missing closing "quote',
      "1:13",
      'cloud: "home',
      "",
      "add the missing character",
    ],
  ],
  [
    "the same key twice",
    "version: 1\nversion: 1",
    [
      "`imcloud.yaml` is not well-formed YAML: map keys must be unique",
      "2:1",
      "version: 1",
      "",
      "keep one of the two",
    ],
  ],
  [
    "two documents",
    "version: 1\n---\nversion: 1",
    [
      "`imcloud.yaml` is not well-formed YAML: source contains multiple documents; please use YAML.parseAllDocuments()",
      "2:1",
      "---",
      "",
      "remove the `---` between the two documents",
    ],
  ],
  [
    "an unknown alias",
    "cloud: *nowhere",
    [
      "`imcloud.yaml` is not well-formed YAML: unresolved alias (the anchor must be set before the alias): nowhere",
      "1:1",
      "cloud: *nowhere",
      "",
      "name an anchor that stands before it",
    ],
  ],
  [
    "an unknown YAML tag",
    "cloud: !secret x",
    [
      "`imcloud.yaml` is not well-formed YAML: unresolved tag: !secret",
      "1:8",
      "cloud: !secret x",
      "",
      "check quotes, colons and indentation around this line",
    ],
  ],
];

testAll(CASES);
