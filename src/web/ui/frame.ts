/**
 * @returns a function that has `work` done before the next frame is drawn, once, however often it is called until
 * then; in a page that is not seen, where no frames are drawn, it is done at once after what runs now
 */
export function oncePerFrame(work: () => void): () => void {
  let isDue = false;
  const run = () => {
    isDue = false;
    work();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    if (document.hidden) setTimeout(run, 0);
    else requestAnimationFrame(run);
  };
}

/** Resolves before the next frame; at once where none is drawn. */
export const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    if (document.hidden) setTimeout(resolve, 0);
    else requestAnimationFrame(() => resolve());
  });
