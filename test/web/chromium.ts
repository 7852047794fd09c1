import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PATH = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/** @throws Error where there is none: scripts/test.sh installs Debian's */
export async function openBrowser(): Promise<Browser> {
  if (PATH === undefined) throw new Error("there is no Chromium: apt-get install chromium");
  return chromium.launch({
    executablePath: PATH,
    // Tests run as root, where Chromium's own sandbox cannot be; microphones are made up.
    args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}
