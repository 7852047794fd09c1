/**
 * What goes onto one card: settings that are decided and checked, secrets included. Every format renders this.
 */
import type { EthernetSettings } from "../../config/first-boot.js";
import type { Secret } from "../../shared/secret.js";

/** One of the board's SSH host keys, in OpenSSH's formats. */
export interface HostKeyPair {
  /** As in `/etc/ssh/ssh_host_KIND_key`. */
  readonly kind: "ed25519" | "ecdsa" | "rsa";
  readonly private: Secret;
  /** One line: type, base64, comment. */
  readonly public: string;
}

/** A radio network whose password is checked and made what the radio needs. */
export interface WifiNetwork {
  /** Octets, not text. */
  readonly ssid: Buffer;
  readonly country: string;
  readonly hidden: boolean;
  readonly key: WifiKey;
}

export type WifiKey =
  | { readonly kind: "open" }
  /** 64 hexadecimal digits: the pass phrase itself stays with the operator. */
  | { readonly kind: "wpa2"; readonly psk: Secret }
  /** SAE wants the pass phrase itself. */
  | { readonly kind: "wpa3"; readonly passphrase: Secret };

export interface Seed {
  /** New for each card: by it cloud-init knows a first boot. */
  readonly instanceId: string;
  readonly hostname: string;
  readonly user: {
    readonly name: string;
    /** As in shadow(5); none: no password opens the account. */
    readonly passwordHash?: Secret;
    readonly keys: readonly string[];
    readonly sudo: "password" | "nopasswd";
  };
  readonly sshPasswords: boolean;
  /** None: the board makes its own, and nobody knows them beforehand. */
  readonly hostKeys: readonly HostKeyPair[];
  readonly wifi?: WifiNetwork;
  readonly ethernet?: EthernetSettings;
  readonly locale?: string;
  readonly timezone?: string;
  readonly keyboard?: string;
  readonly cgroupMemory: boolean;
  readonly watchdog: boolean;
  readonly usbQuirks: readonly string[];
}
