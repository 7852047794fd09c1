/** Style and script of the welcome page, as they stand in it: its Content-Security-Policy allows them by their hashes. */

export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --soft: #e8ecf1; --line: #8a95a3; --here: #b3410e; --on: #1f7a46;
  font: 1.05rem/1.6 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181e; --ink: #e6eaf0; --soft: #28303a; --line: #7d8997; --here: #ff9c6b; --on: #4cc38a; }
}
body { max-width: 40rem; margin: 0 auto; padding: 1rem 1.2rem 4rem; overflow-wrap: anywhere; }
nav { text-align: right; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; }
a { color: inherit; }
code { background: var(--soft); border-radius: .3em; padding: .1em .35em; }
.invited { border-left: .35rem solid var(--on); padding-left: .9rem; }
details { border: 1px solid var(--line); border-radius: .6rem; padding: .2rem 1rem; margin: .6rem 0; }
summary { cursor: pointer; padding: .5rem 0; font-weight: 600; }
ol { padding-left: 1.3rem; }
.note { font-size: .92rem; border-top: 1px solid var(--soft); padding-top: .6rem; }
.get, .open { display: inline-block; border-radius: .5rem; padding: .45rem .9rem; text-decoration: none; font-weight: 600;
  background: var(--ink); color: var(--paper); }
.open { font-size: 1.15rem; padding: .7rem 1.4rem; }
.print { font: 1.1rem/1.7 ui-monospace, monospace; background: var(--soft); border-radius: .6rem; padding: .8rem 1rem; }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--here); outline-offset: 2px; }
.shot { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
.shot text { fill: var(--ink); }
.shot .frame { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; }
.shot .row, .shot .button { fill: var(--soft); stroke: none; }
.shot .here { stroke: var(--here); stroke-width: 2.5; }
.shot .ink { fill: var(--line); }
.shot .title { font-weight: 600; }
.shot .press { text-anchor: middle; font-weight: 600; }
.shot .line { fill: none; stroke: var(--line); stroke-width: 1.5; }
.shot .on { fill: var(--on); }
.shot .knob { fill: var(--paper); }
.shot .check { fill: none; stroke: var(--paper); stroke-width: 2; }
.code { max-width: 100%; height: auto; shape-rendering: crispEdges; }
.code .paper { fill: #fff; }
.code path { fill: #000; }
`;

/**
 * Carries an invitation from this page's fragment to its links, and opens the steps of an iPad, which calls itself a
 * Mac. What registration tokens are made of: Matrix client-server API, "Token-authenticated registration".
 */
export const SCRIPT = `
"use strict";
const carry = () => {
  const isInvited = /^#\\/join\\/[A-Za-z0-9._~-]{1,64}$/.test(location.hash);
  document.getElementById("invited").hidden = !isInvited;
  for (const link of document.querySelectorAll("a[data-carry]")) link.hash = isInvited ? location.hash : "";
};
addEventListener("hashchange", carry);
carry();
if (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
  document.getElementById("macos")?.removeAttribute("open");
  document.getElementById("ios")?.setAttribute("open", "");
}
`;
