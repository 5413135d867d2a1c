"""What a defence says of itself: its name, what it does to a victim, its paper."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["input", "output", "detector", "smoothing"]
"""Whether it changes what is asked, what is told, refuses to tell, or asks about many variants."""


@dataclass(frozen=True)
class DefenceAbout:
    """What `physadv defences` lists; a class declares `about: ClassVar[DefenceAbout]`."""

    name: str
    kind: Kind
    source: str
