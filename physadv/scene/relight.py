"""The light of a photo: how reflectance on the sign became light in the picture."""

from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Linear
from physadv.core.check import one_of
from physadv.scene.relight_levels import by_levels
from physadv.scene.relight_pairs import registered, spread
from physadv.scene.relight_regression import by_regression
from physadv.scene.signs import SignDesign
from physadv.scene.signs.colours import reflectance

LEAST_SHARE = 0.02
LEAST_LIGHT = 1e-4
PERCENTILE, LEAST_SQUARES = "percentile", "least_squares"
METHODS = (PERCENTILE, LEAST_SQUARES)


@dataclass(frozen=True, eq=False)
class Relight:
    """Linear light = `gain` x reflectance + `offset`, each (3,), for each colour channel.

    The gain is positive and the offset not negative: order is kept.
    """

    gain: Tensor
    offset: Tensor


def fit_light(
    design: SignDesign,
    light: Linear,
    plane: Tensor,
    *,
    method: str = PERCENTILE,
    front: Tensor | None = None,
) -> Relight:
    """Compare a photo (1,3,h,w) of a sign, seen through `plane` (3,3) mm to px, with its design.

    What is before the sign, `front` (1,1,h,w), is left out. "percentile" reads the levels of the
    design's colours from the photo's sorted values (`by_levels`): lettering a little off, blur and
    dirt hardly matter. "least_squares" compares pixel by pixel (`by_regression`): more exact where
    the sign's corners are. Raises `UserError` for another method.
    """
    one_of("relight", method, METHODS)
    if method == LEAST_SQUARES:
        seen, standard = registered(design, light, plane, front)
        if len(seen) == 0:
            return Relight(torch.ones(3), torch.zeros(3))
        return Relight(*by_regression(seen, standard))
    seen, standard = spread(design, light, plane, front)
    _, share = _shares(design, standard)
    kept = share >= LEAST_SHARE
    if not kept.any():
        return Relight(torch.ones(3), torch.zeros(3))
    return Relight(*by_levels(seen, _colours(design)[kept], share[kept] / share[kept].sum()))


def misfit(
    design: SignDesign,
    light: Linear,
    plane: Tensor,
    *,
    found: Relight,
    front: Tensor | None = None,
) -> float:
    """Return how far the relit design is from the photo, as a share of a white diffuser's light.

    The median over pixels and channels of the absolute differences in linear light, for the worst
    of the sign's colours (the field would outvote the legend); 0 where nothing can be compared.
    """
    seen, standard = registered(design, light, plane, front)
    relit = (standard * found.gain + found.offset).clamp_max(1)
    white = (found.gain + found.offset).mean().clamp_min(LEAST_LIGHT)
    off, (index, share) = (seen - relit).abs() / white, _shares(design, standard)
    kept = (share >= LEAST_SHARE).nonzero()[:, 0].tolist()
    return max((float(off[index == colour].median()) for colour in kept), default=0.0)


def _shares(design: SignDesign, standard: Tensor) -> tuple[Tensor, Tensor]:
    """Return which colour of the design each reflectance (N,3) is nearest to, and their shares."""
    colours = _colours(design)
    index = torch.cdist(standard, colours).argmin(dim=1)
    return index, index.bincount(minlength=len(colours)) / max(1, len(index))


def _colours(design: SignDesign) -> Tensor:
    names = sorted({layer.colour for layer in design.layers})
    return torch.stack([reflectance(name) for name in names])
