import { Argument, type Command } from "commander";
import type { Context } from "./program.js";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletionCommand(program: Command, context: Context): void {
  program
    .command("completion")
    .summary("print a completion script for a shell")
    .description("Print a script that completes commands, options and board names.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText(
      "after",
      "\nExamples:\n  bash  source <(imcloud completion bash)\n  zsh   imcloud completion zsh > ~/.zfunc/_imcloud\n  fish  imcloud completion fish > ~/.config/fish/completions/imcloud.fish",
    )
    .action(async (shell: Shell) => {
      (await context.terminal()).data(completionScript(shell, program));
    });
}

interface Words {
  /** `lab up`; empty for imcloud itself. */
  readonly path: string;
  readonly summary: string;
  readonly words: readonly string[];
}

/** Everything is in the script but the boards' names: those are read from imcloud.yaml's keys as they are typed. */
export function completionScript(shell: Shell, program: Command): string {
  const all = wordsOf(program, "");
  return { bash, zsh, fish }[shell](all);
}

function wordsOf(command: Command, path: string): Words[] {
  const options = command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []);
  const own: Words = {
    path,
    summary: command.summary(),
    words: [...command.commands.map((inner) => inner.name()), ...options, "--help"],
  };
  return [own, ...command.commands.flatMap((inner) => wordsOf(inner, `${path} ${inner.name()}`.trim()))];
}

/** Names of boards and groups: the keys that stand two spaces in, below `boards:` and `groups:`. */
const keysOf = (section: string): string =>
  String.raw`-e '/^${section}:/,/^[^ ]/s/^  \([a-z0-9-]*\):.*/\1/p'`;
const BOARD_NAMES = `sed -n ${keysOf("boards")} ${keysOf("groups")} "$file" 2>/dev/null`;

/** Those that have commands below them, as a pattern of a shell's. */
const groupsOf = (all: readonly Words[]): string =>
  [...new Set(all.flatMap(({ path }) => /^(.*) \S+$/.exec(path)?.[1] ?? []))].join("|");

/** Commands whose next word is a board. */
const TAKES_BOARD = ["ssh", "trust", "destroy"];

function bash(all: readonly Words[]): string {
  const cases = all.map(
    ({ path, words }) => `    ${JSON.stringify(path)}) words=${JSON.stringify(words.join(" "))} ;;`,
  );
  return `# imcloud completion for bash
_imcloud() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= word words= before= file=\${IMCLOUD_CONFIG:-imcloud.yaml}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $before in -c|--config) file=$word before=; continue ;; esac
    before=$word
    case $word in -*) ;; *) [ -z "$path" ] && path=$word || case "$path" in ${groupsOf(all)}) path="$path $word" ;; esac ;; esac
  done
  case $path in
${cases.join("\n")}
  esac
  case "$previous $path" in
    "--on "*) words=$(${BOARD_NAMES}) ;;
${TAKES_BOARD.map((name) => `    *" ${name}") words="$words $(${BOARD_NAMES})" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _imcloud imcloud`;
}

function zsh(all: readonly Words[]): string {
  const cases = all.map(({ path, words }) => `    ${JSON.stringify(path)}) choices=(${words.join(" ")}) ;;`);
  return `#compdef imcloud
_imcloud() {
  local -a choices boards
  local place= word before= previous=\${words[CURRENT-1]} file=\${IMCLOUD_CONFIG:-imcloud.yaml}
  for word in \${words[2,CURRENT-1]}; do
    case $before in -c|--config) file=$word before=; continue ;; esac
    before=$word
    case $word in
      -*) ;;
      *) if [[ -z $place ]]; then place=$word; elif [[ $place == (${groupsOf(all)}) ]]; then place="$place $word"; fi ;;
    esac
  done
  boards=(\${(f)"$(${BOARD_NAMES})"})
  if [[ $previous == --on ]]; then compadd -a boards; return; fi
  case $place in
${cases.join("\n")}
  esac
  compadd -a choices
  case $place in ${TAKES_BOARD.join("|")}) compadd -a boards ;; esac
}
# As a file of fpath it runs when it is first needed; else it is sourced.
if [[ \${funcstack[1]} == _imcloud ]]; then _imcloud "$@"; else compdef _imcloud imcloud; fi`;
}

function fish(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const condition =
      path === ""
        ? "__fish_use_subcommand"
        : path
            .split(" ")
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join("; and ");
    return words.map((word) => {
      const summary = all.find((one) => one.path === `${path} ${word}`.trim())?.summary ?? "";
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c imcloud -f -n ${JSON.stringify(condition)} ${what}${summary === "" ? "" : ` -d ${JSON.stringify(summary)}`}`;
    });
  });
  const boards = TAKES_BOARD.map(
    (name) => `complete -c imcloud -f -n "__fish_seen_subcommand_from ${name}" -a '(__imcloud_boards)'`,
  );
  const behindOn = `complete -c imcloud -f -n "string match -q -- --on (commandline -opc)[-1]" -a '(__imcloud_boards)'`;
  return ["# imcloud completion for fish", FISH_BOARDS, ...lines, ...boards, behindOn].join("\n");
}

const FISH_BOARDS = `function __imcloud_boards
  set -l file imcloud.yaml
  set -q IMCLOUD_CONFIG; and set file $IMCLOUD_CONFIG
  sed -n ${keysOf("boards")} ${keysOf("groups")} $file 2>/dev/null
end`;
