#!/usr/bin/env bash
# Installs a real VS Code (code-server, with a Node of its own) for the end-to-end tests, from the npm
# registry alone, and without a compiler. Does nothing where the same versions are there already.
#
#   install-code-server.sh [DIR]      DIR: else $ENSEMBLE_E2E_DIR, else ~/.cache/ensemble-lsp/e2e
#
# Prints the folder. Needs npm; the tests also need Chromium (Debian: apt-get install chromium).
set -euo pipefail

code_server=4.139.1 node=24.21.0

base=${1:-${ENSEMBLE_E2E_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ensemble-lsp/e2e}}
root=$base/code-server
stamp=$root/.installed
want="code-server $code_server node $node"
[ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && { echo "$root"; exit; }

mkdir -p "$root"
cd "$root"
root=$PWD
rm -rf node_modules package.json package-lock.json
echo '{"private":true}' > package.json

{
  # --ignore-scripts: code-server's postinstall accepts no other Node than 24 and compiles native modules
  # that the tests do without. The warnings about engines are about the system's Node, which only downloads.
  timeout 900 npm install --ignore-scripts --no-audit --no-fund --save-exact --loglevel=error \
    "node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')@$node" "code-server@$code_server"

  # What the postinstall does beside that: the dependencies of VS Code itself. (Not `npm ci`: the
  # shrinkwrap of 4.139.1 lacks a package.)
  cd node_modules/code-server/lib/vscode
  timeout 900 npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error

  cd "$root"
  timeout 60 node_modules/.bin/node node_modules/code-server/out/node/entry.js \
    --config "$root/config.yaml" --version
} >&2
echo "$want" > "$stamp"
echo "$root"
