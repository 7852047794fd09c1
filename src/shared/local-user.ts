import { userInfo } from "node:os";

/**
 * The operator's login on this machine; empty where it has none, as in a container that runs under a bare number.
 *
 * @param ask what the machine is asked by
 */
export function localUser(ask: () => { readonly username: string } = userInfo): string {
  try {
    return ask().username;
  } catch {
    return process.env.USER ?? "";
  }
}
