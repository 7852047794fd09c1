import { expect, test } from "vitest";
import { boardPlace, labLayout } from "../../../src/lab/layout.js";

test("a lab's names follow from its network", () => {
  const lab = labLayout({ IMCLOUD_LAB_NETWORK: "10.1.200.0/24", IMCLOUD_LAB_FOLDER: "/srv/lab" });
  expect(lab).toMatchObject({ bridge: "imlab200", gateway: "10.1.200.1", boardsFolder: "/srv/lab/boards" });

  const place = boardPlace(lab, 250);
  expect(place).toMatchObject({
    address: "10.1.200.250",
    mac: "dc:a6:32:00:c8:fa",
    folder: "/srv/lab/boards/250",
  });
  expect(place.link.length).toBeLessThanOrEqual(15); // what the kernel takes
});

test("without an environment the defaults hold", () => {
  expect(labLayout({})).toMatchObject({ folder: "/var/lib/imcloud-lab", gateway: "10.98.42.1" });
});

test.each(["10.98.42.0", "10.98.42.1/24", "10.98.0.0/16", "10.999.42.0/24", "fd00::/64", ""])(
  "%j is not a lab's network",
  (network) => {
    expect(() => labLayout({ IMCLOUD_LAB_NETWORK: network })).toThrow(/not an IPv4 \/24/);
  },
);
