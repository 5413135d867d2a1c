"""Adversarial patches as ART attacks that take and return images: on boxes, planes, universal."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from art.attacks import EvasionAttack
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor

from physadv.attacks.digital import Patch, Rows
from physadv.attacks.digital.lay import box_corners, check_corners, on_plane
from physadv.core import Encoded, generator, spawn
from physadv.evaluation import camera_of
from physadv.judge import ImageReport
from physadv.patch import controls
from physadv_art.attacks.settings import Argument, constructed_from, read
from physadv_art.attacks.store import write_images, write_patch
from physadv_art.attacks.task import Task, Watcher, open_task
from physadv_art.frame import Array, frame_of

PLACE = Argument(
    None,
    "where the patch lies, in pixels: a box (x1, y1, x2, y2) or corners (4,2), clockwise from the "
    "patch's top left one, for all images or one for each; None for the middle",
    (np.ndarray, tuple, list, type(None)),
)


ON_PLANE = Argument(
    (0.25, 0.25, 0.75, 0.75),
    "where on the plane the sticker lies: x1, y1, x2, y2 as shares of its width and height",
    (tuple, list, np.ndarray),
)


@constructed_from(Patch, shared=False)
class StickerPatch(EvasionAttack):  # type: ignore[misc]  # ART has no types
    """A patch of its own on each image, on a fixed box, inside a mask, or between corners.

    Free colours inside the region, searched by gradient for the expected loss over how the patch
    may come to lie and, with a `camera`, be photographed (Brown et al. 2017, Athalye et al. 2018).
    ART's own patch attacks return the patch; this returns the images with it. With `minimal`,
    images on which the patch does not succeed stay bare.
    """

    _estimator_requirements = (BaseEstimator, LossGradientsMixin, ClassifierMixin, PyTorchEstimator)
    arguments: ClassVar[dict[str, Argument]] = {"place": PLACE}
    place: Any
    camera: Any
    _last: tuple[Task, Tensor, Encoded] | None = None

    def generate(
        self, x: Any, y: Any = None, mask: Any = None, x_init: Any = None, **kwargs: Any
    ) -> Array:
        """Return images with patches: float32, of the shape of x, in the estimator's clip_values.

        :param x: Images in the estimator's channel order and clip_values.
        :param y: True labels, or targets if targeted: one-hot (n,K), or classes (n,) or (n,1).
                  None, if untargeted, for what the estimator predicts.
        :param mask: Floats or bools that broadcast to x; what is 0 in it stays as it is. Without
                     a place the patch may fill the mask.
        :param x_init: Images whose colours where the patch lies begin the search, as x. Rows
                       beyond those of x are not looked at, as in ART.
        :param place: In place of the attack's own `place`.
        :param boxes: For an objective that asks where things are: (4,) or (n,4) in pixels of x,
                      x1y1x2y2; the whole image by default.
        :raises ValueError: for arrays that do not fit.
        """
        task = open_task(self, x, y, mask, x_init, kwargs.get("boxes"))
        if task.images.ndim != 4:
            raise ValueError(f"x: expected images with 4 dimensions, got shape {task.x.shape}")
        place = self.place if kwargs.get("place") is None else kwargs["place"]
        corners = self._spots(place, task.images)
        task = replace(task, rows=replace(task.rows, corners=corners))
        settings, size = read(self), len(task.x) if self._shared else self.batch_size
        if corners is not None:  # one raster for all batches, whatever their places are
            rows, columns = settings.raster(corners[0])
            settings = replace(settings, rows_px=rows, columns_px=columns)
        watcher = Watcher(self, settings.steps * -(-len(task.x) // size))
        found: list[Tensor] = []
        try:
            for number, _, part in task.parts(size):
                found.append(self._search(settings, part, number, watcher.of(number, part)))
        finally:
            watcher.close()
        return self._keep(task, torch.cat(found), settings)

    def apply_patch(self, x: Any, place: Any = None, patch_external: Any = None) -> Array:
        """Return images like x with the patch of the last call, or another, on them.

        :param x: Images as for `generate`; as many as then unless all share one patch.
        :param place: Where, as in the constructor; None for where the attack puts it.
        :param patch_external: A patch (C,h,w) or patches (n,C,h,w) as `patch` has them.
        """
        frame, values = frame_of(self.estimator), np.asarray(x, dtype=np.float32)
        frame.check(values)
        images = Encoded(frame.images(values))
        patch = self._patches() if patch_external is None else _inside(patch_external, frame)
        if len(patch) not in (1, len(images)):
            raise ValueError(f"x: expected {len(patch)} images, one a patch, got {len(images)}")
        rows = Rows(corners=self._spots(self.place if place is None else place, images))
        return frame.changed(values, images, read(self).laid(images, patch.cpu(), rows))

    @property
    def patch(self) -> Array:
        """The patches of the last call in the estimator's order and range: one each, or the one."""
        found = frame_of(self.estimator).array(self._patches())
        return np.asarray(found[0] if self._shared else found)

    @property
    def result(self) -> ImageReport:
        """What the judge says of the last call's images, beside five control patches."""
        task, patch, attacked = self._known()
        rng, settings = generator(spawn(self.seed, "controls")), read(self)
        used = torch.ones(patch.shape[-2:], dtype=torch.bool)
        drawn = [controls(one.cpu(), used, rng) for one in patch]
        laid = {
            name: settings.laid(
                task.images, torch.stack([one[name] for one in drawn]).to(patch), task.rows
            )
            for name in drawn[0]
        }
        return task.judged(attacked, laid)

    def save(self, folder: str | Path, width_mm: float | None = None) -> Path:
        """Write images and patches as PNG and card.json; return the folder.

        With `width_mm`, and one patch, sheet.pdf too: the patch that wide, to print and cut.
        """
        _, patch, attacked = self._known()
        place = write_images(self, Path(folder), attacked, self.result)
        write_patch(place, patch, width_mm)
        return place

    def _search(self, settings: Patch, part: Task, number: int, watcher: Watcher) -> Tensor:
        seed = spawn(self.seed, number)
        return settings.search(
            part.victim, part.images, part.objective, rows=part.rows, seed=seed, watch=watcher
        )

    def _keep(self, task: Task, patch: Tensor, settings: Patch) -> Array:
        """Lay the patches, remember them, and return the images."""
        attacked = settings.laid(task.images, patch, task.rows)
        if self.minimal:
            with torch.no_grad():
                photo = task.rows.photo(attacked)
                success = task.objective.success(task.victim(photo.pixels), photo)
            attacked = Encoded(torch.where(success[:, None, None, None], attacked, task.images))
        self._last = (task, patch, attacked)
        return task.array(attacked)

    def _spots(self, place: Any, images: Tensor) -> Tensor | None:
        """Return the patch's corners in the images, None for where it lies by itself."""
        found = _corners_px(place, len(images))
        return None if found is None else found.to(images)

    @property
    def _shared(self) -> bool:
        return bool(self.fixed["shared"])

    def _known(self) -> tuple[Task, Tensor, Encoded]:
        if self._last is None:
            raise ValueError("patch: expected a call of generate before, got none")
        return self._last

    def _patches(self) -> Tensor:
        return self._known()[1]

    def _check_params(self) -> None:
        super()._check_params()
        if isinstance(self.camera, str):
            self.camera = camera_of(self.camera)
        _corners_px(self.place, None)
        read(self)


@constructed_from(Patch, shared=True)
class UniversalPatch(StickerPatch):
    """One patch for all images of a call, wherever it lies on each (Brown et al. 2017)."""


@constructed_from(Patch, shared=True)
class PlanePatch(StickerPatch):
    """One sticker on a plane, a sign's face, that each image shows between its own four corners.

    The place, given to the constructor or as `corners` to `generate` and `apply_patch`, is the
    plane's; the sticker lies on it where `on_plane` says. One sticker is searched for all images,
    which may show the plane from anywhere.
    """

    arguments: ClassVar[dict[str, Argument]] = {"place": PLACE, "on_plane": ON_PLANE}

    def generate(
        self, x: Any, y: Any = None, mask: Any = None, x_init: Any = None, **kwargs: Any
    ) -> Array:
        """As `StickerPatch.generate`, with `corners` (4,2) or (n,4,2) of the plane in the images.

        Without any the plane is the whole image. `boxes` are by default those around the planes.
        """
        corners = kwargs.pop("corners", None)
        plane = _corners_px(corners, len(x))
        if plane is not None and kwargs.get("boxes") is None:
            kwargs["boxes"] = torch.cat([plane.amin(dim=1), plane.amax(dim=1)], dim=1).numpy()
        return super().generate(x, y, mask, x_init, **kwargs | {"place": corners})

    def _spots(self, place: Any, images: Tensor) -> Tensor:
        """Return the sticker's corners on the planes."""
        plane = _corners_px(place, len(images))
        if plane is None:
            height, width = images.shape[-2:]
            plane = box_corners(torch.tensor([[0.0, 0.0, width, height]]).expand(len(images), 4))
        check_corners(plane, images)
        return on_plane(plane.to(images), tuple(self.on_plane))

    def _check_params(self) -> None:
        super()._check_params()
        box = np.asarray(self.on_plane, dtype=np.float64)
        if box.shape != (4,) or (box < 0).any() or (box > 1).any() or (box[2:] <= box[:2]).any():
            expected = "x1 < x2 and y1 < y2, shares of the plane from 0 to 1"
            raise ValueError(f"on_plane: expected {expected}, got {self.on_plane}")


def _inside(patch: Any, frame: Any) -> Tensor:
    values = np.asarray(patch, dtype=np.float32)
    return Tensor(frame.images(values[None] if values.ndim == 3 else values))


def _corners_px(place: Any, count: int | None) -> Tensor | None:
    """Return corners (n,4,2) from a place as `PLACE` says it; raises `ValueError`."""
    if place is None:
        return None
    found = np.array(place, dtype=np.float32)
    shape = found.shape
    known = shape in ((4,), (4, 2)) or shape[1:] in ((4,), (4, 2))
    rows = shape[0] if shape not in ((4,), (4, 2)) else None
    if not known or (rows is not None and count not in (None, rows)):
        expected = "a box (4,), boxes (n,4), corners (4,2) or (n,4,2)"
        raise ValueError(f"place: expected {expected} in pixels, got shape {shape}")
    corners = torch.from_numpy(found if rows is not None else found[None])
    if corners.ndim == 2 and bool((corners[:, 2:] <= corners[:, :2]).any()):
        raise ValueError(f"place: expected boxes with x1 < x2 and y1 < y2, got {found.tolist()}")
    corners = box_corners(corners) if corners.ndim == 2 else corners
    return corners if count is None or rows is not None else corners.expand(count, 4, 2)
