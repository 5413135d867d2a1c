"""What attacks leave in a folder: images as PNG, a card, for patches the patch and its sheet."""

from importlib.metadata import version
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np
from art.estimators.estimator import BaseEstimator
from torch import Tensor
from torch.nn.functional import interpolate

from physadv.core import Encoded, check, quantise, save_image
from physadv.judge import ImageReport
from physadv.objectives import Objective
from physadv.output import Artwork, today, write_card, write_sheet
from physadv.output.card import MARKING, image_facts, tensor_digest

SHEET_PX = 512
PACKAGES = ("physadv", "adversarial-robustness-toolbox", "torch", "numpy")


def write_images(attack: Any, folder: Path, images: Encoded, report: ImageReport) -> Path:
    """Write images (B,C,H,W) of 1 or 3 channels as 0000.png …, and card.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(len(images)):
        save_image(folder / f"{number:04d}.png", _rgb(images[number : number + 1]))
    write_card(folder / "card.json", _facts(attack, report))
    return folder


def write_patch(folder: Path, patches: Tensor, width_mm: float | None) -> None:
    """Write patches (B,C,h,w) as patch.png, or patch-0000.png …, and the first as sheet.pdf."""
    for number in range(len(patches)):
        name = "patch.png" if len(patches) == 1 else f"patch-{number:04d}.png"
        save_image(folder / name, _rgb(patches[number : number + 1]))
    if width_mm is None:
        return
    check(len(patches) == 1, "width_mm", expected="one patch to print", got=len(patches))
    write_sheet(folder / "sheet.pdf", _artwork(_rgb(patches), width_mm))


def _artwork(patch: Tensor, width_mm: float) -> Artwork:
    """Return a patch (1,3,h,w) as one sticker that fills its frame."""
    rows, columns = patch.shape[-2:]
    size = (width_mm * rows / columns, width_mm)
    fine = interpolate(patch, scale_factor=max(1, round(SHEET_PX / columns)), mode="nearest")
    ink = (quantise(fine)[0] * 255).byte().permute(1, 2, 0).numpy()
    whole = np.concatenate([ink, np.full_like(ink[..., :1], 255)], axis=2)
    corners = ((0.0, 0.0), (size[1], 0.0), (size[1], size[0]), (0.0, size[0]))
    return Artwork(
        name="adversarial patch",
        digest=tensor_digest(patch),
        date=today(),
        size_mm=size,
        outline_mm=corners,
        pieces_mm=(corners,),
        patch=whole,
        sign=whole,
    )


def _facts(attack: Any, report: ImageReport) -> dict[str, Any]:
    settings = {name: _plain(getattr(attack, name)) for name in attack.attack_params}
    return {
        "marking": MARKING,
        "attack": f"art:{type(attack).__name__}",
        "settings": settings,
        "measured": image_facts(report),
        "doubts": list(report.doubts),
        "versions": {name: version(name) for name in PACKAGES},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, float) and isinf(value):
        return "inf"
    if isinstance(value, Objective):  # it would say where its functions are in memory
        return "an objective of the caller's"
    if isinstance(value, BaseEstimator):  # its own text has all that is in it
        return type(value).__name__
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _rgb(images: Tensor) -> Tensor:
    check(images.shape[1] in (1, 3), "images", expected="1 or 3 channels", got=images.shape[1])
    return images.detach().cpu().expand(-1, 3, -1, -1)
