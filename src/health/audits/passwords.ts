/**
 * Accounts that anybody can enter: without a password, or with one that comes with an image.
 *
 * Each hash is tried with a handful of words, by the board's own crypt(3): perl is in every Debian. No hash leaves the
 * board, and no word is said.
 * Source: shadow(5), crypt(5).
 */
import { sh } from "../../board/script.js";
import { fail, ok, unknown, type HealthCheck } from "../check.js";

/** Of images for these boards, and what people take instead. */
const WORDS = "raspberry ubuntu pi root admin password toor raspberrypi orangepi 123456 12345678 changeme";

const PROGRAM = String.raw`
open(my $shadow, "<", "/etc/shadow") or die;
while (my $line = <$shadow>) {
  my ($name, $hash) = split /:/, $line;
  if ($hash eq "") { print "empty|$name\n"; next }
  next if $hash =~ /^[!*]/;
  print "set|$name\n";
  for my $word (@ARGV, $name) {
    my $tried = crypt($word, $hash);
    if (!defined $tried || $tried =~ /^\*/) { print "untried|$name\n"; last }
    if ($tried eq $hash) { print "known|$name\n"; last }
  }
}
print "end|\n";`;

export const passwords: HealthCheck = {
  id: "passwords",
  title: "Passwords",

  probe: () => sh`perl -e ${PROGRAM} ${WORDS.split(" ")}`,

  judge({ stdout }) {
    const rows = stdout.split("\n").map((line) => line.split("|"));
    const after = (word: string) => rows.flatMap(([first, rest = ""]) => (first === word ? [rest] : []));
    if (after("end").length === 0)
      return unknown("the accounts cannot be read", {
        hint: "look at /etc/shadow on the board; `perl` must be there",
      });
    const [empty, known, untried] = [after("empty"), after("known"), after("untried")];
    const found = [
      ...(empty.length > 0 ? [`no password: ${empty.join(", ")}`] : []),
      ...(known.length > 0 ? [`a password that everybody knows: ${known.join(", ")}`] : []),
    ];
    const name = empty[0] ?? known[0];
    if (name !== undefined)
      return fail(found.join("; "), {
        hint: `give it another one, or none that works: \`imcloud exec -- passwd --lock ${name}\``,
      });
    if (untried.length > 0) {
      return unknown(`a hash that the board's own crypt does not know: ${untried.join(", ")}`, {
        hint: `set the password anew: \`imcloud ssh\`, then \`passwd\``,
      });
    }
    return ok(`${after("set").length} with a password, none that everybody knows`);
  },
};
