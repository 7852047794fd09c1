/**
 * A thread that answers texts by texts, in order.
 */
export interface Thread {
  /** @throws Error when the thread ended before it answered */
  ask(text: string): Promise<string>;
  stop(): void;
}

export function startThread(file: URL): Thread {
  const worker = new Worker(file.href);
  const asked: { resolve: (text: string) => void; reject: (error: Error) => void }[] = [];
  worker.onmessage = (message: MessageEvent<string>) => asked.shift()?.resolve(message.data);
  worker.onerror = (event) => {
    for (const { reject } of asked.splice(0)) reject(new Error(`a thread ended: ${event.message}`));
  };
  return {
    ask: (text) =>
      new Promise<string>((resolve, reject) => {
        asked.push({ resolve, reject });
        worker.postMessage(text);
      }),
    stop: () => worker.terminate(),
  };
}
