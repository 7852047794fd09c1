import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { settingsOf } from "../../../src/fleet/npm-settings.js";

/** What npm 10 prints of a machine where nothing was set, as far as it matters. */
const DEFAULTS = {
  ...{ registry: "https://registry.npmjs.org/", ca: null, cafile: null, proxy: null, "https-proxy": null },
  ...{ noproxy: [""], "strict-ssl": true, json: true },
};

test("a machine where nothing was set asks the public registry", async () => {
  expect(await settingsOf(DEFAULTS)).toEqual({ registry: "https://registry.npmjs.org/", strictSSL: true });
});

test("a company's registry, certificate and proxies are taken over", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-npm-"));
  try {
    const cafile = join(folder, "ca.pem");
    const certificate = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;
    await writeFile(cafile, `# ours\n${certificate("AAAA")}\n\n# theirs\n${certificate("BBBB")}\n`);
    expect(
      await settingsOf({
        ...DEFAULTS,
        ...{ cafile, proxy: "http://proxy.example:3128", "https-proxy": "http://proxy.example:3129" },
        ...{ noproxy: ["localhost", ".example"], "@oven:registry": "https://npm.example/oven/" },
      }),
    ).toEqual({
      registry: "https://registry.npmjs.org/",
      strictSSL: true,
      ca: [certificate("AAAA"), certificate("BBBB")],
      proxy: "http://proxy.example:3128",
      httpsProxy: "http://proxy.example:3129",
      noProxy: ["localhost", ".example"],
      "@oven:registry": "https://npm.example/oven/",
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
