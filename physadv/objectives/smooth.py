"""Smooth ink: total variation over what is printed."""

from torch import Tensor

from physadv.core import Answer, Photo
from physadv.objectives.objective import Objective


def smooth() -> Objective:
    """Want little total variation of the ink; a regulariser, it never fails.

    Mean absolute difference of neighbours inside the cover, rows and columns (anisotropic total
    variation, Rudin, Osher & Fatemi 1992; as in Sharif et al. 2016).
    """
    return Objective(((1.0, _total_variation),))


def _total_variation(_answer: Answer, photo: Photo) -> Tensor:
    if photo.ink is None:
        return photo.pixels.new_zeros(())
    colour, cover = photo.ink.colour, photo.ink.cover
    down = (colour[:, :, 1:] - colour[:, :, :-1]).abs() * cover[:, :, 1:] * cover[:, :, :-1]
    across = (colour[..., 1:] - colour[..., :-1]).abs() * cover[..., 1:] * cover[..., :-1]
    return (down.sum() + across.sum()) / (3 * cover.sum())
