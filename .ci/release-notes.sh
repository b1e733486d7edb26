#!/usr/bin/env bash
# release-notes.sh VERSION: prints the part of CHANGELOG.md about a version. Fails unless package.json has that version and
# the changelog a part about it.
set -euo pipefail
version=${1:?give a version}
cd "${2:-$(dirname "$0")/..}"

stated=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
if [ "$stated" != "$version" ]; then
  echo "package.json has version $stated, and the tag says $version" >&2
  exit 1
fi
notes=$(awk -v heading="## $version" '
  /^## / { inside = ($0 == heading || index($0, heading " ") == 1); next }
  inside { print }
' CHANGELOG.md | sed '/./,$!d')
if [ -z "$notes" ]; then
  echo "CHANGELOG.md has no part '## $version': rename 'Unreleased'" >&2
  exit 1
fi
printf '%s\n' "$notes"
