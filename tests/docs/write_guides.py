"""Write the sample output in the documentation anew: `.venv/bin/python tests/docs/write_guides.py [PAGE ...]`.

Starts a sandbox, runs every command that the pages show (all pages, or those named), and rewrites the blocks that differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from console_samples import ROOT, SampleError, documents, rewritten

from customer_research_sandbox.serve import Sandbox


def main(arguments: list[str]) -> int:
    """Refresh the pages; 1 when a sample cannot be run."""
    chosen = [Path(name).resolve() for name in arguments] or documents()
    with Sandbox.start(slow_seconds=30.0) as sandbox:
        for path in chosen:
            try:
                text = rewritten(path, sandbox)
            except SampleError as error:
                sys.stderr.write(f"{error}\n")
                return 1
            if text != path.read_text(encoding="utf-8"):
                path.write_text(text, encoding="utf-8")
                sys.stdout.write(f"Written: {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
