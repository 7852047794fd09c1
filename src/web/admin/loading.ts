/**
 * What the server is asked for while a screen is shown.
 */
import { useEffect, useState } from "preact/hooks";
import { get, queryOf } from "./server.js";

export interface Loaded<T> {
  /** Undefined until it is there. */
  readonly data: T | undefined;
  readonly error: unknown;
  /** Asks again; what is shown stays until the answer. */
  readonly reload: () => void;
}

/** @param path below the administration API; another one is asked for at once */
export function useLoaded<T>(path: string): Loaded<T> {
  const [state, setState] = useState<{ path: string; data?: T; error?: unknown }>({ path });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isWanted = true;
    get<T>(path).then(
      (data) => isWanted && setState({ path, data }),
      (error: unknown) => isWanted && setState({ path, error }),
    );
    return () => {
      isWanted = false;
    };
  }, [path, round]);
  const isOfPath = state.path === path;
  return {
    data: isOfPath ? state.data : undefined,
    error: isOfPath ? state.error : undefined,
    reload: () => setRound((it) => it + 1),
  };
}

export interface Pages<T> {
  /** Undefined until the first page is there. */
  readonly items: readonly T[] | undefined;
  readonly error: unknown;
  readonly hasMore: boolean;
  readonly more: () => void;
  /** Begins anew, and shows what there is until then. */
  readonly reload: () => void;
}

/** Rows of a page: as many as are looked through by eye. */
const LIMIT = 50;

type Page<T> = Readonly<Record<string, unknown>> & { readonly next?: string; readonly items?: readonly T[] };

/**
 * A list that comes page by page.
 *
 * @param list the name of the list in the answer
 * @param search what is looked for; absent where the list knows no such thing
 */
export function usePages<T>(path: string, list: string, search?: string): Pages<T> {
  const key = `${path} ${search ?? ""}`;
  const [state, setState] = useState<{ key: string; items?: readonly T[]; next?: string; error?: unknown }>({
    key,
  });
  const [asked, setAsked] = useState<{ from?: string; round: number }>({ round: 0 });

  useEffect(() => {
    let isWanted = true;
    const from = state.key === key ? asked.from : undefined;
    get<Page<T>>(path + queryOf({ from, search, limit: LIMIT })).then(
      (page) => {
        if (!isWanted) return;
        const items = page[list] as readonly T[];
        const before = from === undefined ? [] : (state.items ?? []);
        setState({ key, items: [...before, ...items], ...(page.next !== undefined && { next: page.next }) });
      },
      (error: unknown) => isWanted && setState({ key, error }),
    );
    return () => {
      isWanted = false;
    };
  }, [key, asked]);

  const { items, next, error } = state;
  return {
    // What was found before stays until the next answer, so that typing does not make the list flicker.
    ...{ items, error },
    hasMore: state.key === key && next !== undefined,
    more: () => next !== undefined && setAsked(({ round }) => ({ from: next, round: round + 1 })),
    reload: () => setAsked(({ round }) => ({ round: round + 1 })),
  };
}
