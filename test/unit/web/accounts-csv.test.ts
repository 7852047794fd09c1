/** Accounts from a table, line by line. */
import { expect, test } from "vitest";
import { decode, readAccounts } from "../../../src/web/admin/csv.js";

const names = (text: string) => readAccounts(text).wanted.map(({ line, name }) => [line, name]);

test("a line has a name, and the rest may be empty", () => {
  expect(readAccounts("ada,secret one,Ada L.,yes\nben\ncleo,,,\n")).toEqual({
    wanted: [
      { line: 1, name: "ada", password: "secret one", displayName: "Ada L.", isAdmin: true },
      { line: 2, name: "ben", isAdmin: false },
      { line: 3, name: "cleo", isAdmin: false },
    ],
    bad: [],
  });
});

test.each([
  ["headings", "Name,Password\nada,x\n"],
  ["a byte order mark", "\uFEFFname\nada\n"],
  ["Windows' line ends, and lines that are empty", "name\r\n\r\n \r\nada\r\n"],
  ["headings in Chinese", "用户名,密码,显示名称,管理员\nada,,,是\n"],
  ["semicolons", "name;password\nada;a,b\n"],
  ["tabs, as spreadsheets copy", "name\tpassword\nada\tx\n"],
])("%s are understood", (_what, text) => {
  expect(names(text).map(([, name]) => name)).toEqual(["ada"]);
});

test("quotation marks keep what they hold", () => {
  const { wanted } = readAccounts('ada,"a,""b",  " Ada, Countess"\n');
  expect(wanted).toMatchObject([{ password: 'a,"b', displayName: " Ada, Countess" }]);
});

test("what is wrong is named by its line, and takes nothing with it", () => {
  const text = 'name\nada\n,x\nAda\n"ben\ncleo,,,perhaps\nada\ndan,a,b,no,more\nemma\n';
  const { wanted, bad } = readAccounts(text);
  expect(wanted.map(({ line, name }) => [line, name])).toEqual([
    [2, "ada"],
    [9, "emma"],
  ]);
  expect(bad.map(({ line, word }) => [line, word])).toEqual([
    [3, "csvNoName"],
    [4, "csvBadName"],
    [5, "csvBroken"],
    [6, "csvBadAdmin"],
    [7, "csvTwice"],
    [8, "csvTooMany"],
  ]);
  expect(bad.find(({ word }) => word === "csvTwice")?.values).toEqual({ name: "ada", line: 2 });
});

test("a table that is no UTF-8 is taken for Chinese as spreadsheets write it", () => {
  const gbk = new Uint8Array([0xbf, 0xcb, 0xc0, 0xf2]);
  expect(decode(gbk.buffer)).toBe("克莉");
  expect(decode(new TextEncoder().encode("克莉").buffer)).toBe("克莉");
});
