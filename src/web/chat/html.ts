/**
 * Formatted messages: the elements and attributes that the specification lists, and nothing else.
 * Source: Matrix client-server API v1.19, "m.room.message msgtypes".
 */
import DOMPurify from "dompurify";
import { LANGUAGE, LINK } from "./allowed.js";

const TAGS = [
  ...[
    "del",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "p",
    "a",
    "ul",
    "ol",
    "sup",
    "sub",
    "li",
    "b",
    "i",
  ],
  ...[
    "u",
    "strong",
    "em",
    "s",
    "code",
    "hr",
    "br",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "caption",
  ],
  ...["pre", "span", "details", "summary"],
];
/** Attributes that are no addresses, and are not looked at as if they were. */
const WORDS = ["start", "class", "data-mx-color", "data-mx-bg-color", "data-mx-spoiler"];
/** Elements within each other before the rest is left out. The specification's own figure. */
const DEEPEST = 100;

/**
 * @param html what somebody sent
 * @returns nodes that run nothing, load nothing, and look like nothing of the page's own
 */
export function sanitize(html: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", ...WORDS],
    ADD_URI_SAFE_ATTR: WORDS,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: LINK,
    FORBID_CONTENTS: ["mx-reply", "script", "style", "title"],
    RETURN_DOM_FRAGMENT: true,
  });
  tidy(fragment, 0);
  return fragment;
}

function tidy(parent: ParentNode & Node, depth: number): void {
  for (const element of [...parent.children]) {
    if (depth >= DEEPEST) {
      element.remove();
      continue;
    }
    if (!(element instanceof HTMLElement)) continue;
    if (element.hasAttribute("class") && !isLanguageClass(element)) element.removeAttribute("class");
    if (element instanceof HTMLAnchorElement) {
      element.target = "_blank";
      element.rel = "noopener noreferrer";
    }
    colour(element, "data-mx-color", "color");
    colour(element, "data-mx-bg-color", "backgroundColor");
    if (element.hasAttribute("data-mx-spoiler")) {
      element.classList.add("spoiler");
      element.tabIndex = 0;
    }
    tidy(element, depth + 1);
  }
}

/** `language-…` on code is the only class that the specification lets through. */
function isLanguageClass({ tagName, className }: HTMLElement): boolean {
  return tagName === "CODE" && className.startsWith("language-") && LANGUAGE.test(className.slice(9));
}

function colour(element: HTMLElement, attribute: string, property: "color" | "backgroundColor"): void {
  const value = element.getAttribute(attribute);
  if (value !== null && /^#[0-9a-f]{6}$/i.test(value)) element.style[property] = value;
}
