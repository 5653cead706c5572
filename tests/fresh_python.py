"""Code run in a Python process of its own: what an import does can be seen only once a process."""

import os
import subprocess
import sys
import textwrap


def run(code: str, **environment: str) -> str:
    """What the code printed; fails with its error output when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()
