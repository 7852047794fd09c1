/** What people get wrong about a board's first boot in a table of boards. */
import { parseBoards } from "../../../../src/fleet/cards-csv.js";
import { configOf, testAll, type Case } from "./refused.js";

const table = (text: string) => () => parseBoards(text, "boards.csv", configOf("{}").boards);

const CASES: readonly Case[] = [
  [
    "a table without `board`",
    table("hostname\npi\n"),
    [
      "error[config.invalid]: the column `board` is missing",
      "  at        boards.csv:1",
      "  found     hostname",
      "  expected  `board` and any of hostname, user, address, gateway, dns, wifi_ssid, wifi_country, locale, timezone, keyboard",
      "hint: name the columns in the first line",
    ],
  ],
  [
    "a table with nothing in it",
    table("board,hostname\n\n"),
    [
      "error[config.invalid]: `boards.csv` names no board",
      "  at        boards.csv:1",
      "  found     no line below the headings",
      "  expected  a line for each board",
      "hint: add one: `board` is the only column that must be there",
    ],
  ],
  [
    "an unknown column",
    table("board,adress\nattic,\n"),
    [
      "error[config.invalid]: `adress` is no column that imcloud knows",
      "  at        boards.csv:1",
      "  found     adress",
      "  expected  one of board, hostname, user, address, gateway, dns, wifi_ssid, wifi_country, locale, timezone, keyboard",
      "hint: did you mean `address`?",
    ],
  ],
  [
    "a column of passwords",
    table("board,wifi_password\nattic,x\n"),
    [
      "error[config.invalid]: `wifi_password` is no column that imcloud knows",
      "  at        boards.csv:1",
      "  found     wifi_password",
      "  expected  one of board, hostname, user, address, gateway, dns, wifi_ssid, wifi_country, locale, timezone, keyboard",
      "hint: did you mean `wifi_ssid`?",
    ],
  ],
  [
    "a column twice",
    table("board,user,user\nattic,a,b\n"),
    [
      "error[config.invalid]: the column `user` stands there twice",
      "  at        boards.csv:1",
      "  found     user",
      "hint: remove one of the two",
    ],
  ],
  [
    "a field too many",
    table("board,user\nattic,ada\ncellar,ada,x\n"),
    [
      "error[config.invalid]: line 3 has more or fewer fields than the first line has columns",
      "  at        boards.csv:3",
      "hint: give each column a field, if only an empty one; a field with a comma in it wants quotes",
    ],
  ],
  [
    "a quote that stays open",
    table('board,user\nattic,"ada\n'),
    [
      "error[config.invalid]: `boards.csv` is no table that can be read",
      "  at        boards.csv:2",
      "  found     Quote Not Closed: the parsing is finished with an opening quote at line 2",
      "hint: close the quotes that are open around this line",
    ],
  ],
  [
    "a board that does not exist",
    table("board\nattic\n\ncelar\n"),
    [
      "error[config.invalid]: `celar` is no board of imcloud.yaml",
      "  at        boards.csv:4",
      "  found     celar",
      "  expected  one of attic, cellar",
      "hint: did you mean `cellar`?",
    ],
  ],
  [
    "a line without a board",
    table("board,user\nattic,ada\n,ada\n"),
    [
      "error[config.invalid]: a line without a board",
      "  at        boards.csv:3",
      "  found     nothing",
      "  expected  one of attic, cellar",
      "hint: name the board, or remove the line",
    ],
  ],
  [
    "a board twice",
    table("board\nattic\ncellar\nattic\n"),
    [
      "error[config.invalid]: `attic` stands there twice",
      "  at        boards.csv:4",
      "  found     attic",
      "  expected  a board that line 2 does not have",
      "hint: remove one of the two lines",
    ],
  ],
  [
    "a bad value in the third line",
    table("board,user\nattic,ada\ncellar,Ada\n"),
    [
      "error[config.invalid]: the column `user` is not what is allowed there",
      "  at        boards.csv:3",
      "  found     Ada",
      "  expected  a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`",
      "hint: correct `user` in line 3",
    ],
  ],
  [
    "a bad address in a table",
    table("board,address\nattic,10.0.0.300/24\n"),
    [
      "error[config.invalid]: the column `address` is not what is allowed there",
      "  at        boards.csv:2",
      "  found     10.0.0.300/24",
      "  expected  an IPv4 address with its prefix length, such as `192.168.1.40/24`",
      "hint: correct `address` in line 2",
    ],
  ],
  [
    "a gateway without an address",
    table("board,gateway\nattic,10.0.0.1\n"),
    [
      "error[config.invalid]: the column `address` is empty, and needed here",
      "  at        boards.csv:2",
      "  found     nothing",
      "  expected  an IPv4 address with its prefix length, such as `192.168.1.40/24`",
      "hint: correct `address` in line 2",
    ],
  ],
  [
    "a radio without a country in a table",
    table("board,wifi_ssid\nattic,home\n"),
    [
      "error[config.invalid]: the column `wifi_country` is empty, and needed here",
      "  at        boards.csv:2",
      "  found     nothing",
      "  expected  a country of two capital letters, such as `DE`: without it the radio stays off",
      "hint: correct `wifi_country` in line 2",
    ],
  ],
];

testAll(CASES);
