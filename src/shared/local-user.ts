import { userInfo } from "node:os";

/** The operator's login on this machine; empty where it has none, as in a container that runs under a bare number. */
export function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? "";
  }
}
