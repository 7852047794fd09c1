/** Without what is mistaken for something else when it is read from paper: 0 o, 1 l i. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUP = 4;

/**
 * A password to be typed from paper: `k7mp-3xqa-tz9r` has 59 bits.
 *
 * @param least characters that the server wants
 */
export function makePassword(least: number): string {
  const groups = Math.max(3, Math.ceil(least / GROUP));
  return Array.from({ length: groups }, () => Array.from({ length: GROUP }, randomLetter).join("")).join("-");
}

function randomLetter(): string {
  const most = 256 - (256 % LETTERS.length);
  for (;;) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    // What is left over at the end would make the first letters likelier.
    if (byte < most) return LETTERS[byte % LETTERS.length] ?? "";
  }
}
