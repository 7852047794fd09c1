/**
 * The password of the account, as shadow(5) holds it.
 *
 * SHA-512 is what every release from Ubuntu 18.04 on understands, so a password that is typed becomes that. A hash
 * that is given must be one that the image's libc knows: yescrypt came with libxcrypt 4.4 (Debian 11, Ubuntu 22.04).
 *
 * Source: crypt(5) of libxcrypt; release notes of Debian 11.
 */
import { encrypt } from "unixcrypt";
import { ImcloudError } from "../../shared/errors.js";
import { Secret } from "../../shared/secret.js";

/** Whole hashes by their prefix; DES and MD5 are left out: they are broken. */
const HASHES: readonly RegExp[] = [
  /^\$6\$(?:rounds=\d{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{86}$/,
  /^\$5\$(?:rounds=\d{1,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43}$/,
  /^\$y\$[A-Za-z0-9./]+\$[A-Za-z0-9./]{1,86}\$[A-Za-z0-9./]{43}$/,
];

/**
 * @param typed a password, or the hash of one; line ends that came along when it was pasted do not count
 * @param secret the secret's name, for the error
 * @throws ImcloudError `flash.setting-refused` for what nobody could type at a login, or a damaged hash
 */
export function passwordHash(typed: Secret, secret: string): Secret {
  const text = typed.reveal().replaceAll(/[\r\n]/g, "");
  if (/^\$[a-z0-9]{1,2}\$/.test(text)) {
    if (HASHES.some((hash) => hash.test(text))) return new Secret(text);
    throw refused(
      secret,
      "a hash that is cut off, or of a kind that is not taken",
      "a whole hash that begins with `$6$`, `$5$` or `$y$`",
    );
  }
  if (text === "") throw refused(secret, "nothing", "a password");
  if (/[\x00-\x1f\x7f]/.test(text))
    throw refused(secret, "a control character", "characters that can be typed at a login");
  return new Secret(encrypt(text));
}

/** Whether a hash is of the kind that only newer systems know. */
export function isYescrypt(hash: Secret): boolean {
  return hash.reveal().startsWith("$y$");
}

function refused(secret: string, found: string, expected: string): ImcloudError {
  return new ImcloudError("flash.setting-refused", `the secret \`${secret}\` is no password of an account`, {
    found,
    expected,
    hint: `correct the secret \`${secret}\``,
  });
}
