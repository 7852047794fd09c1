import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { format } from "../../../src/web/chat/markdown.js";
import { pillsIn } from "../../../src/web/chat/pills.js";

const NOBODY: ReadonlyMap<string, string> = new Map();
const html = (text: string, named = NOBODY): string | undefined => format(text, named)?.html;

describe("is markup", () => {
  test.each<readonly [typed: string, html: string]>([
    ["**bold**", "<strong>bold</strong>"],
    ["*italic*", "<em>italic</em>"],
    ["_italic_", "<em>italic</em>"],
    ["***both***", "<strong><em>both</em></strong>"],
    ["**bold *both***", "<strong>bold <em>both</em></strong>"],
    ["*italic **both***", "<em>italic <strong>both</strong></em>"],
    ["~~struck~~", "<del>struck</del>"],
    ["two **lines\nof it**", "two <strong>lines<br>of it</strong>"],
    ["(**bold**), “*italic*”!", "(<strong>bold</strong>), “<em>italic</em>”!"],
    ["👍*fine*", "👍<em>fine</em>"],
    ["这是**重点。**内容", "这是<strong>重点。</strong>内容"],
    ["**注意**：今天", "<strong>注意</strong>：今天"],
    ["嗯，~~错~~ 对", "嗯，<del>错</del> 对"],
    ["이것은 **중요**합니다", "이것은 <strong>중요</strong>합니다"],
    ["`a < b`", "<code>a &lt; b</code>"],
    ["用`code`吧", "用<code>code</code>吧"],
    ["`**` **b**", "<code>**</code> <strong>b</strong>"],
    ["*a `*` b*", "<em>a <code>*</code> b</em>"],
    [
      "```js\nlet a = 1;\n\n  **b**\n```",
      '<pre><code class="language-js">let a = 1;\n\n  **b**\n</code></pre>',
    ],
    ['```"><b>\nx\n```', "<pre><code>x\n</code></pre>"],
    ["see\n```\nls *```\nthat", "<p>see</p><pre><code>ls *\n</code></pre><p>that</p>"],
    ["> said\nanswer", "<blockquote>said</blockquote>answer"],
    ["> one\n> two\n>\n> three", "<blockquote><p>one<br>two</p><p>three</p></blockquote>"],
    ["> > deeper\n> less", "<blockquote><blockquote>deeper</blockquote>less</blockquote>"],
    ["- milk\n- **eggs**", "<ul><li>milk</li><li><strong>eggs</strong></li></ul>"],
    ["* milk\n* eggs", "<ul><li>milk</li><li>eggs</li></ul>"],
    ["- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"],
    ["- [ ] to do\n- [x] done", "<ul><li>☐ to do</li><li>☑ done</li></ul>"],
    ["1. 5 apples\n2. 6 pears", "<ol><li>5 apples</li><li>6 pears</li></ol>"],
    ["3) three\n4) four", '<ol start="3"><li>three</li><li>four</li></ol>'],
    ["Buy:\n- milk\n- eggs\nThanks", "<p>Buy:</p><ul><li>milk</li><li>eggs</li></ul><p>Thanks</p>"],
    ["[here](https://a.org/b_(c))", '<a href="https://a.org/b_(c)">here</a>'],
    ["**[here](https://a.org/*b*)**", '<strong><a href="https://a.org/*b*">here</a></strong>'],
    ["[https://a.org](https://b.org)", '<a href="https://b.org">https://a.org</a>'],
    ["\\*text\\*", "*text*"],
    ["one\ntwo\n\n**three**", "<p>one<br>two</p><p><strong>three</strong></p>"],
  ])("%j", (typed, wanted) => {
    expect(html(typed)).toBe(wanted);
  });
});

describe("is as it was typed", () => {
  test.each([
    "1. 5 apples",
    "2. one thing",
    "1986. A year\n1990. Another",
    "2 * 3 * 4",
    "2*3*4 = 24",
    "2**3**4",
    "a ** b ** c",
    "(2*3)*(4*5)",
    "f(*args, **kwargs)",
    "+ 5 €\n+ 6 €",
    "- no",
    "snake_case_words and _private",
    "__init__.py, __name__",
    "报告_最终_版本.docx",
    "https://example.org/a_b_c/*d*/e_f~~g~~",
    "https://example.org/?q=*a*&r=_b_",
    "*_* *_* ^_^ ^_^ -_- -_- >_< >_<",
    ">_<\n>:(",
    ":* kiss :* :*) hi :*)",
    "¯\\_(ツ)_/¯",
    "C:\\*.txt \\\\server\\share",
    "张*伟、李*华",
    "138****1234",
    "好的~~再见~~",
    "~~~\n好\n~~~",
    "5* hotel, 4* food",
    "f*** you, s***",
    "****x****",
    "it`s what that`s",
    "# 1 of 5",
    "a title\n---",
    "    indented",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "[1] and [a](b)",
    "[x](javascript:alert(1))",
    "<b>bold</b> &amp; <img src=x>",
    "```\nnever ended",
    "*two\nlines*",
    "",
  ])("%j", (typed) => {
    expect(format(typed, NOBODY)).toBeUndefined();
  });
});

test.each<readonly [typed: string, html: string]>([
  ["<b>x</b> **y** &amp;", "&lt;b&gt;x&lt;/b&gt; <strong>y</strong> &amp;amp;"],
  ["<div>\n**x**\n</div>", "&lt;div&gt;<br><strong>x</strong><br>&lt;/div&gt;"],
  ["![x](https://a.org) **y**", '!<a href="https://a.org">x</a> <strong>y</strong>'],
  ["[x](javascript:alert(1)) **y**", "[x](javascript:alert(1)) <strong>y</strong>"],
  ["# x\n**y**\n---", "# x<br><strong>y</strong><br>---"],
  ["¯\\_(ツ)_/¯ **y**", "¯\\_(ツ)_/¯ <strong>y</strong>"],
  ["**x** C:\\dir\\\ny", "<strong>x</strong> C:\\dir\\<br>y"],
  ["https://a.org/_b_ **y**", '<a href="https://a.org/_b_">https://a.org/_b_</a> <strong>y</strong>'],
  ["**https://a.org/b**", '<strong><a href="https://a.org/b">https://a.org/b</a></strong>'],
])("%j beside markup stays text", (typed, wanted) => {
  expect(html(typed)).toBe(wanted);
});

test("names are links, whatever signs they have, but not in code", () => {
  const named = new Map([
    ["Ann", "@ann:hs1"],
    ["Anna", "@anna:hs1"],
    ["a_b*c & <d>", "@abc:hs1"],
    ["Cid", "@cid:hs1"],
  ]);
  const formatted = format("**@Anna**, @a_b*c & <d> and `@Cid`", named);
  expect(formatted).toEqual({
    html:
      '<strong><a href="https://matrix.to/#/%40anna%3Ahs1">Anna</a></strong>, ' +
      '<a href="https://matrix.to/#/%40abc%3Ahs1">a_b*c &amp; &lt;d&gt;</a> and <code>@Cid</code>',
    mentioned: ["@anna:hs1", "@abc:hs1"],
  });
  expect([...pillsIn(formatted?.html ?? "")]).toEqual([
    ["Anna", "@anna:hs1"],
    ["a_b*c & <d>", "@abc:hs1"],
  ]);
});

test("whatever is typed, nothing comes of it but elements that formatted messages may have", () => {
  const piece = fc.constantFrom(
    ..."*_~`[]()<>\\-+#&\"' \n1.ab中文".split(""),
    ..."** *** ~~ ``` > - 1. https:// <b> </b> @ann ](https:// [x](javascript: class= &lt;".split(" "),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      const made = html(text, new Map([["ann", "@ann:hs1"]]));
      if (made === undefined) return;
      const rest = made
        .replace(/<\/?(?:strong|em|del|code|pre|blockquote|ul|ol|li|p|br|a)>/g, "")
        .replace(/<a href="(?:https?|ftp|mailto|magnet|matrix):[^"<>]*">/gi, "")
        .replace(/<ol start="\d+">|<code class="language-[\w+#.-]+">/g, "");
      expect(rest).not.toMatch(/[<>]/);
    }),
    { numRuns: 2_000 },
  );
});

test("what is long and within itself ends", () => {
  for (const text of [
    "*a ".repeat(3_000),
    "_a_ ".repeat(3_000),
    "[a](b".repeat(2_000),
    "` `` ".repeat(2_000),
  ])
    format(text, NOBODY);
  expect(() => format("> ".repeat(10_000), NOBODY)).toThrow(RangeError);
});
