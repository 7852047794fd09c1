/**
 * The page at `/status`, for a browser that runs no scripts too: whose server it is, whether it is well, and how to get
 * in with a Matrix client. Nothing on it is secret or somebody's.
 *
 * It has no script, loads nothing, and can be framed by nobody.
 * Source: Content Security Policy Level 3.
 */
import { createHash } from "node:crypto";
import { version } from "../../../package.json";
import { escapeMarkup } from "../../shared/markup.js";
import type { ServerConfig } from "../../shared/server-config.js";

const STYLE = `
:root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif; }
body { max-width: 38rem; margin: 10vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; background: #8883; border-radius: .3em; padding: .1em .35em; }
.state { border-left: .35rem solid #2a9d5c; padding-left: .9rem; }
.state.ill { border-color: #d9822b; }
footer { margin-top: 3rem; font-size: .85rem; opacity: .75; }
`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": [
    "default-src 'none'",
    `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** How new people come in. */
const REGISTRATION: Readonly<Record<ServerConfig["registration"]["mode"], string>> = {
  closed: "Accounts are made by whoever runs this server.",
  token: "A new account needs a registration token, from whoever runs this server.",
  open: "Anybody who reaches this server can make an account, in the client.",
};

/**
 * @param isReady it takes messages
 * @returns the page, without its body for HEAD; status 503 while the server takes no messages
 */
export function statusPage(
  { serverName, publicBaseUrl, registration }: ServerConfig,
  isReady: boolean,
  method: string,
): Response {
  const name = escapeMarkup(serverName);
  const address = escapeMarkup(publicBaseUrl.replace(/\/$/, ""));
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${name}</h1>
<p>This is a private server for chat. It speaks the Matrix client-server API.</p>
<p class="state${isReady ? "" : " ill"}">${
    isReady ? "It is up, and takes messages." : "It is up, but cannot take messages at present."
  }</p>
<h2>Come in</h2>
<ol>
<li><a href="/">Open the chat in this browser</a>, or install a Matrix client, such as Element X, FluffyChat or Element.</li>
<li>Where a client asks for the server, give <code>${address}</code></li>
<li>Sign in with your name and password. ${REGISTRATION[registration.mode]}</li>
</ol>
<p>If your device calls this address unsafe, it does not know the certificate authority of this cloud yet: ask whoever runs the server for it.</p>
</main>
<footer>imcloud ${escapeMarkup(version)} · <a href="/_matrix/client/versions">versions of the API</a></footer>
</body>
</html>
`;
  return new Response(method === "HEAD" ? null : page, { status: isReady ? 200 : 503, headers: HEADERS });
}
