"""Adversarial patches.

Brown, Mané, Roy, Abadi & Gilmer, "Adversarial Patch", 2017: free colours inside a region, searched
by gradient for the expected loss over how the patch may come to lie (Athalye et al. 2018).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.lay import box_corners, check_corners, lay_patch, lifted, moved
from physadv.attacks.digital.settings import setting
from physadv.camera import Camera, retaken, retaking
from physadv.core import (
    Conditions,
    Encoded,
    Span,
    Varying,
    below,
    check,
    draw,
    generator,
    spawn,
)
from physadv.core.check import at_least_one
from physadv.objectives import Objective
from physadv.victims import Victim

LARGEST_PX = 128
BETAS = (0.9, 0.99)
COUNTS = ("steps", "batch", "tries", "check_every")


@dataclass(frozen=True)
class Patch:
    """Settings of the search for patches; call it with a victim, images and an objective.

    Without corners in the rows the patch is a square in the middle of each image; a mask in the
    rows, too, leaves what is 0 in it as it is.
    """

    about: ClassVar[About] = About("patch", "gradients", "area", "Brown et al. 2017")

    area_pct: float = setting(10.0, "per cent of the image the patch takes where no place is given")
    rows_px: int = setting(0, "rows of the patch's raster; 0 for as many as it is seen with")
    columns_px: int = setting(0, "columns of the patch's raster; 0 as for the rows")
    shared: bool = setting(False, "one patch for all images, instead of one for each")
    steps: int = setting(100, "steps of the search")
    rate: float = setting(0.05, "step size of Adam", scales=True)
    batch: int = setting(32, "images of a step where all share one patch")
    turn_deg: float = setting(0.0, "the patch may lie turned by up to this")
    size_ratio: float = setting(0.0, "it may be larger or smaller by up to this share")
    shift_ratio: float = setting(0.0, "it may be off by up to this share of its side")
    gain_ev: float = setting(0.0, "it may be brighter or darker by up to this many stops")
    camera: Camera | None = setting(None, "a camera through which the victim sees the images")
    tries: int = setting(4, "ways to lie under which a patch is compared with the best so far")
    check_every: int = setting(10, "steps between comparisons")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        good = 0 < self.area_pct <= 100
        check(good, "area_pct", expected="a per cent above 0, up to 100", got=self.area_pct)
        at_least_one(self, *COUNTS)
        good = 0 <= self.size_ratio < 1
        check(good, "size_ratio", expected="a share from 0 to below 1", got=self.size_ratio)
        for name in ("turn_deg", "shift_ratio", "gain_ev", "rows_px", "columns_px"):
            value = getattr(self, name)
            check(value >= 0, name, expected="a number from 0 on", got=value)
        check(self.rate > 0, "rate", expected="a number above 0", got=self.rate)

    @property
    def together(self) -> bool:
        """Whether images may not be attacked a few at a time."""
        return self.shared

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W) in [0,1] with the best patches found, as placed by the rows.

        Raises `UserError` where the victim has no gradient or images and rows do not fit.
        """
        patch = self.search(victim, images, objective, rows=rows, seed=seed, watch=watch)
        return self.laid(images, patch, rows)

    def search(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Tensor:
        """Return the best patch of each image (B,C,h,w), or (1,C,h,w) if they share it."""
        check_door(victim, images, rows)
        place = self.placed(images, rows)
        search = _Search(self, victim, objective, generator(spawn(seed, "patch")))
        search.begin(images, place)
        for step in range(self.steps):
            search.advance(images, place, step, watch)
            if (step + 1) % self.check_every == 0 or step + 1 == self.steps:
                search.compare(images, place)
        return search.best

    def placed(self, images: Tensor, rows: Rows) -> Rows:
        """Return the rows with corners for every image and a mask as large as the images."""
        rows = rows.spread(images)
        if rows.corners is None:
            corners = self._middle(images) if rows.mask is None else _whole(images)
            return replace(rows, corners=corners)
        check_corners(rows.corners, images)
        return replace(rows, corners=rows.corners.to(images))

    def laid(
        self, images: Encoded, patch: Tensor, rows: Rows = UNKNOWN, given: Conditions | None = None
    ) -> Encoded:
        """Return images (B,C,H,W) with a patch (1 or B,C,h,w) on each where the rows say.

        `given` are conditions (B,) drawn from `declared`; None is the patch as it is meant to lie.
        """
        place = self.placed(images, rows)
        assert place.corners is not None
        corners = place.corners
        cover = None if place.mask is None else (place.mask != 0).to(images)
        if given is not None:
            corners = moved(corners, below(given, "patch"))
            gain = torch.exp2(given["patch.gain_ev"]).to(patch)[:, None, None, None]
            patch = (patch * gain).clamp(0, 1)
        seen = Encoded(lay_patch(images, patch, corners, cover).clamp(0, 1))
        if given is None or self.camera is None:
            return seen
        return retaken(self.camera, seen, below(given, "camera"))

    def raster(self, corners_px: Tensor) -> tuple[int, int]:
        """Return the (rows, columns) of a patch seen between corners (4,2)."""
        side = (corners_px.roll(-1, dims=0) - corners_px).norm(dim=1)
        wide, high = float(side[[0, 2]].max()), float(side[[1, 3]].max())
        scale = min(1.0, LARGEST_PX / max(wide, high))
        seen = max(1, round(high * scale)), max(1, round(wide * scale))
        return self.rows_px or seen[0], self.columns_px or seen[1]

    def declared(self) -> dict[str, Varying]:
        """List what varies in how a patch lies and is seen."""
        ends = {
            "patch.turn_deg": (-self.turn_deg, self.turn_deg),
            "patch.size_ratio": (1 - self.size_ratio, 1 + self.size_ratio),
            "patch.x_ratio": (-self.shift_ratio, self.shift_ratio),
            "patch.y_ratio": (-self.shift_ratio, self.shift_ratio),
            "patch.gain_ev": (-self.gain_ev, self.gain_ev),
        }
        found: dict[str, Varying] = {name: Span(*pair) for name, pair in ends.items()}
        if self.camera is not None:
            found |= {f"camera.{name}": one for name, one in retaking(self.camera).items()}
        return found

    def _middle(self, images: Tensor) -> Tensor:
        """Return the corners of a square in the middle, whole pixels where it can be."""
        height, width = images.shape[-2:]
        side = min(max(1, round((height * width * self.area_pct / 100) ** 0.5)), height, width)
        left, top = (width - side) // 2, (height - side) // 2
        box = torch.tensor([[left, top, left + side, top + side]]).to(images)
        return box_corners(box.expand(len(images), 4))


def _whole(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    return box_corners(torch.tensor([[0.0, 0.0, width, height]]).to(images).expand(len(images), 4))


class _Search:
    """The memory of a search: patches, Adam's moments, and the best patch of each image."""

    def __init__(
        self, settings: Patch, victim: Victim, objective: Objective, rng: torch.Generator
    ) -> None:
        self.settings, self.victim, self.objective, self.rng = settings, victim, objective, rng
        self.names = settings.declared()

    def begin(self, images: Tensor, place: Rows) -> None:
        """Draw a first patch, and the ways to lie under which patches are compared."""
        assert place.corners is not None
        count = 1 if self.settings.shared else len(images)
        shape = (count, images.shape[1], *self.settings.raster(place.corners[0]))
        noise = torch.randn(shape, generator=self.rng).clamp(-2, 2)
        self.patch = (0.5 + 0.1 * noise).to(images)
        if place.start is not None:
            seen = lifted(place.start.to(images), place.corners, (shape[2], shape[3]))
            self.patch = seen.mean(dim=0, keepdim=True) if self.settings.shared else seen
        self.first, self.second = torch.zeros_like(self.patch), torch.zeros_like(self.patch)
        self.best = self.patch.clone()
        self.score = torch.full((count, 2), -torch.inf, device=images.device)
        fixed = generator(int(torch.randint(2**31, (1,), generator=self.rng)))
        self.held = [draw(self.names, len(images), fixed) for _ in range(self.settings.tries)]

    def advance(self, images: Tensor, place: Rows, step: int, watch: Watch) -> None:
        """Take a step of Adam (Kingma & Ba 2015); its size falls with a cosine."""
        settings, count = self.settings, len(images)
        if settings.shared and count > settings.batch:
            rows = torch.randperm(count, generator=self.rng)[: settings.batch].to(images.device)
            images, place = images[rows], place.take(rows)
        patch = self.patch.clone().requires_grad_()
        given = draw(self.names, len(images), self.rng)
        seen, loss, _ = self._ask(images, patch, place, given)
        (slope,) = torch.autograd.grad(loss.mean() if settings.shared else loss.sum(), patch)
        slope = slope.nan_to_num(0.0, 0.0, 0.0)
        watch(Step(step / settings.steps, seen.detach(), slope))
        self.first = torch.lerp(slope, self.first, BETAS[0])
        self.second = torch.lerp(slope**2, self.second, BETAS[1])
        size = (self.second / (1 - BETAS[1] ** (step + 1))).sqrt() + 1e-12
        fall = 0.05 + 0.475 * (1 + float(torch.cos(torch.tensor(torch.pi * step / settings.steps))))
        move = settings.rate * fall * self.first / (1 - BETAS[0] ** (step + 1)) / size
        self.patch = (self.patch - move).clamp(0, 1)

    @torch.no_grad()
    def compare(self, images: Tensor, place: Rows) -> None:
        """Keep each patch that succeeds more often than its best so far, or has less loss."""
        held = self.held if _varies(self.names) else [None]
        asked = [self._ask(images, self.patch, place, given) for given in held]
        success = torch.stack([one[2].float() for one in asked]).mean(dim=0)
        loss = torch.stack([one[1] for one in asked]).mean(dim=0)
        score = torch.stack([success.to(loss), -loss], dim=1)
        if self.settings.shared:
            score = score.mean(dim=0, keepdim=True)
        old, new = self.score, score
        better = (new[:, 0] > old[:, 0]) | ((new[:, 0] == old[:, 0]) & (new[:, 1] > old[:, 1]))
        self.score[better], self.best[better] = new[better], self.patch[better]

    def _ask(
        self, images: Tensor, patch: Tensor, place: Rows, given: Conditions | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        seen = self.settings.laid(Encoded(images), patch, place, given)
        photo = place.photo(seen)
        answer = self.victim(photo.pixels)
        loss = self.objective.loss(answer, photo)
        return seen, loss, self.objective.success(answer, photo)


def _varies(names: dict[str, Varying]) -> bool:
    return any(not isinstance(one, Span) or one.low < one.high for one in names.values())
