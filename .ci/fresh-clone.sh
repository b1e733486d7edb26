#!/usr/bin/env bash
# `npm install && npm start` in a clone of what is committed, then one signed delivery with curl and openssl.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
clone=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$clone"' EXIT

git clone --quiet "$here" "$clone/trackbridge"
cd "$clone/trackbridge"
npm install --no-audit --no-fund >"$clone/install.log" 2>&1 || { cat "$clone/install.log"; exit 1; }

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
SEGMENT_SHARED_SECRET=a-secret-of-this-very-run PORT=$port npm start >"$clone/start.log" 2>&1 &
pid=$!
for _ in $(seq 1 100); do
  curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz" && break
  sleep 0.2
done

body='{"type":"track","event":"Clone Answered","messageId":"fresh-1","userId":"u-1"}'
signature=$(printf %s "$body" | openssl dgst -sha1 -hmac a-secret-of-this-very-run | sed 's/^.*= *//')
answer=$(curl --silent --show-error -H "x-signature: $signature" -H 'content-type: application/json' \
  --data "$body" "http://127.0.0.1:$port/segment") || { cat "$clone/start.log"; exit 1; }
printf '%s\n' "$answer"
[ "$answer" = '{"status":"accepted","accepted":1,"duplicates":0,"quarantined":0}' ] || { cat "$clone/start.log"; exit 1; }

for _ in $(seq 1 50); do
  grep -q '"messageId":"fresh-1"' data/events.ndjson 2>/dev/null && exit 0
  sleep 0.2
done
echo "the event did not reach data/events.ndjson"
cat "$clone/start.log"
exit 1
