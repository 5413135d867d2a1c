"""The light of a photo by percentiles: where a sign's colours lie among its sorted values."""

import torch
from torch import Tensor

VEILS = torch.linspace(0, 0.6, 121)
LEAST_LIGHT = 1e-4


def by_levels(seen: Tensor, colours: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return gain and offset, each (3,), from values (N,3) and colours (K,3) of shares (K,).

    Each colour's share of the face says which part of the sorted values is its own, and the
    middle half of that part is averaged, so that blur, lettering a little off and dirt do not
    matter. Values are sorted channel by channel, but white is where the least channel is highest:
    glare on red may be as bright as white in red, not in green and blue. The model is Shafer's
    dichromatic one (1985): light x ((1 - veil) x reflectance + veil), where the light's
    colour comes from the sign's lightest colour (white, on all signs here) and the one veil for
    all channels from the others by least absolute deviations, which a clipped or faded channel
    does not move. So white ink looks as the sign's white does, and black ink as its dark parts.
    """
    return _dichromatic(colours, share, _levels(seen, colours, share))


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


def _dichromatic(colours: Tensor, share: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
    """Fit light (3,) and veil to colours (K,3) of shares (K,) seen at levels (K,3)."""
    top = _lightest(colours)
    white = levels[top].clamp_min(LEAST_LIGHT)
    veiled = (1 - VEILS[:, None, None]) * colours + VEILS[:, None, None]
    light = white / veiled[:, top].clamp_min(0.05)
    off = ((light[:, None] * veiled - levels) / white).abs().sum(dim=2)
    best = int((off * share).sum(dim=1).argmin())
    return light[best] * (1 - VEILS[best]), light[best] * VEILS[best]
