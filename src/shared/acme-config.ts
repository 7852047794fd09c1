/**
 * How the IM server comes to a certificate for real names: the part `acme` of its configuration.
 * Source: RFC 8555; RFC 2136 and 8945 for updates of a DNS server.
 */
import { z } from "zod";
import { FilePath, Port } from "./config-fields.js";

/** `{name}` and `{value}` are those of the record, `{secret}` the content of `secretFile`. */
const HttpRequest = z.strictObject({
  url: z.string().regex(/^https?:\/\//, "an http or https address"),
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("POST"),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
});

const Dns = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("http").describe("a provider's API"),
      add: HttpRequest,
      remove: HttpRequest.optional(),
      secretFile: FilePath.optional(),
    }),
    z.strictObject({
      kind: z.literal("rfc2136").describe("updates of a DNS server, by nsupdate"),
      server: z.string().min(1).describe("its address"),
      port: Port.default(53),
      secretFile: FilePath.describe("`hmac-sha256:NAME:SECRET`, the TSIG key"),
    }),
    z.strictObject({
      kind: z.literal("command").describe("a program of your own: `add NAME VALUE`, `remove NAME VALUE`"),
      command: z.array(z.string().min(1)).min(1),
    }),
  ])
  .describe("how a TXT record comes into the names' zone");
export type DnsConfig = z.infer<typeof Dns>;

export const Acme = z
  .strictObject({
    directory: z
      .url({ protocol: /^https$/ })
      .default("https://acme-v02.api.letsencrypt.org/directory")
      .describe("of the certificate authority"),
    email: z.email().optional().describe("where the authority writes to"),
    names: z
      .array(z.string().regex(/^(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z0-9-]+$/, "a full domain name in lower case"))
      .min(1)
      .max(20)
      .describe("what the certificate is for; the names need not be reachable from outside"),
    folder: FilePath.optional().describe(
      "where account and certificates are kept, `live` in it the newest; default: `acme` beside SQLite's file; with PostgreSQL it has to be named",
    ),
    dns: Dns,
    resolver: z
      .string()
      .regex(/^(?:[0-9.]+|\[[0-9a-f:]+\])(?::\d+)?$/, "an address, with an optional port")
      .optional()
      .describe("who is asked whether the record is there; default: those of the machine"),
    waitS: z
      .int()
      .min(1)
      .max(3_600)
      .default(300)
      .describe("how long a record may take until it is seen, in seconds"),
  })
  .describe("a certificate for real names, by ACME's DNS-01 (RFC 8555, section 8.4)");
export type AcmeConfig = z.infer<typeof Acme>;
