"""A world's camera for images that are there already, drawn by (seed, call, row)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from physadv.camera import Camera, retaken, retaking
from physadv.core import Conditions, Encoded, draw, generator, spawn
from physadv.core.check import one_of
from physadv.presets import PRESETS
from physadv.world import World

BLOCK = 256
"""So many rows of conditions are drawn at once, so that no row depends on the batch's size."""


def camera_of(source: Camera | World | str) -> Camera:
    """Return the camera of a world, of a preset by name, or itself; raises `UserError`."""
    if isinstance(source, str):
        one_of("camera", source, PRESETS)
        return PRESETS[source].camera
    return source.camera if isinstance(source, World) else source


class Shots:
    """Photographs of images under conditions keyed by (seed, call, row).

    `call` counts up with each batch; inside `one_call` batches are rows of one call.
    """

    def __init__(self, camera: Camera, seed: int) -> None:
        """Stand before the first call."""
        self.camera, self.seed = camera, seed
        self.names = retaking(camera)
        self.call, self.row, self.held = 0, 0, False

    def reset(self) -> None:
        """Go back to before the first call."""
        self.call, self.row = 0, 0

    @contextmanager
    def one_call(self) -> Iterator[None]:
        """Count batches inside as one call: row k of all is row k, whatever the batches' size."""
        self.held, self.row = True, 0
        try:
            yield
        finally:
            self.held, self.row = False, 0
            self.call += 1

    def conditions(self, first: int, count: int) -> Conditions:
        """Return the conditions of rows first..first+count-1 of this call."""
        blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
        drawn = [
            draw(self.names, BLOCK, generator(spawn(self.seed, self.call, block)))
            for block in blocks
        ]
        start = first - blocks[0] * BLOCK
        return {
            name: torch.cat([one[name] for one in drawn])[start : start + count]
            for name in self.names
        }

    def take(self, images: Tensor, samples: int = 1) -> Tensor:
        """Return photographs (B*samples,3,H,W) of images (B,3,H,W), image by image."""
        rows = images.repeat_interleave(samples, dim=0) if samples > 1 else images
        first, count = self.row * samples, len(rows)
        given = {k: v.to(images.device) for k, v in self.conditions(first, count).items()}
        if self.held:
            self.row += len(images)
        else:
            self.call += 1
        return retaken(self.camera, Encoded(rows), given)
