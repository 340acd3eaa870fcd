"""Run the listed benchmarks, which need no external data, one after the other."""

from __future__ import annotations

import subprocess
import sys

ALL = ("startup", "added_time", "cancel", "calls_saved", "keystrokes")


def main() -> int:
    """Run them; return the exit code of the first that fails."""
    for name in ALL:
        print(f"\n== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
