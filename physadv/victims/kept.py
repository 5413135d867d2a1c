"""Answers that were paid for once, kept on disk by the hash of their request."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from physadv.core import UserError, check
from physadv.core.whole import write_whole

MOST = 4096
"""How many answers are kept in memory where there is no folder."""


EVERY_S = 10.0
"""How often a file of answers is written while answers come, at most."""


class Answers(Protocol):
    """Where answers are kept: key to K scores."""

    def get(self, key: str) -> list[float] | None:
        """Return the scores kept for a key, or None."""

    def put(self, key: str, scores: list[float]) -> None:
        """Keep scores."""


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
        write_whole(self.folder / f"{key}.json", json.dumps({"scores": scores}))


class KeptFile:
    """All answers of a command's victims in one .safetensors file, so that it can go on.

    `facts` say what the command was told. `again` counts those of the answers of an earlier run
    that were used: a run that was never broken would have asked for them.
    """

    def __init__(self, path: Path, facts: Mapping[str, str]) -> None:
        """Begin with none; nothing is written yet."""
        self.path, self.facts, self.again = path, dict(facts), 0
        self.known: dict[str, list[float]] = {}
        self._unused, self._written = set[str](), time.monotonic()

    def get(self, key: str) -> list[float] | None:
        """Return the scores kept for a key, or None."""
        if key in self._unused:
            self._unused.remove(key)
            self.again += 1
        return self.known.get(key)

    def put(self, key: str, scores: list[float]) -> None:
        """Keep scores; every now and then all are written."""
        self.known[key] = scores
        if time.monotonic() > self._written + EVERY_S:
            self.write()

    def write(self) -> None:
        """Write the answers, whole or not at all; raises `UserError` where that fails."""
        if not self.known:
            return
        keys = torch.tensor([list(bytes.fromhex(key)) for key in self.known], dtype=torch.uint8)
        scores = torch.tensor(list(self.known.values()), dtype=torch.float64)
        facts = {"answers": json.dumps(self.facts)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, save({"keys": keys, "scores": scores}, facts))
        except OSError as error:
            got = f"{self.path} ({error.strerror})"
            raise UserError("out", expected="a file that can be written", got=got) from error
        self._written = time.monotonic()

    def read(self) -> None:
        """Take the answers of an earlier run in, whose facts must be these.

        Raises `UserError` for a file that is none, or of another command.
        """
        try:
            with safe_open(self.path, "pt") as content:
                was = json.loads((content.metadata() or {})["answers"])
                keys = [bytes(key).hex() for key in content.get_tensor("keys").tolist()]
                known = dict(zip(keys, content.get_tensor("scores").tolist(), strict=True))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            expected = f"answers kept by physadv attack, {self.path.name}"
            got = f"{self.path}, which is damaged ({type(error).__name__})"
            raise UserError("resume", expected=expected, got=got) from error
        others = [
            f"{name} {now!r} instead of {was.get(name)!r}"
            for name, now in self.facts.items()
            if was.get(name) != now
        ]
        expected, fix = "what the attack began with", "give the same, or begin anew elsewhere"
        check(not others, "resume", expected=expected, got=", ".join(others), fix=fix)
        self.known, self._unused = known, set(known)
