/**
 * Reading a request's body.
 */
import { Failure } from "../service/failure.js";

/**
 * @returns the body's JSON object; an empty one for a POST without a body, as many clients send it
 * @throws Failure M_TOO_LARGE, M_NOT_JSON, M_BAD_JSON
 */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const text = await request.text();
  if (text.length > limitBytes) throw tooLarge(limitBytes);
  if (text === "" && (request.method === "POST" || request.method === "DELETE")) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure("M_NOT_JSON", "the body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Failure("M_BAD_JSON", "the body is not an object");
  return value;
}

const tooLarge = (limitBytes: number) => new Failure("M_TOO_LARGE", `a body has at most ${limitBytes} bytes`);
