"""Answers that were paid for once, kept on disk by the hash of their request."""

import json
import math
import os
from pathlib import Path

from physadv.core import check

MOST = 4096
"""How many answers are kept in memory where there is no folder."""


class Kept:
    """A folder of answers, or the last few in memory: key to K scores.

    A file that cannot be read, is cut short or holds something else counts as not there.
    """

    def __init__(self, folder: str | Path | None, count: int) -> None:
        """Use `folder`, made if it is absent, for answers of `count` scores."""
        self.folder, self.count = None if folder is None else Path(folder), count
        self._memory: dict[str, list[float]] = {}
        if self.folder is not None:
            free = not self.folder.exists() or self.folder.is_dir()
            check(free, "cache", expected="a folder", got=str(self.folder))
            self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> list[float] | None:
        """Return the scores kept for a key, or None."""
        if self.folder is None:
            return self._memory.get(key)
        try:
            scores = json.loads((self.folder / f"{key}.json").read_text())["scores"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        good = isinstance(scores, list) and len(scores) == self.count
        good = good and all(isinstance(one, float) and math.isfinite(one) for one in scores)
        return scores if good else None

    def put(self, key: str, scores: list[float]) -> None:
        """Keep scores; a file is whole or not there."""
        if self.folder is None:
            self._memory[key] = scores
            while len(self._memory) > MOST:
                del self._memory[next(iter(self._memory))]
            return
        path = self.folder / f"{key}.json"
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({"scores": scores}))
        part.replace(path)
