"""Run every benchmark that needs no data from outside, one after the other."""

from __future__ import annotations

import subprocess
import sys

ALL = ("startup", "added_time", "cancel", "calls_saved", "keystrokes")


def main() -> int:
    """Run them; the exit code is that of the first that failed."""
    for name in ALL:
        print(f"\n== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
