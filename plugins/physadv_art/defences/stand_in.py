"""A victim that defences are put around where ART shows them images, or answers, alone."""

from typing import Any

from physadv.core import Answer, Encoded, UserError, check
from physadv.victims import find_label
from physadv.victims.labels import numbered


class StandIn:
    """Has a size and classes, and cannot be asked."""

    name, differentiable = "stand-in", True

    def __init__(self, size_px: tuple[int, int], classes: int = 1) -> None:
        """Stand for a classifier of images of that size (h,w)."""
        self.size_px, self.labels = size_px, numbered(classes)

    def __call__(self, images: Encoded) -> Answer:
        """Raise `UserError`."""
        expected, fix = "one that asks no network", "put it around a classifier with Defended"
        raise UserError("defence", expected=expected, got="one that asks the victim", fix=fix)

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label."""
        return find_label(self.labels, name_or_index)


def check_kind(defence: Any, kinds: tuple[str, ...], expected: str) -> None:
    """Raise `UserError` for what is no defence, or says of itself that it is of another kind."""
    good = callable(defence) and not isinstance(defence, type)
    got = type(defence).__name__
    check(good, "defence", expected=expected, got=getattr(defence, "__name__", got))
    about = getattr(defence, "about", None)
    known = about is None or about.kind in kinds
    fix = "put it around a classifier with Defended"
    check(known, "defence", expected=expected, got=got, fix=fix)
