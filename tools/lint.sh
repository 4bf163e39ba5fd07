# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# Format, clang-tidy on what changed, and the rules of the house. Sourced by ./dev.

sources() { git ls-files --cached --others --exclude-standard -- '*.cpp' '*.hpp' | while read -r file; do [ -f "$file" ] && echo "$file"; done; }

# ./dev format [--check]
run_format() {
  need lint
  if [ "${1:-}" = --check ]; then
    sources | xargs -r -n 40 -P "$jobs" clang-format-19 --dry-run --Werror || fail "format differs; ./dev format mends it"
    note "format is as it should be"
  else
    sources | xargs -r -n 40 -P "$jobs" clang-format-19 -i
  fi
}

# The commit since which files count as changed: where this branch left origin/main; on main itself twenty commits back.
lint_base() {
  if [ -n "${ISTHMUS_LINT_BASE:-}" ]; then echo "$ISTHMUS_LINT_BASE"; return; fi
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ]; then echo "$base"; return; fi
  git rev-parse -q --verify HEAD~20 2>/dev/null || git rev-list --max-parents=0 HEAD | tail -n 1
}

changed_sources() {
  { git diff --name-only --diff-filter=d "$(lint_base)" -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp'; } | sort -u |
    grep -E '^(base|sip|sdp|ice|transport|media|gateway)/' || true
}

run_house() { python3 tests/house/check.py "$PWD"; }

# ./dev lint [FILE]...
run_lint() {
  need run test lint
  run_house || fail "the rules of the house are broken"
  configure release
  local files=("$@")
  [ ${#files[@]} -gt 0 ] || mapfile -t files < <(changed_sources)
  # Only what this build compiles has a command line that clang-tidy could use.
  local known=() file
  for file in "${files[@]}"; do
    if grep -qF "\"$PWD/$file\"" build/release/compile_commands.json; then known+=("$file"); fi
  done
  if [ ${#known[@]} -eq 0 ]; then note "no changed source file for clang-tidy"; return 0; fi
  note "clang-tidy on ${#known[@]} files changed since $(lint_base | cut -c1-10)"
  printf '%s\0' "${known[@]}" | xargs -0 -n 1 -P "$jobs" clang-tidy-19 --quiet -p build/release 2>build/release/tidy.log ||
    { grep -E 'error:' build/release/tidy.log >&2 || true; fail "clang-tidy complains"; }
  note "clang-tidy has nothing to say"
}

# ./dev docs [--check]: what is made from tables and from tests, and what the documents name.
run_docs() {
  need run test
  [ -f build/release/build.ninja ] || configure release
  compile release papers >/dev/null
  python3 tools/coverage.py "$@"
  python3 tools/papers.py build/release/bin/papers "$@"
  python3 tools/docs.py
}
