"""What is before the sign in a photo (leaves, a pole, a hand), as a person marks it."""

from pathlib import Path

from torch import Tensor

from physadv.core import UserError, check
from physadv.core.image import load_rgba
from physadv.scene.relight_pairs import free_ratio
from physadv.scene.signs import SignDesign

ARGUMENT = "occlusion mask"
LEAST_FREE_RATIO = 0.05
CLEAR = 0.5 / 255


def read_front(path: str | Path, size: tuple[int, int]) -> Tensor:
    """Read the share (1,1,h,w) of each pixel of a photo of `size` (h, w) before the sign.

    White is before it and black is not, grey in between; in an image with transparent parts what
    is opaque is before it, whatever its colour. Raises `UserError` for an unreadable file and for
    another size than the photo's.
    """
    try:
        colour, cover = load_rgba(path)
    except UserError as error:
        raise error.about(ARGUMENT) from error
    height, width = cover.shape[-2:]
    check(
        (height, width) == size,
        ARGUMENT,
        expected=f"an image as large as its photo, {size[1]} x {size[0]} px",
        got=f"{Path(path).name} of {width} x {height} px",
        fix="draw it over the photo at its full size",
    )
    solid = float(cover.min()) > 1 - CLEAR
    return colour.mean(dim=1, keepdim=True) if solid else cover


def check_free(design: SignDesign, plane: Tensor, front: Tensor) -> None:
    """Raise `UserError` where hardly anything of the sign is not behind `front` (1,1,h,w)."""
    share = free_ratio(design, plane, front)
    got = f"one that hides {100 * (1 - share):.0f} % of it"
    check(
        share >= LEAST_FREE_RATIO,
        ARGUMENT,
        expected="a mask that leaves some of the sign free",
        got=got,
        fix="paint white what is before the sign, and the sign itself black",
    )
