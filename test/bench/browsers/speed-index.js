/**
 * How complete a page looked while it loaded, from pictures of it.
 * Source: WebPageTest, "Speed Index": the area above the curve of visual completeness, where that is how far the
 * colours' histogram has come from the first picture's to the last one's.
 */
/* global atob, createImageBitmap, Blob, OffscreenCanvas */

globalThis.speedIndex = async (pictures) => {
  const histograms = [];
  for (const { ms, jpeg } of pictures) histograms.push({ ms, counts: await histogram(jpeg) });
  const [first, last] = [histograms[0].counts, histograms.at(-1).counts];
  const whole = distance(first, last);
  let sum = histograms[0].ms;
  for (const [index, { ms, counts }] of histograms.entries()) {
    const next = histograms[index + 1];
    const complete = whole === 0 ? 1 : 1 - distance(counts, last) / whole;
    if (next !== undefined) sum += (next.ms - ms) * (1 - Math.max(0, complete));
  }
  return sum;

  async function histogram(jpeg) {
    const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const counts = new Float64Array(3 * 256);
    for (let at = 0; at < data.length; at += 4)
      for (let colour = 0; colour < 3; colour += 1) counts[colour * 256 + data[at + colour]] += 1;
    return counts;
  }

  function distance(one, other) {
    return one.reduce((sum, count, index) => sum + Math.abs(count - other[index]), 0);
  }
};
