import { usePicture } from "../chat/context.js";

export interface AvatarProps {
  readonly name: string;
  /** What decides the colour: it stays when the name changes. */
  readonly id: string;
  readonly mxc?: string | undefined;
  /** In CSS pixels. */
  readonly size: number;
}

/** Hues that white letters are legible on. */
const HUES = 12;

/** A picture, or the first letter of the name on a colour of its own. It is decoration: the name stands beside it. */
export function Avatar({ name, id, mxc, size }: AvatarProps) {
  const { address } = usePicture(mxc === undefined ? undefined : { url: mxc }, {
    width: size,
    height: size,
    method: "crop",
  });
  return (
    <span
      class={`avatar hue-${hueOf(id)}`}
      style={{ width: `${size}px`, height: `${size}px`, fontSize: `${size * 0.45}px` }}
    >
      {address === undefined ? (
        <span aria-hidden="true">{firstLetter(name)}</span>
      ) : (
        <img src={address} alt="" />
      )}
    </span>
  );
}

function hueOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return sum % HUES;
}

let letters: Intl.Segmenter | undefined;

/** As people see letters: an emoji of several characters is one. */
export function firstLetter(name: string): string {
  const text = name.replace(/^[@#!]/, "");
  const [first] = (letters ??= new Intl.Segmenter()).segment(text);
  return (first?.segment ?? "?").toUpperCase();
}
