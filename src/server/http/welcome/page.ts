/**
 * The welcome page: how each kind of device comes to trust the server, what to compare, and where to go then.
 *
 * It loads nothing. Without its script all of it is there but for the invitation, which stands in the address's
 * fragment and which the script carries over to the links.
 * Source: Content Security Policy Level 3; WCAG 2.2 for what screen readers need.
 */
import { createHash } from "node:crypto";
import { fingerprintLines, type AuthorityCertificate } from "../../../shared/authority-certificate.js";
import { qrCodeOf } from "../../../shared/qr-code.js";
import { escapeMarkup } from "../../../shared/markup.js";
import { LANGUAGES, type Language } from "./language.js";
import { draw } from "./pictures.js";
import { PLATFORMS, type PlatformName } from "./platforms.js";
import { SCRIPT, STYLE } from "./assets.js";
import type { PlatformWords, Words } from "./words.js";

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Headers of the page: nothing runs and nothing is asked for but what stands in it. */
export const SECURITY = {
  "content-security-policy": [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    `script-src ${hashOf(SCRIPT)}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
};

export interface PageInput {
  readonly language: Language;
  /** Opened first. */
  readonly platform: PlatformName | undefined;
  readonly serverName: string;
  /** Where the chat is. */
  readonly address: string;
  /** Undefined: there is nothing to install. */
  readonly authority: AuthorityCertificate | undefined;
}

/** Light modules around a code. Source: ISO/IEC 18004. */
const QUIET = 4;

export function renderPage(input: PageInput): string {
  const { language, address, authority } = input;
  const { tag, words } = LANGUAGES[language];
  const say = (text: string): string => mark(fill(text, input));
  const body =
    authority === undefined
      ? [`<p>${say(words.nothing)}</p>`, openLink(words, address)]
      : [
          `<p>${say(words.intro)}</p>`,
          `<h2>${say(words.trust.title)}</h2>`,
          `<p>${say(words.trust.why)}</p>`,
          ...ordered(input.platform).map((name) =>
            renderPlatform(name, words.platforms[name], say, name === input.platform),
          ),
          `<h2>${say(words.compare.title)}</h2>`,
          `<p class="print" dir="ltr">${fingerprintLines(authority.sha256).map(escapeMarkup).join("<br>")}</p>`,
          `<p>${say(words.compare.how)}</p>`,
          `<p>${say(words.compare.files)} <a href="/welcome/ca.crt">DER</a> · <a href="/welcome/ca.pem">PEM</a> · <a href="/welcome/imcloud.mobileconfig">iOS, macOS</a></p>`,
          `<h2>${say(words.open.title)}</h2>`,
          openLink(words, address),
          `<p>${say(words.open.how)}</p>`,
          renderLimits(words, say),
        ];
  return `<!doctype html>
<html lang="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeMarkup(fill(words.title, input))}</title>
<style>${STYLE}</style>
</head>
<body>
<nav>${otherLanguages(language)}</nav>
<main>
<h1>${escapeMarkup(fill(words.title, input))}</h1>
<p class="invited" id="invited" hidden>${say(words.invited)}</p>
<noscript><p class="invited">${say(words.open.withoutScript)}</p></noscript>
${body.join("\n")}
<h2>${say(words.code.title)}</h2>
${drawCode(address, words.code.label)}
<p><code>${escapeMarkup(address)}</code></p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** The detected one first; the others as they are. */
const ordered = (first: PlatformName | undefined): readonly PlatformName[] =>
  first === undefined ? PLATFORMS : [first, ...PLATFORMS.filter((name) => name !== first)];

function renderPlatform(
  name: PlatformName,
  { title, steps, notes }: PlatformWords,
  say: (text: string) => string,
  isOpen: boolean,
): string {
  const items = steps.map(({ text, get, picture }) => {
    const link = get === undefined ? "" : ` <a class="get" href="/welcome/${get.file}">${say(get.label)}</a>`;
    const drawing =
      picture === undefined ? "" : draw(picture, `${picture.title}: ${text.replaceAll("*", "")}`);
    return `<li><p>${say(text)}${link}</p>${drawing}</li>`;
  });
  return [
    `<details id="${name}"${isOpen ? " open" : ""}><summary>${say(title)}</summary>`,
    `<ol>${items.join("")}</ol>`,
    ...notes.map((note) => `<p class="note">${say(note)}</p>`),
    "</details>",
  ].join("\n");
}

function renderLimits({ limits }: Words, say: (text: string) => string): string {
  return [
    `<details><summary>${say(limits.title)}</summary>`,
    ...[limits.can, limits.cannot, limits.remove].map((text) => `<p>${say(text)}</p>`),
    "</details>",
  ].join("\n");
}

const openLink = ({ open }: Words, address: string): string =>
  `<p><a class="open" data-carry href="${escapeMarkup(address)}">${escapeMarkup(open.link)}</a></p>`;

function otherLanguages(own: Language): string {
  return (Object.keys(LANGUAGES) as Language[])
    .filter((language) => language !== own)
    .map((language) => {
      const { name, tag } = LANGUAGES[language];
      return `<a data-carry hreflang="${tag}" lang="${tag}" href="/welcome?lang=${language}">${name}</a>`;
    })
    .join(" ");
}

function fill(text: string, { serverName, address, authority }: PageInput): string {
  const values: Readonly<Record<string, string>> = {
    ...{ server: serverName, address, name: authority?.name ?? "" },
    file: `${serverName.replaceAll(/[^A-Za-z0-9.-]/g, "-")}.crt`,
  };
  return text.replaceAll(/\{(\w+)\}/g, (_whole, key: string) => values[key] ?? "");
}

/** Makes elements of the marks that {@link Words} may have. */
const mark = (text: string): string =>
  escapeMarkup(text)
    .replaceAll(/\*\*(.+?)\*\*/g, "<b>$1</b>")
    .replaceAll(/`(.+?)`/g, "<code>$1</code>");

/** Dark on light in dark mode too: not every camera reads the opposite. */
function drawCode(text: string, label: string): string {
  const code = qrCodeOf(text);
  let path = "";
  for (let row = 0; row < code.size; row += 1)
    for (let column = 0; column < code.size; column += 1)
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
  const whole = code.size + 2 * QUIET;
  return `<svg class="code" viewBox="0 0 ${whole} ${whole}" width="200" height="200" role="img" aria-label="${escapeMarkup(label)}"><rect class="paper" width="${whole}" height="${whole}"/><path d="${path}"/></svg>`;
}
