/**
 * Asking application services, over HTTP, at the addresses that their registrations give.
 *
 * Those are the operator's own words, so they may lead anywhere, this machine included; redirections are not followed,
 * as a token goes along.
 */
import type { JsonValue } from "../core/json.js";
import type { AppService } from "./app-service.js";

export interface ServiceAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * @param path below `/_matrix/app/v1`
 * @throws the connection's error, or a `TimeoutError`; TypeError for a service without an address
 */
export async function askService(
  { url, hsToken }: AppService,
  method: "GET" | "POST" | "PUT",
  path: string,
  {
    body,
    timeoutMs,
    signal,
  }: { readonly body?: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ServiceAnswer> {
  if (url === null) throw new TypeError("the service has no address");
  const response = await fetch(`${url}/_matrix/app/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${hsToken}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body }),
    redirect: "manual",
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
  });
  return { status: response.status, text: await response.text() };
}

export const isGood = ({ status }: ServiceAnswer): boolean => status >= 200 && status < 300;

/** @returns undefined where the answer is no JSON */
export function jsonOf({ text }: ServiceAnswer): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
