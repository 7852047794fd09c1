/** Following what a command says while it runs. */
import type { Readable } from "node:stream";

/** Resolves once the stream has had this text; whoever else reads it goes on. */
export async function untilSaid(stream: Readable, text: string): Promise<void> {
  let heard = "";
  await new Promise<void>((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes(text)) resolve();
    });
    stream.once("end", () => reject(new Error(`never said \`${text}\`, but:\n${heard}`)));
  });
}
