/**
 * Telling systemd that the server is ready, and alive.
 *
 * The protocol is a datagram on a Unix socket, which Bun cannot send by itself; so libc does it. Not the
 * program `systemd-notify`: its message is lost when it ends before systemd has looked who it was (systemd
 * before 246, that is Ubuntu 18.04 and 20.04).
 * Source: sd_notify(3), unix(7).
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import type { Log } from "./log.js";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** @returns what sends a state such as `READY=1`; it does nothing when systemd did not start this process */
export function systemdNotifier(
  log: Log,
  socketPath = process.env["NOTIFY_SOCKET"],
): (state: string) => void {
  if (socketPath === undefined || socketPath === "") return () => undefined;
  try {
    return open(socketPath);
  } catch (error) {
    log.warn("systemd cannot be told", { error });
    return () => undefined;
  }
}

/** How often systemd wants to hear from us, in milliseconds: half of its patience. */
export function watchdogIntervalMs(patienceMicros = process.env["WATCHDOG_USEC"]): number | undefined {
  const micros = Number(patienceMicros);
  return Number.isFinite(micros) && micros > 0 ? micros / 2_000 : undefined;
}

function open(socketPath: string): (state: string) => void {
  const libc = dlopen("libc.so.6", {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: {
      args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
      returns: FFIType.i64,
    },
  });
  const address = addressOf(socketPath);
  const socket = libc.symbols.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw new Error("no socket for systemd");
  return (state) => {
    const message = Buffer.from(state);
    libc.symbols.sendto(socket, ptr(message), message.length, MSG_NOSIGNAL, ptr(address), address.length);
  };
}

/** A `sockaddr_un`: the family, then the path; an `@` in front stands for a NUL, the abstract namespace. */
function addressOf(socketPath: string): Buffer {
  const path = Buffer.from(socketPath);
  if (path[0] === 0x40) path[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path]);
}
