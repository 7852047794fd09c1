/**
 * The two names that macOS has for each disk.
 *
 * Source: `man 4 disk` and diskutil(8), "DEVICES"; sector alignment of raw devices as rpi-imager's pull request 1621 has it.
 */

/** The one without a cache, which takes whole sectors alone. @example rawNode("/dev/disk4") // "/dev/rdisk4" */
export const rawNode = (path: string): string => path.replace(/^\/dev\/disk(?=\d)/, "/dev/rdisk");

/** The one that takes pieces of any length, as mtools writes them. */
export const blockNode = (path: string): string => path.replace(/^\/dev\/rdisk(?=\d)/, "/dev/disk");
