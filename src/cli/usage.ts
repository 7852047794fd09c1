/** Mistakes on the command line that the option parser cannot see. */
import { didYouMean } from "../shared/did-you-mean.js";
import { ImcloudError } from "../shared/errors.js";

/** A flag's value that is not one of a few. */
export function notOneOf(flag: string, word: string, allowed: readonly string[]): ImcloudError {
  const meant = didYouMean(word, allowed);
  return new ImcloudError("cli.usage", `\`${flag} ${word}\` is not what is allowed there`, {
    found: word,
    expected: `one of ${allowed.join(", ")}`,
    hint: meant === undefined ? `choose one of them` : `did you mean \`${meant}\`?`,
  });
}

/** A name for which nothing is set on any board. */
export function nothingCalled(word: string, names: readonly string[]): ImcloudError {
  const meant = didYouMean(word, names);
  return new ImcloudError("cli.usage", `imcloud sets nothing that is called \`${word}\``, {
    found: word,
    hint: meant === undefined ? "run `imcloud explain` to see all there is" : `did you mean \`${meant}\`?`,
  });
}
