/**
 * The lab's network: one bridge without a way out. The boards' ends of the cables are the launcher's business.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ImcloudError } from "../shared/errors.js";
import type { LabLayout } from "./layout.js";
import { tool } from "./tool.js";

/** Each board's systemd takes a handful; the kernel's default of 128 ends at about 20 boards. */
const INOTIFY_INSTANCES = 4096;
const INOTIFY_FILE = "/proc/sys/fs/inotify/max_user_instances";

const netDevice = (name: string) => `/sys/class/net/${name}`;

/** @throws ImcloudError `lab.unavailable` when the machine already uses the lab's network for something else */
export async function startNetwork(lab: LabLayout): Promise<void> {
  if (!existsSync(netDevice(lab.bridge))) {
    const taken = routesWithin(lab, await tool(["ip", "-4", "route", "show", "table", "all"]));
    if (taken.length > 0) {
      throw new ImcloudError(
        "lab.unavailable",
        `this machine already uses the lab's network ${lab.network}`,
        {
          found: taken.join("; "),
          hint: "set IMCLOUD_LAB_NETWORK to another private /24",
        },
      );
    }
    await tool(["ip", "-batch", "-"], {
      input: [
        `link add ${lab.bridge} type bridge`,
        `address add ${lab.gateway}/24 dev ${lab.bridge}`,
        `link set ${lab.bridge} up`,
        "",
      ].join("\n"),
    });
  }
  await raiseInotifyLimit(lab);
}

export async function stopNetwork(lab: LabLayout): Promise<void> {
  if (existsSync(netDevice(lab.bridge))) await tool(["ip", "link", "delete", lab.bridge]);
  await restoreInotifyLimit(lab);
}

/** Pulls the board's network cable, or plugs it in again. */
export async function setLink(link: string, state: "up" | "down"): Promise<void> {
  await tool(["ip", "link", "set", link, state]);
}

/** The kernel removes the link some milliseconds after its board's last process; whoever needs the name now, asks. */
export async function removeLink(link: string): Promise<void> {
  if (!existsSync(netDevice(link))) return;
  try {
    await tool(["ip", "link", "delete", link]);
  } catch (error) {
    if (existsSync(netDevice(link))) throw error;
  }
}

/** Routes to addresses inside the lab's network, of whatever width. */
export function routesWithin(lab: LabLayout, routes: string): readonly string[] {
  const prefix = lab.gateway.replace(/\d+$/, "");
  return routes.split("\n").filter((route) => route.split(" ").some((word) => word.startsWith(prefix)));
}

const originalLimitFile = (lab: LabLayout) => join(lab.folder, "inotify-instances");

async function raiseInotifyLimit(lab: LabLayout): Promise<void> {
  const before = (await readFile(INOTIFY_FILE, "utf8")).trim();
  if (Number(before) >= INOTIFY_INSTANCES) return;
  await writeFile(originalLimitFile(lab), before);
  await writeFile(INOTIFY_FILE, String(INOTIFY_INSTANCES));
}

async function restoreInotifyLimit(lab: LabLayout): Promise<void> {
  if (!existsSync(originalLimitFile(lab))) return;
  await writeFile(INOTIFY_FILE, await readFile(originalLimitFile(lab), "utf8"));
  await rm(originalLimitFile(lab));
}
