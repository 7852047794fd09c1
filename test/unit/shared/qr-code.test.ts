import { decodeQRBatch } from "qr/decode.js";
import { expect, test } from "vitest";
import { qrCodeOfBytes, type QrCode } from "../../../src/shared/qr-code.js";

/** Pixels a module. */
const SCALE = 4;

/** As a camera would see it, without what cameras add. */
function picture(code: QrCode): { width: number; height: number; data: Uint8Array } {
  const side = (code.size + 8) * SCALE;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (let y = 0; y < side; y += 1)
    for (let x = 0; x < side; x += 1)
      if (code.isDark(Math.floor(y / SCALE) - 4, Math.floor(x / SCALE) - 4))
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
  return { width: side, height: side, data };
}

test("bytes that are no text survive a code", async () => {
  const bytes = Uint8Array.from([
    ...Buffer.from("MATRIX"),
    ...Array.from({ length: 256 }, (_, byte) => byte),
  ]);
  const image = picture(qrCodeOfBytes(bytes));
  const [found] = await decodeQRBatch([image], {
    maxSize: image,
    timeLimit: Infinity,
    textDecoder: (read) => String.fromCharCode(...read),
  });
  expect(found?.[0]).toBe(String.fromCharCode(...bytes));
});
