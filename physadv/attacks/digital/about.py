"""What an attack says of itself: its name, what it must know, what it keeps small, its paper."""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["gradients", "scores", "labels", "nothing"]
"""What it must be told of its victim: all of it (white box), scores, the class read, or nothing."""


@dataclass(frozen=True)
class About:
    """What `physadv attacks` lists; a class declares `about: ClassVar[About] = About(…)`.

    `name` is what --attack calls it, `norm` the measure of change that is kept small, in words
    where it is none, and `source` the paper.
    """

    name: str
    needs: Needs
    norm: str
    source: str
