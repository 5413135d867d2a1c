"""Refusing to answer an attacker who asks about many nearly equal images.

Li, Shan, Wenger, Zhang, Zheng & Zhao, "Blacklight: Scalable Defense for Neural Networks against
Query-Based Black-Box Attacks", USENIX Security 2022: a probabilistic fingerprint of each query.
Pixels are quantised, sequences of them are hashed at every place, and the largest hashes are kept;
queries that share many of them with an earlier one are near duplicates.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, quantise, spawn
from physadv.core.check import at_least_one
from physadv.defences.about import DefenceAbout
from physadv.defences.defended import Defended, with_rejected
from physadv.victims import Victim


@dataclass(frozen=True)
class QueryDetection:
    """Rejects an image whose fingerprint shares `shared` hashes with that of an earlier query.

    What was asked is remembered by the defended victim until it is `reset`; Blacklight does so
    each day.
    """

    about: ClassVar[DefenceAbout] = DefenceAbout("query-detection", "detector", "Li et al. 2022")

    step: int = setting(50, "levels of 255 that are one after quantising")
    window: int = setting(20, "values in a row that are hashed as one")
    kept: int = setting(50, "hashes of a query that are kept")
    shared: int = setting(25, "hashes in common that make a near duplicate")
    seed: int = setting(0, "of the secret salt")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "window", "kept", "shared")
        check(1 <= self.step <= 255, "step", expected="1 to 255", got=self.step)
        least, got = f"at most kept, {self.kept}", self.shared
        check(self.shared <= self.kept, "shared", expected=least, got=got)

    def __call__(self, victim: Victim) -> Defended:
        """Return a victim with the further class `rejected`, and a memory of its own."""
        memory = Memory(self)

        def told(scores: Tensor, images: Encoded, _: torch.Generator) -> Tensor:
            again = torch.tensor([memory.seen(image) for image in images]).to(scores)
            return with_rejected(scores, 2 * again - 1)

        made = Defended(victim, "query detection", told=told, refuses=True)
        made.forget = memory.forget
        return made


class Memory:
    """The hashes of all queries so far, each with the queries that had it."""

    def __init__(self, settings: QueryDetection) -> None:
        """Remember nothing yet."""
        self.settings = settings
        self.salt = spawn(settings.seed, "salt").to_bytes(16, "big", signed=True)
        self.forget()

    def forget(self) -> None:
        """Remember nothing."""
        self.queries, self.places = 0, dict[bytes, list[int]]()

    def seen(self, image: Tensor) -> bool:
        """Return whether a query (C,H,W) is near an earlier one, and remember it."""
        hashes = self.fingerprint(image)
        common = Counter(number for one in hashes for number in self.places.get(one, ()))
        most = max(common.values(), default=0)
        for one in hashes:
            self.places.setdefault(one, []).append(self.queries)
        self.queries += 1
        return most >= self.settings.shared

    def fingerprint(self, image: Tensor) -> set[bytes]:
        """Return the largest hashes of the sequences of quantised values."""
        levels = (quantise(image.detach()).cpu() * 255).round().to(torch.int64)
        values = (levels // self.settings.step).flatten().to(torch.uint8).numpy()
        windows = np.lib.stride_tricks.sliding_window_view(values, self.settings.window)
        found = {hashlib.sha256(self.salt + one.tobytes()).digest() for one in windows}
        return set(sorted(found, reverse=True)[: self.settings.kept])
