/**
 * Addresses of scripts, where the browser knows Trusted Types: only the ones that are written out in these pages.
 * Source: Trusted Types, W3C Working Draft.
 */
interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const OWN = new Set(["/service-worker.js"]);

const rules = {
  createScriptURL(url: string): string {
    if (OWN.has(url)) return url;
    throw new TypeError(`${url} is no script of these pages`);
  },
};

const policy =
  (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy("imcloud", rules) ?? rules;

/** @throws TypeError when it is no script of these pages */
export const trustedUrl = (url: string): string => policy.createScriptURL(url);
