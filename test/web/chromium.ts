import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PATH = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/**
 * @param home of the person, whose own authorities the browser trusts: else those of whoever runs this
 * @param film a Y4M file that its camera shows; it is read when the camera is used. Else the camera shows a test picture
 * @throws Error where there is none: scripts/test.sh installs Debian's
 */
export async function openBrowser(home?: string, film?: string): Promise<Browser> {
  if (PATH === undefined) throw new Error("there is no Chromium: apt-get install chromium");
  return chromium.launch({
    executablePath: PATH,
    ...(home !== undefined && { env: { ...process.env, HOME: home } }),
    // Tests run as root, where Chromium's own sandbox cannot be; microphones and cameras are made up.
    // A container has little shared memory.
    args: [
      "--disable-dev-shm-usage",
      "--no-sandbox",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      ...(film === undefined ? [] : [`--use-file-for-fake-video-capture=${film}`]),
    ],
  });
}
