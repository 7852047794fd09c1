/**
 * This server's API, as far as a page needs it without a Matrix library: signing in, and administration.
 * Source: Matrix client-server API v1.19, "API standards".
 */

/** What the server said no with. */
export class ApiError extends Error {
  readonly status: number;
  /** `M_FORBIDDEN` and so on; `M_UNKNOWN` where the answer is no Matrix error. */
  readonly code: string;
  /** The whole answer. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, body: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

/** The server gave no answer at all. */
export class OfflineError extends Error {}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** As JSON. */
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * @param path absolute, percent-encoded
 * @returns the answer's JSON
 * @throws ApiError, OfflineError
 */
export async function call<T>(path: string, { method = "GET", body, token, signal }: Call = {}): Promise<T> {
  const headers = new Headers();
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new OfflineError("the server gave no answer", { cause: error });
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer as T;
  const code = typeof answer["errcode"] === "string" ? answer["errcode"] : "M_UNKNOWN";
  const message = typeof answer["error"] === "string" ? answer["error"] : `HTTP ${response.status}`;
  throw new ApiError(response.status, code, message, answer);
}
