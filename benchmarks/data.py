"""Measures the data front door, one part after the other: WhatsApp, tokenising, memory.

Each part says what it compares with and gives ratios of one run; the machine has to be idle.
"""

import subprocess
import sys
from pathlib import Path

PARTS = ("data_whatsapp.py", "data_tokens.py", "data_memory.py")


def main() -> int:
    """Run every part; return 1 where one of them could not be run."""
    here = Path(__file__).parent
    failed = False
    for part in PARTS:
        print(f"== {part}", flush=True)
        failed |= subprocess.run([sys.executable, str(here / part)], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
