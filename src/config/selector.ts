/**
 * The one way to say which boards: `NAME`, `GROUP` or `@tag`, several allowed, all when nothing is said.
 */
import { didYouMean } from "../shared/did-you-mean.js";
import { ImcloudError } from "../shared/errors.js";
import type { BoardConfig, Config } from "./load.js";

/**
 * @returns the selected boards in the order of the file, each once
 * @throws ImcloudError `cli.usage` for a selector that selects nothing
 */
export function selectBoards(
  config: Pick<Config, "boards" | "groups" | "file">,
  selectors: readonly string[],
): readonly BoardConfig[] {
  if (selectors.length === 0) return config.boards;
  const wanted = new Set(selectors.flatMap((selector) => matching(config, selector)));
  return config.boards.filter((board) => wanted.has(board));
}

function matching(
  { boards, groups, file }: Pick<Config, "boards" | "groups" | "file">,
  selector: string,
): readonly BoardConfig[] {
  const isSelected = (board: BoardConfig): boolean =>
    selector.startsWith("@")
      ? board.tags.includes(selector.slice(1))
      : board.name === selector || board.groups.includes(selector);
  const found = boards.filter(isSelected);
  if (found.length > 0) return found;

  const known = [
    ...boards.map(({ name }) => name),
    ...groups,
    ...new Set(boards.flatMap(({ tags }) => tags.map((tag) => `@${tag}`))),
  ];
  const meant = didYouMean(selector, known);
  throw new ImcloudError("cli.usage", `\`--on ${selector}\` selects no board of \`${file}\``, {
    found: selector,
    expected: `one of ${known.join(", ")}`,
    hint: meant === undefined ? "name a board, a group or an @tag" : `did you mean \`${meant}\`?`,
  });
}
