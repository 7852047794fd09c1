import type { Store } from "../store/store.js";

/** Longest time for the store to answer, in milliseconds. */
const READY_MS = 5_000;

/** Resolves when the store takes writes. @throws Error when it does not, or not in time */
export async function assertStoreReady(store: Pick<Store, "ping">): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the store did not answer within ${READY_MS} ms`)), READY_MS);
  });
  try {
    await Promise.race([store.ping(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
