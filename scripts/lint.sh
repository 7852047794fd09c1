#!/usr/bin/env bash
# Every check that runs nothing: types, style, import rules, unused code, shell scripts.
#
# All of them run, also after one has failed; the exit code is 0 when all are clean.
set -u
cd "$(dirname "$0")/.." || exit 1

failed=()
check() { # TITLE COMMAND...
  local title=$1
  shift
  printf '\n== %s\n' "$title"
  "$@" || failed+=("$title")
}

shell_scripts() { # by name or by their first line; templates that are not yet scripts are the unit tests' business
  {
    find .ci bin scripts src templates test -type f -name '*.sh'
    grep -rlE --exclude-dir=node_modules '^#!/(bin|usr/bin)/(env )?(ba|da)?sh$' .ci scripts templates test
  } | sort -u
}

check_shell() {
  if ! command -v shellcheck >/dev/null; then
    apt-get -qq update &&
      DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends shellcheck || return
  fi
  shell_scripts | xargs -r shellcheck
}

check "types: the CLI, the tests" npx --no-install tsc --noEmit
check "types: the IM server" npx --no-install tsc --noEmit --project src/server
check "types: the pages" npx --no-install tsc --noEmit --project src/web
check "types: the pages' worker" npx --no-install tsc --noEmit --project src/web/tsconfig.worker.json
check "types: the pages' tests" npx --no-install tsc --noEmit --project test/web
check "eslint" npx --no-install eslint .
check "prettier" npx --no-install prettier --check --log-level warn .
check "import rules" npx --no-install depcruise --config .dependency-cruiser.cjs --no-progress bin src
check "unused code" npx --no-install knip
check "shell scripts" check_shell

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
  printf 'lint: %d of the checks failed: %s\n' "${#failed[@]}" "$(IFS=';'; echo "${failed[*]}")"
  exit 1
fi
echo "lint: all clean"
