"""Other framings of photos with boxes: nearer or farther, elsewhere in the picture, brighter."""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from physadv.core import Encoded, Span, draw, generator, quantise
from physadv.core.pixels import pixel_grid
from physadv.evaluation.boxed import Boxed

FRAMING = {
    "zoom_ev": Span(-1.0, 0.6),
    "x_ratio": Span(0.0, 1.0),
    "y_ratio": Span(0.0, 1.0),
    "gain_ev": Span(-0.5, 0.5),
}
"""Nearer by up to 1.5 times, farther by up to 2, cut or padded anywhere, half a stop either way."""

LARGEST = 0.94
"""How much of the picture's side a thing may take after it was brought nearer."""


def zoomed(photos: Boxed, seed: int) -> Boxed:
    """Return each photo in another framing in which the thing is whole.

    What a larger framing adds repeats the photo's edge, so that there is no second thing.
    """
    given = draw(FRAMING, len(photos), generator(seed))
    height, width = photos.images.shape[2:]
    frame = photos.boxes.new_tensor([width, height])
    low, high = photos.boxes[:, :2], photos.boxes[:, 2:]
    most = (LARGEST * frame / (high - low)).amin(dim=1)
    zoom = torch.minimum(torch.exp2(given["zoom_ev"]), most.clamp_min(1))[:, None]
    window = frame / zoom
    ratio = torch.stack([given["x_ratio"], given["y_ratio"]], dim=1)
    origin = _between(high - window, low, frame - window, ratio)
    points = origin[:, None, None] + pixel_grid(height, width) / zoom[:, :, None, None]
    place = points / frame * 2 - 1
    seen = grid_sample(photos.images, place, padding_mode="border", align_corners=False)
    bright = (seen * torch.exp2(given["gain_ev"])[:, None, None, None]).clamp(0, 1)
    boxes = (photos.boxes - origin.repeat(1, 2)) * zoom
    return Boxed(Encoded(quantise(bright)), boxes, photos.groups)


def _between(least: Tensor, most: Tensor, spare: Tensor, ratio: Tensor) -> Tensor:
    """Return windows' origins that keep the thing and, as far as it goes, inside the photo (n,2).

    `least` and `most` keep the thing; `spare` is how far a window can move in the photo, below 0
    where it is larger than the photo, which it then holds.
    """
    low = torch.maximum(least, spare.clamp_max(0))
    high = torch.minimum(most, spare.clamp_min(0))
    return low + (high - low).clamp_min(0) * ratio
