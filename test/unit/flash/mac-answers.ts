/**
 * What diskutil and ioreg say on a Mac. Not recorded: put together from diskutil(8), IOKit's headers, and the keys and
 * values that other projects' tests have of them (macOS 10.15 to 15). Only what is read of them is in here, but for
 * {@link CARD_READER}, which has all the keys that such an answer has.
 */
import { build, type PlistValue } from "plist";
import type { MacAnswers } from "../../../src/flash/mac-drives.js";

type Dictionary = { [key: string]: PlistValue };

/** As the tool prints it: with tabs, and the document type. */
const CARD_READER = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>AESHardware</key>
	<false/>
	<key>Bootable</key>
	<false/>
	<key>BusProtocol</key>
	<string>USB</string>
	<key>CanBeMadeBootable</key>
	<false/>
	<key>Content</key>
	<string>FDisk_partition_scheme</string>
	<key>DeviceBlockSize</key>
	<integer>512</integer>
	<key>DeviceIdentifier</key>
	<string>disk4</string>
	<key>DeviceNode</key>
	<string>/dev/disk4</string>
	<key>DeviceTreePath</key>
	<string>IODeviceTree:/arm-io/usb-drd1/usb-drd1-port-hs</string>
	<key>Ejectable</key>
	<true/>
	<key>FreeSpace</key>
	<integer>0</integer>
	<key>IOKitSize</key>
	<integer>31914983424</integer>
	<key>IORegistryEntryName</key>
	<string>Generic MassStorageClass Media</string>
	<key>Internal</key>
	<false/>
	<key>MediaName</key>
	<string>MassStorageClass</string>
	<key>MediaType</key>
	<string>Generic</string>
	<key>MountPoint</key>
	<string></string>
	<key>ParentWholeDisk</key>
	<string>disk4</string>
	<key>Removable</key>
	<true/>
	<key>RemovableMedia</key>
	<true/>
	<key>RemovableMediaOrExternalDevice</key>
	<true/>
	<key>SMARTStatus</key>
	<string>Not Supported</string>
	<key>Size</key>
	<integer>31914983424</integer>
	<key>SystemImage</key>
	<false/>
	<key>TotalSize</key>
	<integer>31914983424</integer>
	<key>VirtualOrPhysical</key>
	<string>Physical</string>
	<key>WholeDisk</key>
	<true/>
	<key>Writable</key>
	<true/>
	<key>WritableMedia</key>
	<true/>
	<key>WritableVolume</key>
	<false/>
</dict>
</plist>
`;

const volume = (name: string, more: Dictionary = {}): Dictionary => ({ DeviceIdentifier: name, ...more });
const container = (disk: string, stores: readonly string[], volumes: Dictionary[]): Dictionary => ({
  DeviceIdentifier: disk,
  APFSPhysicalStores: stores.map((store) => ({ DeviceIdentifier: store })),
  APFSVolumes: volumes,
});
const scheme = (disk: string, partitions: Dictionary[], content = "GUID_partition_scheme"): Dictionary => ({
  DeviceIdentifier: disk,
  Content: content,
  Partitions: partitions,
});

/** The system's disk, and what stands on it. */
const SYSTEM: readonly Dictionary[] = [
  scheme("disk0", [
    volume("disk0s1", { Content: "Apple_APFS_ISC" }),
    volume("disk0s2", { Content: "Apple_APFS" }),
  ]),
  container("disk1", ["disk0s1"], [volume("disk1s1", { MountPoint: "/System/Volumes/iSCPreboot" })]),
  container(
    "disk3",
    ["disk0s2"],
    [
      volume("disk3s1", {
        VolumeName: "Macintosh HD",
        MountedSnapshots: [{ SnapshotMountPoint: "/", SnapshotBSD: "disk3s1s1" }],
      }),
      volume("disk3s5", { VolumeName: "Data", MountPoint: "/System/Volumes/Data" }),
    ],
  ),
];

export const CARD = scheme(
  "disk4",
  [
    volume("disk4s1", { Content: "Windows_FAT_32", VolumeName: "bootfs", MountPoint: "/Volumes/bootfs" }),
    volume("disk4s2", { Content: "Linux" }),
  ],
  "FDisk_partition_scheme",
);

/** Of a whole disk. */
export const info = (disk: string, more: Dictionary = {}): Dictionary => ({
  ...{ DeviceIdentifier: disk, ParentWholeDisk: disk, WholeDisk: true, TotalSize: 64e9 },
  ...{ Internal: true, Ejectable: false, Removable: false, RemovableMedia: false },
  ...{ RemovableMediaOrExternalDevice: false, Writable: true, WritableMedia: true },
  ...{ BusProtocol: "Apple Fabric", MediaName: "APPLE SSD", VirtualOrPhysical: "Physical" },
  ...more,
});
const external = (disk: string, more: Dictionary = {}): Dictionary =>
  info(disk, {
    ...{
      Internal: false,
      RemovableMediaOrExternalDevice: true,
      BusProtocol: "USB",
      MediaName: "Extreme SSD",
    },
    ...more,
  });
const removable = (disk: string, more: Dictionary = {}): Dictionary =>
  external(disk, { Ejectable: true, Removable: true, RemovableMedia: true, ...more });
const synthesized = (disk: string): Dictionary => info(disk, { VirtualOrPhysical: "Virtual" });

export const MADE = { external, removable, scheme, volume, container, synthesized };

const ROOT: Dictionary = {
  ...{ DeviceIdentifier: "disk3s1s1", ParentWholeDisk: "disk3", MountPoint: "/" },
  APFSPhysicalStores: [{ APFSPhysicalStore: "disk0s2" }],
};

const media = (disk: string, id: number): Dictionary => ({
  ...{ "BSD Name": disk, IORegistryEntryID: id, Whole: true, TOC: new Uint8Array([0, 1, 2]) },
  IORegistryEntryChildren: [{ "BSD Name": `${disk}s1`, IORegistryEntryID: id + 1, Whole: false }],
});

/** A reader behind a hub: what is nearest to the disk counts. */
const HUB: Dictionary = {
  locationID: 0x01100000,
  IORegistryEntryChildren: [
    {
      ...{ locationID: 0x01140000, "USB Serial Number": "058F63666485", "USB Product Name": "Mass Storage" },
      IORegistryEntryChildren: [
        {
          IORegistryEntryName: "IOUSBMassStorageDriver",
          IORegistryEntryChildren: [media("disk4", 4_295_056_527)],
        },
      ],
    },
  ],
};

/** A Mac with its own disk and a card in a USB reader, and what else there is. */
export function macAnswers(
  entries: readonly Dictionary[] = [],
  infos: readonly Dictionary[] = [],
  more: Partial<MacAnswers> = {},
): MacAnswers {
  const all: readonly Dictionary[] = [info("disk0"), synthesized("disk1"), synthesized("disk3"), ...infos];
  return {
    list: build({ AllDisksAndPartitions: [...SYSTEM, CARD, ...entries] }),
    root: build(ROOT),
    infos: new Map([
      ["disk4", CARD_READER],
      ...all.map((one): [string, string] => [one["DeviceIdentifier"] as string, build(one)]),
    ]),
    media: build([media("disk0", 4_294_968_000), media("disk4", 4_295_056_527)]),
    usb: build([HUB]),
    ...more,
  };
}
