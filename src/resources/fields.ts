/**
 * Schema pieces that several resource types share.
 */
import { z } from "zod";
import { Secret } from "../shared/secret.js";

/** An absolute path that every tool prints as it is: sha256sum and stat escape backslashes and control characters. */
export const AbsolutePath = z
  .string()
  .regex(
    /^\/[^\u0000-\u001f\\:]*[^\u0000-\u001f\\:/]$/,
    "an absolute path without `:`, backslash or control characters, not ending in `/`",
  );

/** Of a file system; lower case, as blkid prints it. */
export const Uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID in lower case");

/** What fstab(5) can say without escapes. */
export const MountPoint = AbsolutePath.regex(
  /^\/[\w.@/-]+$/,
  "an absolute path of letters, digits and `._@-`",
);

export const Mode = z.string().regex(/^0[0-7]{3,4}$/, 'an octal mode in quotes, such as "0644"');

export const AccountName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a Unix account name: lower-case letters, digits, `_`, `-`");

export const PackageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "a Debian package name");

/** Full names only: `systemctl` would add `.service`, but a plan should say what it means. */
export const Unit = z
  .string()
  .regex(
    /^[\w@.\\:-]+\.(service|socket|timer|target|mount|path)$/,
    "a unit with its suffix, such as `ssh.service`",
  );

export const SecretValue = z.instanceof(Secret, { message: "a secret: `{{ secrets.NAME }}`" });

export const Notifies = z
  .array(Unit)
  .default([])
  .describe("units to restart, once, when the rest of their group is done");

/** For what can lock the operator out, in seconds. */
export const ConfirmWithin = z
  .int()
  .min(10)
  .max(600)
  .default(60)
  .describe("undone unless a new connection works by then");
