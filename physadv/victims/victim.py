"""What every victim offers: pixels in, an answer out, and a name for each class."""

from typing import Protocol

from physadv.core import Answer, Encoded, check


class Victim(Protocol):
    """Anything that answers for images; it owns its resizing and normalisation."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes' names; class k is `labels[k]`."""

    @property
    def size_px(self) -> tuple[int, int]:
        """The (height, width) that images are brought to before they are judged."""

    @property
    def differentiable(self) -> bool:
        """Whether gradients reach the images; a black box says no."""

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) RGB images in [0,1] of any size."""

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, or raise `UserError`."""


def check_gradients(victim: Victim, fix: str = "", *, expected: str = "one with gradients") -> None:
    """Raise `UserError` for a black box, and say what can be done with one."""
    fix = fix or "attacks by scores or decisions alone take it, e.g. --attack art:HopSkipJump"
    got = f"{victim.name}, a black box"
    check(victim.differentiable, "victim", expected=expected, got=got, fix=fix)
