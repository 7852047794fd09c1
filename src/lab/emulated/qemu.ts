/**
 * The command line of an emulated board. Pure.
 *
 * QEMU 7.2 has no Pi 4 with enough devices, so the board is its generic one with a Pi 4's CPU. There is no KVM: the
 * CPU is emulated, at roughly a tenth of a core.
 *
 * Source: QEMU's "Invocation", and the docs of its `virt` machine and USB devices.
 */
import type { MachineFiles } from "./layout.js";

export interface Hardware {
  readonly memoryMb: number;
  readonly cores: number;
  /** `virtio` is /dev/vda and quick; `sdhci` is /dev/mmcblk0 as on a Pi, where fstrim stalls the board. */
  readonly sd: "virtio" | "sdhci";
}

/** A port of the board that this machine reaches at the board's own address. */
export interface Forward {
  readonly machinePort: number;
  readonly boardPort: number;
}

export interface Wiring {
  readonly address: string;
  readonly forwards: readonly Forward[];
  /** Where the board's network has the apt cache, and where it is. */
  readonly aptCache: Endpoints;
}

interface Endpoints {
  readonly inBoard: { readonly host: string; readonly port: number };
  readonly onMachine: { readonly host: string; readonly port: number };
}

/** Where the memory is: with a cold board nowhere; in a file while it is to be frozen; copied on write from one. */
export type Memory =
  | { readonly kind: "own" }
  | { readonly kind: "into-file"; readonly path: string }
  | { readonly kind: "from-file"; readonly path: string };

/**
 * Arguments for `qemu-system-aarch64`. The board waits for the lab's `cont`.
 *
 * A reboot pauses the machine as a power-off does: the lab starts it again, with what is then on the boot partition.
 */
export function qemuArguments(
  hardware: Hardware,
  files: MachineFiles,
  kernelCommandLine: string,
  wiring: Wiring,
  memory: Memory,
): readonly string[] {
  const { inBoard, onMachine } = wiring.aptCache;
  const network = [
    "user,id=n0",
    // The board reaches the apt cache and nothing else. One process a connection: a socket would serve only the first.
    "restrict=on",
    `guestfwd=tcp:${inBoard.host}:${inBoard.port}-cmd:socat - tcp:${onMachine.host}:${onMachine.port}`,
    ...wiring.forwards.map(
      ({ machinePort, boardPort }) => `hostfwd=tcp:${wiring.address}:${machinePort}-:${boardPort}`,
    ),
  ];
  return [
    ...["-machine", "virt,gic-version=2", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi"],
    ...["-smp", String(hardware.cores), ...memoryArguments(hardware.memoryMb, memory)],
    ...["-nodefaults", "-display", "none", "-S", "-action", "reboot=shutdown,shutdown=pause"],
    ...["-chardev", `file,id=console,path=${value(files.console)},append=on`, "-serial", "chardev:console"],
    ...["-chardev", `socket,id=control,path=${value(files.control)}`, "-mon", "chardev=control,mode=control"],
    ...["-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"],
    ...["-netdev", network.join(","), "-device", "virtio-net-pci,netdev=n0,mac=dc:a6:32:00:00:01,romfile="],
    // writeback is what QEMU does by itself, said because durability rests on it: a flush of the board is an fsync
    // here, and what the board has not flushed may be in QEMU's memory still, gone with it.
    ...["-drive", `if=none,id=sd,file=${value(files.sd)},format=qcow2,discard=unmap,cache=writeback`],
    ...(hardware.sd === "virtio"
      ? ["-device", "virtio-blk-pci,drive=sd"]
      : ["-device", "sdhci-pci", "-device", "sd-card,drive=sd"]),
    ...["-kernel", files.kernel, "-initrd", files.initrd, "-append", kernelCommandLine],
  ];
}

function memoryArguments(memoryMb: number, memory: Memory): readonly string[] {
  const size = ["-m", `${memoryMb}M`];
  if (memory.kind === "own") return size;
  const share = memory.kind === "into-file" ? "on" : "off";
  return [
    ...size,
    "-object",
    `memory-backend-file,id=ram,size=${memoryMb}M,mem-path=${value(memory.path)},share=${share}`,
    ...["-machine", "memory-backend=ram"],
    ...(memory.kind === "from-file" ? ["-incoming", "defer"] : []),
  ];
}

/** Inside an option a comma is doubled. */
const value = (text: string) => text.replaceAll(",", ",,");
