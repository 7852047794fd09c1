/**
 * What a virtual board says of its hardware: the text of the kernel's files, for templates/lab's stand-ins.
 */
export const DEFAULT_MODEL = "Raspberry Pi 4 Model B Rev 1.4";
export const DEFAULT_MEMORY_MB = 4096;

const PI_4_CORES = 4;

/** proc_meminfo(5) of an idle board. The kernel and the graphics keep about 4 % of a Pi's memory for themselves. */
export function renderMeminfo(memoryMb: number): string {
  const total = Math.floor(memoryMb * 1024 * 0.96);
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", total],
    ["MemFree", Math.floor(total * 0.8)],
    ["MemAvailable", Math.floor(total * 0.9)],
    ["Buffers", Math.floor(total * 0.01)],
    ["Cached", Math.floor(total * 0.1)],
    ["SwapCached", 0],
    ["SwapTotal", 0],
    ["SwapFree", 0],
    ["Dirty", 0],
    ["Shmem", 1024],
  ];
  return rows.map(([name, kB]) => `${`${name}:`.padEnd(16)}${String(kB).padStart(8)} kB\n`).join("");
}

/** /proc/cpuinfo as a 64-bit Raspberry Pi kernel writes it. */
export function renderCpuinfo(model: string): string {
  const core = (number: number) =>
    [
      `processor\t: ${number}`,
      "BogoMIPS\t: 108.00",
      "Features\t: fp asimd evtstrm crc32 cpuid",
      "CPU implementer\t: 0x41",
      "CPU architecture: 8",
      "CPU variant\t: 0x0",
      "CPU part\t: 0xd08",
      "CPU revision\t: 3",
      "",
      "",
    ].join("\n");
  return `${Array.from({ length: PI_4_CORES }, (_, number) => core(number)).join("")}Model\t\t: ${model}\n`;
}
