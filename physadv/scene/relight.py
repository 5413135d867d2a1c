"""The light of a photo: how reflectance on the sign became light in the picture."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Linear, PlaneMap
from physadv.core.pixels import pixel_grid
from physadv.scene.signs import SignDesign, render
from physadv.scene.signs.colours import reflectance

GRID_PX = 160
SHRINK_RATIO = 0.88
"""The part of the sign that is compared, about its middle: its rim may be marked badly."""
LEAST_SHARE = 0.02
VEILS = torch.linspace(0, 0.6, 121)
LEAST_LIGHT = 1e-4


@dataclass(frozen=True, eq=False)
class Relight:
    """Linear light = `gain` x reflectance + `offset`, each (3,), for each colour channel.

    The gain is positive and the offset not negative: order is kept.
    """

    gain: Tensor
    offset: Tensor


def fit_light(design: SignDesign, light: Linear, plane: Tensor) -> Relight:
    """Compare a photo (1,3,h,w) of a sign, seen through `plane` (3,3) mm to px, with its design.

    The levels of the design's colours in the photo are read by percentiles: each colour's share
    of the face says which part of the sorted values is its own, and the middle half of that part
    is averaged, so that blur, lettering a little off and dirt do not matter. Values are sorted
    channel by channel, but white is where the least channel is highest: glare on red may be as
    bright as white in red, not in green and blue. The model is
    Shafer's dichromatic one (1985): light x ((1 - veil) x reflectance + veil), where the light's
    colour comes from the sign's lightest colour (white, on all signs here) and the one veil for
    all channels from the others by least absolute deviations, which a clipped or faded channel
    does not move. So white ink looks as the sign's white does, and black ink as its dark parts.
    """
    seen, standard = _samples(design, light, plane)
    colours = torch.stack([reflectance(name) for name in _names(design)])
    index = torch.cdist(standard, colours).argmin(dim=1)
    share = index.bincount(minlength=len(colours)) / max(1, len(index))
    kept = share >= LEAST_SHARE
    if not kept.any():
        return Relight(torch.ones(3), torch.zeros(3))
    colours, share = colours[kept], share[kept] / share[kept].sum()
    return _dichromatic(colours, share, _levels(seen, colours, share))


def _names(design: SignDesign) -> list[str]:
    return sorted({layer.colour for layer in design.layers})


def _samples(design: SignDesign, light: Linear, plane: Tensor) -> tuple[Tensor, Tensor]:
    """Return what photo and design show at the same points of the sign, each (N,3)."""
    face = render(design, GRID_PX)
    height, width = face.cover.shape[-2:]
    grid = pixel_grid(height, width) / torch.tensor([width, height])
    inner = F.grid_sample(face.cover, ((grid * 2 - 1) / SHRINK_RATIO)[None], align_corners=False)
    extent = torch.tensor([design.size_mm[1], design.size_mm[0]])
    pixels = PlaneMap(plane)((grid * extent).reshape(-1, 2)).reshape(height, width, 2)
    places = pixels / torch.tensor([light.shape[-1], light.shape[-2]]) * 2 - 1
    kept = (inner[0, 0] > 0.99) & (places.abs() <= 1).all(dim=-1)
    seen = F.grid_sample(light, places[None], align_corners=False)[0, :, kept]
    return seen.T, face.texture[0, :, kept].T


def _levels(seen: Tensor, colours: Tensor, share: Tensor) -> Tensor:
    """Return each colour's level (K,3) in the photo's sorted values (N,3)."""
    ordered = seen.sort(dim=0).values
    levels = torch.empty_like(colours)
    for channel in range(3):
        order = colours[:, channel].argsort()
        high = share[order].cumsum(0)
        low = high - share[order]
        first = ((low + 0.25 * share[order]) * len(seen)).floor().long()
        last = ((high - 0.25 * share[order]) * len(seen)).ceil().long()
        for k, a, b in zip(order.tolist(), first.tolist(), last.tolist(), strict=True):
            levels[k, channel] = ordered[a : max(b, a + 1), channel].mean()
    top = _lightest(colours)
    whitest = seen[seen.amin(dim=1).argsort(descending=True)]
    part = (torch.tensor([0.25, 0.75]) * share[top] * len(seen)).long().tolist()
    levels[top] = whitest[part[0] : part[1] + 1].mean(dim=0)
    return levels


def _lightest(colours: Tensor) -> int:
    return int(colours.sum(dim=1).argmax())


def _dichromatic(colours: Tensor, share: Tensor, levels: Tensor) -> Relight:
    """Fit light (3,) and veil to colours (K,3) of shares (K,) seen at levels (K,3)."""
    top = _lightest(colours)
    white = levels[top].clamp_min(LEAST_LIGHT)
    veiled = (1 - VEILS[:, None, None]) * colours + VEILS[:, None, None]
    light = white / veiled[:, top].clamp_min(0.05)
    off = ((light[:, None] * veiled - levels) / white).abs().sum(dim=2)
    best = int((off * share).sum(dim=1).argmin())
    return Relight(light[best] * (1 - VEILS[best]), light[best] * VEILS[best])
