import { expect, test } from "vitest";
import { imageRecipe, type ImageIngredients } from "../../../src/lab/emulated/root.js";
import { bootPartition, CARD, partitionTable } from "../../../src/lab/emulated/image.js";
import { emulatedLab, machineFiles } from "../../../src/lab/emulated/layout.js";
import { qemuArguments, type Hardware, type Memory } from "../../../src/lab/emulated/qemu.js";
import { templateName } from "../../../src/lab/emulated/template.js";
import { boardPlace, labLayout } from "../../../src/lab/layout.js";
import { baseName } from "../../../src/lab/rootfs.js";

const lab = emulatedLab(labLayout({ IMCLOUD_LAB_FOLDER: "/srv/lab" }));
const hardware: Hardware = { memoryMb: 1024, cores: 2, sd: "virtio" };

test("emulated boards have addresses on loopback, and folders beside those of the virtual ones", () => {
  const place = boardPlace(lab, 11);
  expect(place).toMatchObject({ address: "127.98.42.11", folder: "/srv/lab/emulated/boards/11" });
  expect(machineFiles(place).sd).toBe("/srv/lab/emulated/boards/11/sd.qcow2");
  expect(new Set([lab.lockFile, lab.aptCacheFolder, lab.basesFolder, lab.imagesFolder]).size).toBe(4);
});

const argumentsOf = (memory: Memory, sd: Hardware["sd"] = "virtio", folder = "/srv/lab/b") =>
  qemuArguments(
    { ...hardware, sd },
    machineFiles({ folder, consoleLog: `${folder}/console.log` }),
    "console=ttyAMA0 rootwait",
    {
      address: "127.98.42.11",
      forwards: [{ machinePort: 2200, boardPort: 22 }],
      aptCache: {
        inBoard: { host: "10.0.2.100", port: 3142 },
        onMachine: { host: "127.98.42.1", port: 3143 },
      },
    },
    memory,
  );

test("a cold board: its own kernel, its own memory, no way out but to the apt cache", () => {
  const args = argumentsOf({ kind: "own" });
  const after = (option: string) => args[args.indexOf(option) + 1];
  expect(after("-kernel")).toBe("/srv/lab/b/kernel8.img");
  expect(after("-append")).toBe("console=ttyAMA0 rootwait");
  expect(after("-m")).toBe("1024M");
  expect(after("-netdev")).toBe(
    "user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:3142-cmd:socat - tcp:127.98.42.1:3143," +
      "hostfwd=tcp:127.98.42.11:2200-:22",
  );
  expect(args.join(" ")).not.toMatch(/-incoming|memory-backend|cache=(?!writeback)/);
});

test("memory is shared while it is frozen, and a private copy afterwards", () => {
  expect(argumentsOf({ kind: "into-file", path: "/t/memory" })).toContain(
    "memory-backend-file,id=ram,size=1024M,mem-path=/t/memory,share=on",
  );
  const thawed = argumentsOf({ kind: "from-file", path: "/t/memory" });
  expect(thawed).toContain("memory-backend-file,id=ram,size=1024M,mem-path=/t/memory,share=off");
  expect(thawed).toContain("-incoming");
});

test("the card is a virtio disk or a real card; a comma in a path is not the end of it", () => {
  expect(argumentsOf({ kind: "own" })).toContain("virtio-blk-pci,drive=sd");
  expect(argumentsOf({ kind: "own" }, "sdhci")).toContain("sd-card,drive=sd");
  expect(argumentsOf({ kind: "own" }, "virtio", "/a,b").join(" ")).toContain("file=/a,,b/sd.qcow2,");
});

test("the partitions follow each other and end with the card", () => {
  const rows = [...partitionTable().matchAll(/^start=(\d+)(?:,size=(\d+))?,type=(\w+)/gm)];
  expect(rows.map(([, start, size, type]) => [start, size, type])).toEqual([
    ["8192", "524288", "c"],
    ["532480", undefined, "83"],
  ]);
  expect(Math.log2(CARD.sizeBytes) % 1).toBe(0);
  expect(bootPartition("/x/sd.img")).toBe("/x/sd.img@@4M");
});

test("all that goes into an image or a template is in its name", () => {
  const ingredients: ImageIngredients = {
    packages: [],
    mirror: { sources: ["deb http://mirror.example/debian bookworm main"], aptOptions: [] },
    authorizedKey: "ssh-ed25519 A",
    hostKey: "ssh-ed25519 B",
  };
  const image = (other: Partial<ImageIngredients>, files = { "/a.sh": "a" }) =>
    baseName(imageRecipe({ ...ingredients, ...other }, files));
  const images = [
    image({}),
    image({ packages: ["rabbitmq-server"] }),
    image({ authorizedKey: "ssh-ed25519 C" }),
    image({ hostKey: "ssh-ed25519 C" }),
    image({}, { "/a.sh": "b" }),
  ];
  expect(new Set(images).size).toBe(images.length);
  expect(image({})).toBe(images[0]);

  const templates = [
    templateName("image", hardware, "QEMU 7.2"),
    templateName("other", hardware, "QEMU 7.2"),
    templateName("image", hardware, "QEMU 8.2"),
    templateName("image", { ...hardware, memoryMb: 2048 }, "QEMU 7.2"),
    templateName("image", { ...hardware, sd: "sdhci" }, "QEMU 7.2"),
    templateName("image", { ...hardware, cores: 4 }, "QEMU 7.2"),
  ];
  expect(new Set(templates).size).toBe(templates.length);
  expect(templateName("image", hardware, "QEMU 7.2")).toBe(templates[0]);
});
