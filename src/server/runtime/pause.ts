/**
 * A worker's wait between two looks: over after a while, or as soon as somebody ends it. One waits at a time.
 */
export class Pause {
  #end: (() => void) | undefined;
  #isClosed = false;

  /** @param ms at most so long; a timer of `isIdle` keeps no process alive */
  async take(ms: number, isIdle = false): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (isIdle) timer.unref();
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#end = undefined;
  }

  /** Does nothing where nobody waits: a later wait is as long as ever. */
  end(): void {
    this.#end?.();
  }

  /** Ends the wait, and all that would follow. */
  close(): void {
    this.#isClosed = true;
    this.end();
  }
}
