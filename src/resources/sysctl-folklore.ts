/**
 * Kernel settings that guides hand on and that do harm on a small board.
 *
 * Sources: kernel documentation, networking/ip-sysctl and admin-guide/sysctl/vm; Linux 4.12's removal of
 * tcp_tw_recycle (commit 4396e46187ca).
 */

interface Folklore {
  readonly key: string;
  /** Which values are meant, as a person would say it. */
  readonly values: string;
  readonly isMeant: (value: string) => boolean;
  readonly why: string;
}

const any = { values: "any", isMeant: () => true } as const;
const exactly = (values: string) => ({ values, isMeant: (value: string) => value === values });
const below = (limit: number) => ({
  values: `below ${limit}`,
  isMeant: (value: string) => Number(value) < limit,
});

export const FOLKLORE: readonly Folklore[] = [
  {
    key: "net.ipv4.tcp_tw_recycle",
    ...any,
    why: "it breaks connections of phones behind one router, and Linux 4.12 took it out for that",
  },
  {
    key: "net.ipv4.tcp_timestamps",
    ...exactly("0"),
    why: "round trips are guessed and old packets pass for new ones, to save 12 bytes a packet",
  },
  {
    key: "net.ipv4.tcp_sack",
    ...exactly("0"),
    why: "on Wi-Fi every lost packet has all behind it sent again",
  },
  {
    key: "net.ipv4.tcp_mem",
    ...any,
    why: "it counts pages, not bytes, and the kernel sizes it from the memory at every boot",
  },
  {
    key: "net.ipv4.tcp_max_tw_buckets",
    ...below(4096),
    why: "the kernel's documentation says never to lower it: connections end without the wait that keeps them apart",
  },
  {
    key: "net.ipv4.tcp_abort_on_overflow",
    ...exactly("1"),
    why: "when everybody reconnects at once, phones get errors instead of a second try",
  },
  {
    key: "vm.swappiness",
    ...exactly("0"),
    why: "the kernel ends programs before it swaps; 1 is the least that swaps at all",
  },
  {
    key: "vm.overcommit_memory",
    ...exactly("2"),
    why: "Erlang and Java reserve far more than they use, and do not start then",
  },
  {
    key: "vm.panic_on_oom",
    values: "1 or 2",
    isMeant: (value) => value !== "0",
    why: "one program that wants too much takes the whole board down",
  },
  {
    key: "vm.vfs_cache_pressure",
    ...exactly("0"),
    why: "names of files are never let go, until the memory is full",
  },
  {
    key: "vm.drop_caches",
    ...any,
    why: "it is a deed, not a setting, and makes the card read everything again",
  },
  {
    key: "vm.min_free_kbytes",
    ...below(1024),
    why: "the kernel's documentation: subtly broken, and prone to deadlock under load",
  },
];

/** @returns why this value of this key does harm; undefined if nothing is known against it */
export function harmOf(key: string, value: string): string | undefined {
  return FOLKLORE.find((one) => one.key === key && one.isMeant(value))?.why;
}
