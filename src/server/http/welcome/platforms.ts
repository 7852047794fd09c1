/** The devices that people come with. */
export const PLATFORMS = ["android", "ios", "windows", "macos", "linux", "chromebook", "firefox"] as const;
export type PlatformName = (typeof PLATFORMS)[number];

/**
 * Which comes from what a browser calls itself. The order matters: Android says Linux too, a Chromebook X11.
 *
 * An iPad calls itself a Mac; the page's script sees that it can be touched.
 */
const BY_USER_AGENT: readonly (readonly [RegExp, PlatformName])[] = [
  [/Android/, "android"],
  [/iPhone|iPad|iPod/, "ios"],
  [/CrOS/, "chromebook"],
  [/Windows/, "windows"],
  [/Macintosh/, "macos"],
  // Elsewhere Firefox takes what the system trusts.
  [/Linux.*Firefox/, "firefox"],
  [/Linux|X11/, "linux"],
];

/** @returns undefined where nothing tells */
export const platformOf = (userAgent: string): PlatformName | undefined =>
  BY_USER_AGENT.find(([pattern]) => pattern.test(userAgent))?.[1];
