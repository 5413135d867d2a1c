"""Files that are whole or as they were, whenever the process is killed."""

import os
from pathlib import Path

PART = ".part"
"""How the names of files end that were being written."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, beside a path of the same folder, and put it there."""
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    part.write_bytes(content.encode() if isinstance(content, str) else content)
    part.replace(path)


def clear_unfinished(folder: Path) -> None:
    """Remove what was being written there when a process was killed, in a folder of one writer."""
    for left in folder.glob(f".*{PART}"):
        left.unlink(missing_ok=True)
