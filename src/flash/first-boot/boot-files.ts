/**
 * Edits of `cmdline.txt` and `config.txt` that leave alone what somebody has put there. Pure.
 *
 * Sources: Raspberry Pi documentation, "config.txt" (conditional filters) and "Kernel command line"; the kernel's
 * admin-guide/kernel-parameters (`usb-storage.quirks`, `cgroup_enable`, `cfg80211.ieee80211_regdom`).
 */
import type { Seed } from "./seed.js";

/** The file that the firmware takes the command line from; Ubuntu 18.04 calls it otherwise. */
export function commandLineFile(configTxt: string): string {
  const named = [...configTxt.matchAll(/^[ \t]*cmdline=([A-Za-z0-9_.-]+)[ \t]*\r?$/gm)].at(-1)?.[1];
  return named ?? "cmdline.txt";
}

/** What a board is to have on its kernel's command line, whatever the format. */
export function kernelArguments({ cgroupMemory, usbQuirks, wifi }: Seed): readonly string[] {
  return [
    ...(cgroupMemory ? ["cgroup_enable=memory", "cgroup_memory=1"] : []),
    ...(usbQuirks.length > 0 ? [`usb-storage.quirks=${usbQuirks.join(",")}`] : []),
    ...(wifi === undefined ? [] : [`cfg80211.ieee80211_regdom=${wifi.country}`]),
  ];
}

/**
 * The command line with these arguments. It is one line: the firmware reads no further.
 *
 * What is there stays, in its order, but for an argument of the same name and another value; quirks are joined.
 */
export function withArguments(commandLine: string, added: readonly string[]): string {
  const words = commandLine.split(/\s+/).filter((word) => word !== "");
  for (const argument of added) {
    const name = nameOf(argument);
    const at = words.findIndex((word) => nameOf(word) === name);
    // Several of that name may stand side by side, each for another thing.
    const isRepeatable = name === "cgroup_enable" || name === "console";
    if (words.includes(argument)) continue;
    if (at < 0 || isRepeatable) words.push(argument);
    else words[at] = name === "usb-storage.quirks" ? joined(words[at] ?? "", argument) : argument;
  }
  return `${words.join(" ")}\n`;
}

/** `config.txt` with a line that holds for every model; the end of the file may belong to one of them. */
export function withSetting(configTxt: string, line: string): string {
  if (configTxt.split(/\r?\n/).some((found) => found.trim() === line)) return configTxt;
  const end = configTxt === "" || configTxt.endsWith("\n") ? "" : "\n";
  return `${configTxt}${end}\n[all]\n${line}\n`;
}

const nameOf = (word: string): string => word.split("=")[0] ?? word;

function joined(before: string, added: string): string {
  const listOf = (word: string) => word.slice(word.indexOf("=") + 1).split(",");
  const device = (quirk: string) => quirk.split(":").slice(0, 2).join(":");
  const ours = listOf(added);
  const kept = listOf(before).filter((quirk) => !ours.some((own) => device(own) === device(quirk)));
  return `${nameOf(added)}=${[...kept, ...ours].join(",")}`;
}
