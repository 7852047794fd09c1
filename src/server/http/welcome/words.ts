/**
 * What the welcome page says, in one language. `**bold**` and `` `code` `` are the only marks in it; `{name}` is what
 * devices call the authority, `{server}` the cloud, `{file}` the certificate's file.
 */
import type { Picture } from "./pictures.js";
import type { PlatformName } from "./platforms.js";

export interface Step {
  readonly text: string;
  readonly picture?: Picture;
  /** What is offered for download in this step. */
  readonly get?: { readonly file: "ca.crt" | "ca.pem" | "imcloud.mobileconfig"; readonly label: string };
}

export interface PlatformWords {
  readonly title: string;
  readonly steps: readonly Step[];
  /** What else to know. */
  readonly notes: readonly string[];
}

export interface Words {
  readonly title: string;
  readonly intro: string;
  /** Shown where the link holds an invitation. */
  readonly invited: string;
  readonly trust: { readonly title: string; readonly why: string };
  readonly platforms: Readonly<Record<PlatformName, PlatformWords>>;
  readonly compare: { readonly title: string; readonly how: string; readonly files: string };
  readonly open: {
    readonly title: string;
    readonly how: string;
    readonly link: string;
    readonly withoutScript: string;
  };
  readonly code: { readonly title: string; readonly label: string };
  readonly limits: {
    readonly title: string;
    readonly can: string;
    readonly cannot: string;
    readonly remove: string;
  };
  /** Where devices know the server's authority anyway. */
  readonly nothing: string;
}
