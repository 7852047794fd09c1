/**
 * Boards that may be meant: machines that announce themselves by mDNS, and neighbours whose network card is a
 * Raspberry Pi's.
 *
 * A suggestion, no more: nothing is connected to, and nothing found is no error.
 */
import { readFile } from "node:fs/promises";
import makeMdns from "multicast-dns";

export interface Discovered {
  readonly address: string;
  /** As it calls itself, without `.local`; empty if nobody said. */
  readonly name: string;
  readonly isRaspberryPi: boolean;
}

/** Blocks of hardware addresses that belong to Raspberry Pi (IEEE registry). */
const PI_PREFIXES = ["28:cd:c1", "2c:cf:67", "88:a2:9e", "b8:27:eb", "d8:3a:dd", "dc:a6:32", "e4:5f:01"];

/** Long enough for a sleepy Wi-Fi, short enough to wait for. */
const LISTEN_MS = 1_500;

/**
 * @param names to ask for besides, without `.local`
 * @returns Raspberry Pis first, then by name
 */
export async function discover(
  names: readonly string[] = [],
  listenMs = LISTEN_MS,
): Promise<readonly Discovered[]> {
  const [announced, neighbours] = await Promise.all([listen(names, listenMs), neighbourPis()]);
  return mergeDiscovered(announced, neighbours);
}

/** Pure. @param announced name by address @param pis addresses of neighbours that are Raspberry Pis */
export function mergeDiscovered(
  announced: ReadonlyMap<string, string>,
  pis: readonly string[],
): readonly Discovered[] {
  const addresses = [...new Set([...announced.keys(), ...pis])];
  return addresses
    .map((address): Discovered => {
      const name = announced.get(address) ?? "";
      return { address, name, isRaspberryPi: pis.includes(address) || /^raspberrypi\b/i.test(name) };
    })
    .sort(
      (one, other) =>
        Number(other.isRaspberryPi) - Number(one.isRaspberryPi) || one.name.localeCompare(other.name),
    );
}

/** The table of neighbours in the form of Linux; other systems keep it elsewhere, and mDNS has to do. */
export function parseArpTable(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [address, , flags, hardware] = line.trim().split(/\s+/);
    const isPi = PI_PREFIXES.some((prefix) => hardware?.toLowerCase().startsWith(prefix) === true);
    return address !== undefined && flags !== "0x0" && isPi ? [address] : [];
  });
}

async function neighbourPis(): Promise<string[]> {
  return parseArpTable(await readFile("/proc/net/arp", "utf8").catch(() => ""));
}

/** IPv4 addresses of those who answer for SSH, with the name that they give. */
async function listen(names: readonly string[], listenMs: number): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const mdns = makeMdns();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, listenMs);
    // Without a network that knows multicast there is nothing to hear.
    mdns.on("error", () => {
      clearTimeout(timer);
      resolve();
    });
    mdns.on("warning", () => undefined);
    mdns.on("response", ({ answers, additionals }) => {
      for (const answer of [...(answers ?? []), ...(additionals ?? [])]) {
        if (answer.type === "A") found.set(answer.data, answer.name.replace(/\.local$/, ""));
      }
    });
    mdns.query([
      { name: "_ssh._tcp.local", type: "PTR" },
      { name: "_workstation._tcp.local", type: "PTR" },
      ...["raspberrypi", ...names].map((name) => ({ name: `${name}.local`, type: "A" as const })),
    ]);
  });
  await new Promise<void>((resolve) => mdns.destroy(() => resolve()));
  return found;
}
