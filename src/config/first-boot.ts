/**
 * What a board is to be from its first boot on, as `imcloud.yaml` says it: once for all boards, for a group, or for one.
 *
 * Passwords are not here: they are secrets, and this names them.
 *
 * Sources: useradd(8) and adduser.conf(5) of Debian for names, RFC 1123 section 2.1 for host names, IEEE 802.11-2020
 * section 9.4.2.2 for network names, ISO 3166-1 for countries, sshd(8) for authorized keys.
 */
import { z } from "zod";

/** How an image wants to be told what it is to be at its first boot. */
export const FIRST_BOOT_FORMATS = [
  "systemd",
  "cloudinit",
  "cloudinit-rpi",
  "rpi-preseed",
  "custom.toml",
  "none",
] as const;
export type FirstBootFormat = (typeof FIRST_BOOT_FORMATS)[number];

const MAX_SSID_BYTES = 32;
const SSID = `1 to ${MAX_SSID_BYTES} bytes`;
const HOST_NAME = "letters, digits and hyphens, at most 63, no hyphen at either end";
const USER = "a lower-case letter or `_`, then at most 31 lower-case letters, digits, `_` or `-`";
const SECRET = "the name of a secret: lower-case letters, digits and `_`";
const CIDR = "an IPv4 address with its prefix length, such as `192.168.1.40/24`";
const IPV4 = "an IPv4 address, such as `192.168.1.1`";

/** A single label: what stands in /etc/hostname. */
export const HostName = z
  .string("a host name")
  .regex(/^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/, HOST_NAME)
  // Else some programs take it for an address.
  .refine((name) => !/^\d+$/.test(name), "a host name with a letter in it");

/** Accounts that every image has, and that a person must not log in as. */
const TAKEN = new Set(
  "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody sshd messagebus systemd-network systemd-resolve imcloud".split(
    " ",
  ),
);
export const UserName = z
  .string("a user name")
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, USER)
  .refine((name) => !TAKEN.has(name), "a name that the system does not use itself");

const SecretName = z.string(SECRET).regex(/^[a-z][a-z0-9_]{0,63}$/, SECRET);

const KEY_TYPES =
  "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com";
const AUTHORIZED_KEY = "one line of a public key file: type, base64, comment";
/** Options before the type are not taken: they would be code. */
export const AuthorizedKey = z
  .string(AUTHORIZED_KEY)
  .transform((line) => line.replaceAll(/[\r\n]+$/g, "").trim())
  .pipe(
    z
      .string()
      .regex(
        new RegExp(`^(?:${KEY_TYPES}) [A-Za-z0-9+/]{40,}={0,2}(?: [^\\x00-\\x1f\\x7f]*)?$`),
        AUTHORIZED_KEY,
      ),
  );

const Ipv4 = z.ipv4(IPV4);
const Cidr = z
  .cidrv4(CIDR)
  .refine((text) => Number(text.split("/")[1]) >= 8 && Number(text.split("/")[1]) <= 30, CIDR);

const COUNTRY = "a country of two capital letters, such as `DE`: without it the radio stays off";
export const WifiCountry = z.string(COUNTRY).regex(/^[A-Z]{2}$/, COUNTRY);

const SSID_HEX = "2 to 64 hexadecimal digits, two for each byte";
const Wifi = z
  .strictObject({
    ssid: z
      .string("text")
      .refine((text) => fits(Buffer.byteLength(text)), `${SSID}, as UTF-8`)
      .optional()
      .describe(`name of the network, ${SSID} as UTF-8`),
    ssidHex: z
      .string(SSID_HEX)
      .regex(/^(?:[0-9a-fA-F]{2}){1,32}$/, SSID_HEX)
      .optional()
      .describe("instead of `ssid`: the bytes of a name that is no UTF-8"),
    password: SecretName.default("wifi_password").describe(
      "which secret is the pass phrase (8 to 63 characters) or the key (64 hexadecimal digits)",
    ),
    country: WifiCountry.describe(
      "where the board is, by ISO 3166-1: `DE`, `GB`, `US`; decides on channels and power",
    ),
    hidden: z
      .boolean("true or false")
      .default(false)
      .describe("true: the network does not announce its name"),
    security: z
      .enum(["wpa2", "wpa3", "open"])
      .default("wpa2")
      .describe("`wpa2` is right for mixed networks too; `wpa3` needs a radio that can; `open`: no password"),
  })
  .refine(({ ssid, ssidHex }) => (ssid === undefined) !== (ssidHex === undefined), {
    message: "either `ssid` or `ssidHex`",
    path: ["ssid"],
  });
export type WifiSettings = z.output<typeof Wifi>;

const Ethernet = z
  .strictObject({
    address: Cidr.describe("fixed address with its prefix length: `192.168.1.40/24`"),
    gateway: Ipv4.optional().describe("the router"),
    dns: z.array(Ipv4, "a list of IPv4 addresses").default([]).describe("name servers; default: the gateway"),
  })
  .refine(({ address, gateway }) => gateway === undefined || inSameNetwork(address, gateway), {
    message: "an address of the same network",
    path: ["gateway"],
  });
export type EthernetSettings = z.output<typeof Ethernet>;

const LOCALE = "a locale in UTF-8, such as `en_GB.UTF-8`";
const TIME_ZONE = "a time zone by its place, such as `Europe/Berlin`";
const KEYBOARD = "a keyboard layout of two or three letters, such as `de` or `gb`";
const QUIRK = "vendor, product and flags of a USB adapter, such as `152d:0578:u`";

export const FirstBoot = z.strictObject({
  format: z
    .enum(FIRST_BOOT_FORMATS)
    .optional()
    .describe(
      "how the image is told; default: what the image itself shows, and nothing where it shows nothing",
    ),
  hostname: HostName.optional().describe("default: the board's name"),
  user: UserName.optional().describe("account to make; default: the board's `user`, else `pi`"),
  password: SecretName.optional().describe(
    "which secret is its password, or the hash of one (`$6$…`); none: keys alone open it",
  ),
  keys: z
    .array(AuthorizedKey, "a list of public keys")
    .optional()
    .describe("public SSH keys that open it; default: that of `identityFile`, else one that imcloud makes"),
  sudo: z
    .enum(["password", "nopasswd"])
    .optional()
    .describe("whether `sudo` asks for the password; default: it does where there is one"),
  sshPasswords: z
    .boolean("true or false")
    .optional()
    .describe("true: SSH takes passwords too; default false"),
  wifi: Wifi.optional().describe("the radio; none: it stays as the image has it"),
  ethernet: Ethernet.optional().describe("a fixed address for eth0; none: DHCP"),
  locale: z
    .string(LOCALE)
    .regex(/^[a-z]{2,3}_[A-Z]{2}\.UTF-8$|^C\.UTF-8$/, LOCALE)
    .optional()
    .describe("`en_GB.UTF-8`"),
  timezone: z
    .string(TIME_ZONE)
    .regex(/^(?:UTC|[A-Z][A-Za-z]+(?:\/[A-Za-z0-9_+-]+){1,2})$/, TIME_ZONE)
    .optional()
    .describe("`Europe/Berlin`"),
  keyboard: z
    .string(KEYBOARD)
    .regex(/^[a-z]{2,3}$/, KEYBOARD)
    .optional()
    .describe("layout: `de`, `gb`, `us`"),
  cgroupMemory: z
    .boolean("true or false")
    .optional()
    .describe("true: the kernel counts services' memory from the first boot on; default true"),
  watchdog: z
    .boolean("true or false")
    .optional()
    .describe("true: the board's own timer restarts it when it hangs; default true"),
  usbQuirks: z
    .array(z.string(QUIRK).regex(/^[0-9a-f]{4}:[0-9a-f]{4}:[a-z]+$/, QUIRK), "a list of quirks")
    .optional()
    .describe("for USB adapters that need them: `152d:0578:u` takes UAS from one"),
});
export type FirstBoot = z.output<typeof FirstBoot>;

/** Later ones win, setting by setting; `wifi` and `ethernet` are each one setting. */
export function overlay(...all: readonly (FirstBoot | undefined)[]): FirstBoot {
  return Object.assign({}, ...all) as FirstBoot;
}

/** The bytes of a network's name. */
export function ssidOf({ ssid, ssidHex }: Pick<WifiSettings, "ssid" | "ssidHex">): Buffer {
  return ssidHex === undefined ? Buffer.from(ssid ?? "") : Buffer.from(ssidHex, "hex");
}

function fits(bytes: number): boolean {
  return bytes >= 1 && bytes <= MAX_SSID_BYTES;
}

function inSameNetwork(cidr: string, address: string): boolean {
  const [network = "", prefix = "32"] = cidr.split("/");
  const numberOf = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(address) / size);
}
