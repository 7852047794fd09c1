import { expect, test } from "vitest";
import { renderAptCacheConfig } from "../../../src/lab/apt-cache.js";
import { renderCpuinfo, renderMeminfo } from "../../../src/lab/hardware.js";
import { labLayout } from "../../../src/lab/layout.js";
import { compareManifests } from "../../../src/lab/manifest.js";
import { routesWithin } from "../../../src/lab/network.js";
import { baseName, type Recipe } from "../../../src/lab/rootfs.js";

const recipe: Recipe = {
  suite: "debian-bookworm",
  packages: ["systemd"],
  mirror: { sources: ["deb http://mirror.example/debian bookworm main"], aptOptions: [] },
  files: { "/customize.sh": "#!/bin/sh\n", "/rootfs/a": "a" },
};

test("the same recipe is the same base; each part of it counts", () => {
  const { "/customize.sh": script = "", "/rootfs/a": file = "" } = recipe.files;
  expect(baseName({ ...recipe, files: { "/rootfs/a": file, "/customize.sh": script } })).toBe(
    baseName(recipe),
  );
  expect(baseName(recipe)).toMatch(/^debian-bookworm-[0-9a-f]{12}$/);
  const others: Recipe[] = [
    { ...recipe, packages: ["systemd", "cron"] },
    { ...recipe, mirror: { ...recipe.mirror, aptOptions: ['Acquire::Check-Date "false";'] } },
    { ...recipe, files: { ...recipe.files, "/rootfs/a": "b" } },
  ];
  expect(new Set([recipe, ...others].map(baseName)).size).toBe(4);
});

test("the cache serves the bridge and tunnels to the mirrors alone", () => {
  const config = renderAptCacheConfig(labLayout({}), ["deb https://mirror.example/debian bookworm main"], "");
  expect(config).toContain("BindAddress: 10.98.42.1\n");
  expect(config).toContain("PassThroughPattern: ^(mirror\\.example):\\d+$\n");
  expect(config).not.toMatch(/^(Proxy|Remap)/m);
  expect(renderAptCacheConfig(labLayout({}), [], "http://up.example:1")).toContain(
    "Proxy: http://up.example:1\n",
  );
});

test("a route into the lab's network is a conflict, one beside it is not", () => {
  const lab = labLayout({});
  const routes = "default via 10.98.4.2 dev eth0\n10.98.4.0/24 dev eth0\n10.98.42.0/25 dev vpn0 scope link";
  expect(routesWithin(lab, routes)).toEqual(["10.98.42.0/25 dev vpn0 scope link"]);
});

test("meminfo tells what a board of that size tells", () => {
  expect(renderMeminfo(1024)).toMatch(/^MemTotal: {8,}1006632 kB\nMemFree:/);
  expect(renderCpuinfo("Raspberry Pi 4").match(/^processor/gm)).toHaveLength(4);
});

test("comparing manifests shows both sides of a change", () => {
  expect(compareManifests("a 1\nb 1", "a 1\nb 2")).toEqual(["- b 1", "+ b 2"]);
  expect(compareManifests("a", "a")).toEqual([]);
});
