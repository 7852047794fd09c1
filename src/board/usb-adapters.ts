/**
 * USB adapters that are known to lose their disk, or to crawl, under UAS on a Raspberry Pi, and to be well without it.
 *
 * The kernel's own list (drivers/usb/storage/unusual_uas.h) is not repeated here: what is on it is dealt with already.
 * Chips are sold under one id with good and bad firmware, so being in this table is a reason to look, not a proof.
 */
export interface UsbAdapter {
  /** `VENDOR:PRODUCT`, four hexadecimal digits each, as lsusb(8) prints them. */
  readonly id: string;
  readonly name: string;
  readonly source: string;
}

const github = (thread: string) => `https://github.com/${thread}`;

export const BAD_UNDER_UAS: readonly UsbAdapter[] = [
  { id: "0080:a001", name: "unnamed SATA bridge", source: github("raspberrypi/linux/issues/3855") },
  { id: "0634:5605", name: "Crucial X9", source: github("home-assistant/operating-system/pull/4893") },
  { id: "152d:0562", name: "JMicron, in DeskPi cases", source: github("DeskPi-Team/deskpi/issues/13") },
  { id: "152d:0578", name: "JMicron JMS578", source: github("raspberrypi/linux/pull/5246") },
  { id: "152d:0579", name: "JMicron JMS579", source: github("getumbrel/umbrel-os/pull/95") },
  { id: "152d:0583", name: "JMicron JMS583", source: github("home-assistant/operating-system/pull/4366") },
  { id: "152d:1561", name: "JMicron JMS561U", source: github("home-assistant/operating-system/issues/1743") },
  { id: "152d:a578", name: "JMicron JMS578", source: github("OpenCCU/OpenCCU/pull/3301") },
  { id: "152d:a583", name: "JMicron JMS583", source: github("home-assistant/operating-system/pull/3687") },
  {
    id: "174c:235c",
    name: "ASMedia, in Ugreen cases",
    source: github("home-assistant/operating-system/pull/5035"),
  },
  { id: "2109:0711", name: "VIA VL711", source: github("getumbrel/umbrel/issues/482") },
  { id: "7825:a2a4", name: "PA023U3 cable", source: github("getumbrel/umbrel-os/pull/170") },
];

/**
 * What `usb-storage.quirks` has to say of the adapters that are in the table.
 *
 * @param ids of adapters that a board has
 * @example "152d:0578:u,2109:0711:u"
 */
export function quirksFor(ids: readonly string[]): string {
  return BAD_UNDER_UAS.flatMap(({ id }) => (ids.includes(id) ? [`${id}:u`] : [])).join(",");
}

/** @param id of one adapter */
export function badUnderUas(id: string): UsbAdapter | undefined {
  return BAD_UNDER_UAS.find((adapter) => adapter.id === id);
}
