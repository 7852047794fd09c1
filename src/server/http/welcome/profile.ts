/**
 * The authority as a configuration profile of iOS, iPadOS and macOS.
 *
 * Its identifiers follow from the certificate: installed again, it takes the place of itself.
 * Source: Apple, "Configuration Profile Reference", "CertificateRoot".
 */
import { createHash } from "node:crypto";
import type { AuthorityCertificate } from "../../../shared/authority-certificate.js";
import { escapeMarkup } from "../../../shared/markup.js";

const DOCTYPE =
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">';

/** @returns a property list, XML */
export function profileOf({ name, der, sha256 }: AuthorityCertificate, serverName: string): string {
  const identifier = `imcloud.authority.${sha256.slice(0, 16).toLowerCase()}`;
  const text = (key: string, value: string): string =>
    `<key>${key}</key><string>${escapeMarkup(value)}</string>`;
  const version = "<key>PayloadVersion</key><integer>1</integer>";
  return `<?xml version="1.0" encoding="UTF-8"?>
${DOCTYPE}
<plist version="1.0">
<dict>
${text("PayloadType", "Configuration")}
${version}
${text("PayloadIdentifier", identifier)}
${text("PayloadUUID", uuidOf(`${sha256} profile`))}
${text("PayloadDisplayName", name)}
${text("PayloadDescription", `Lets this device trust the chat of ${serverName}.`)}
<key>PayloadRemovalDisallowed</key><false/>
<key>PayloadContent</key>
<array>
<dict>
${text("PayloadType", "com.apple.security.root")}
${version}
${text("PayloadIdentifier", `${identifier}.certificate`)}
${text("PayloadUUID", uuidOf(`${sha256} certificate`))}
${text("PayloadDisplayName", name)}
${text("PayloadCertificateFileName", "ca.crt")}
<key>PayloadContent</key>
<data>
${der.toString("base64")}
</data>
</dict>
</array>
</dict>
</plist>
`;
}

/** A UUID that follows from a text. Source: RFC 9562, version 8. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex").toUpperCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
