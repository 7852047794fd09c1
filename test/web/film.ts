/** What a camera sees: a picture of a screen, as a film of one frame that is shown again and again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { openBrowser } from "./chromium.js";

const WIDTH = 640;
const HEIGHT = 480;

export interface Filming extends AsyncDisposable {
  /** Its camera shows what was held before it last when the camera is used. */
  readonly browser: Browser;
  /** @param picture a PNG */
  hold(picture: Buffer): Promise<void>;
}

/** A browser with a camera that sees a screen. */
export async function openFilming(): Promise<Filming> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-film-"));
  const film = join(folder, "screen.y4m");
  // Without a film there is no camera.
  await writeFilm(Buffer.alloc(WIDTH * HEIGHT, 128), film);
  const browser = await openBrowser(undefined, film);
  return {
    browser,
    hold: async (picture) => writeFilm(await greyOf(browser, picture), film),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** @see YUV4MPEG2, as the mjpegtools describe it: a line for the film, then for each frame a line and its planes */
async function writeFilm(grey: Buffer, path: string): Promise<void> {
  const colours = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  await writeFile(
    path,
    Buffer.concat([
      Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\nFRAME\n`),
      grey,
      colours,
    ]),
  );
}

/** The browser reads the picture, held a little askew: of each point how light it is. */
async function greyOf(browser: Browser, picture: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  try {
    const encoded = await page.evaluate(
      async ([data, width, height]) => {
        const image = new Image();
        image.src = `data:image/png;base64,${data}`;
        await image.decode();
        const canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        const context = canvas.getContext("2d");
        if (context === null) throw new Error("no canvas");
        context.fillStyle = "#888";
        context.fillRect(0, 0, width, height);
        context.translate(width / 2, height / 2);
        context.rotate(0.12);
        const side = height * 0.75;
        context.drawImage(image, -side / 2, -side / 2, side, (side * image.height) / image.width);
        const { data: points } = context.getImageData(0, 0, width, height);
        let text = "";
        for (let at = 0; at < points.length; at += 4) text += String.fromCharCode(points[at + 1] ?? 0);
        return btoa(text);
      },
      [picture.toString("base64"), WIDTH, HEIGHT] as const,
    );
    return Buffer.from(encoded, "base64");
  } finally {
    await page.close();
  }
}
