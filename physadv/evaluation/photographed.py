"""Images seen through a camera: conditions by (seed, call, row), and a victim behind it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.camera import Camera, retaken, retaking
from physadv.core import Answer, Conditions, Encoded, check, draw, generator, spawn
from physadv.core.check import one_of
from physadv.presets import PRESETS
from physadv.victims import Victim
from physadv.world import World

BLOCK = 256
"""So many rows of conditions are drawn at once, so that no row depends on the batch's size."""


def camera_of(source: Camera | World | str) -> Camera:
    """Return the camera of a world, of a preset by name, or itself; raises `UserError`."""
    if isinstance(source, str):
        one_of("camera", source, PRESETS)
        return PRESETS[source].camera
    return source.camera if isinstance(source, World) else source


class Retakes:
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
        given = self.conditions(self.row * samples, len(rows))
        given = {name: value.to(images.device) for name, value in given.items()}
        if self.held:
            self.row += len(images)
        else:
            self.call += 1
        return retaken(self.camera, Encoded(rows), given)


class Photographed:
    """A victim that is shown photographs of what it is asked about, fresh ones in every call.

    Scores are the mean over `samples` photographs of each image, and so are their gradients
    (expectation over transformation, Athalye et al. 2018).
    """

    def __init__(
        self, victim: Victim, camera: Camera | World | str, *, samples: int = 1, seed: int = 0
    ) -> None:
        """Put a camera, that of a world or that of a preset, before a victim."""
        check(samples >= 1, "samples", expected="at least 1", got=samples)
        self.victim, self.samples = victim, samples
        self.retakes = Retakes(camera_of(camera), seed)
        self.name = f"{victim.name}, photographed"
        self.labels, self.size_px = victim.labels, victim.size_px
        self.differentiable = victim.differentiable

    def __call__(self, images: Encoded) -> Answer:
        """Answer for photographs of (B,3,H,W) images, which are first brought to `size_px`."""
        seen: Tensor = images
        if tuple(seen.shape[2:]) != self.size_px:
            seen = interpolate(seen, self.size_px, mode="bilinear", antialias=True)
        scores = self.victim(Encoded(self.retakes.take(seen, self.samples))).scores
        return Answer(scores.reshape(len(images), self.samples, -1).mean(dim=1))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, as the victim does."""
        return self.victim.label(name_or_index)
