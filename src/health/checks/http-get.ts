/** A page of a service on the board itself, with what every board has: no curl, but bash. */
import { sh, type Script } from "../../board/script.js";

/** Prints headers and body; exits 1 when nobody listens. */
export function httpGet(port: number, path: string): Script {
  const talk = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET ${path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && cat <&3`;
  return sh`timeout 10 bash -c ${talk}`;
}

/** Whether somebody listens on a port of the board's own address. */
export function portOpen(port: number): Script {
  return sh`timeout 5 bash -c ${`exec 3<>/dev/tcp/127.0.0.1/${port}`}`;
}
