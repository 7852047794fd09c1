/** What a written drive is, for those who put settings on it. */

/** Bytes from the start of a drive or image file. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/** A drive or file with the whole image on it, all but the partition table. */
export interface WrittenTarget {
  /** To be opened by its path; whoever asked for the flash may write to it. */
  readonly path: string;
  /** The FAT partition that the firmware starts from. */
  readonly boot: Extent;
  /** The first Linux partition. */
  readonly root?: Extent;
}

/**
 * Edits the FAT partition, with mtools (`-i PATH@@OFFSET`).
 *
 * Called when the image is written and verified, and before the partition table is: what is cut off in here
 * does not boot. May throw; then the drive stays without a partition table.
 */
export type Customise = (target: WrittenTarget) => Promise<void>;
