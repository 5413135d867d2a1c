"""A result's folder: everything `generate` leaves behind, and how it is read again."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from physadv.attacks import State
from physadv.core import UserError, load_rgba, save_image
from physadv.design import Design, read_design, write_design
from physadv.output.artwork import Artwork
from physadv.output.card import Finding, make_card, write_card
from physadv.output.cut_svg import write_cut_svg
from physadv.output.page import report_page
from physadv.output.pictures import patch_picture, sign_picture
from physadv.output.report import Point, write_report
from physadv.output.sheet import write_sheet
from physadv.scene import StreetScene, sign
from physadv.victims import read_weights

STATE, THETA, DESIGN, CARD = "state.safetensors", "theta.safetensors", "design.toml", "card.json"


def open_folder(path: Path, *, force: bool = False, resume: bool = False) -> None:
    """Make the folder, or raise `UserError` where it cannot be written or already holds a result.

    Nothing in it is touched.
    """
    if (path / CARD).exists() and not (force or resume):
        raise UserError(
            "out",
            expected="a folder without a result",
            got=f"{path}, which holds one",
            fix="choose another --out, or --force to replace it",
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise UserError("out", expected="a folder that can be written", got=str(path))


def save_state(path: Path, state: State) -> None:
    """Save where a search stands, so that `--resume` goes on from there."""
    part = path / f"{STATE}.part"
    save_file({name: value.contiguous() for name, value in state.tensors.items()}, part)
    part.replace(path / STATE)


def load_state(path: Path) -> dict[str, Tensor]:
    """Read a saved search. Raises `UserError` where there is none."""
    if not (path / STATE).is_file():
        raise UserError(
            "resume",
            expected=f"a folder with {STATE}",
            got=str(path),
            fix="leave --resume out to begin anew",
        )
    return load_file(path / STATE)


def write_folder(
    path: Path, finding: Finding, *, date: str, paper: str = "A4", areas: Sequence[Point] = ()
) -> dict[str, Any]:
    """Write sheet, pictures, theta, design, card and report of a finding; returns the card."""
    design, problem = finding.design, finding.problem
    printed = patch_picture(problem.patch, finding.result.theta)
    face = StreetScene(sign(design.sign)).face(printed.shape[-1])
    shown = sign_picture(face, printed)
    save_image(path / "patch.png", printed[:, :3], printed[:, 3:])
    save_image(path / "sign.png", shown[:, :3], shown[:, 3:])
    save_file({"theta": finding.result.theta.contiguous()}, path / THETA)
    write_design(path / DESIGN, design)
    card = make_card(finding, date)
    write_sheets(path, design, date=date, paper=paper)
    write_report(path / "report.html", report_page(finding, card, printed, areas))
    write_card(path / CARD, card)
    if not finding.result.interrupted:
        (path / STATE).unlink(missing_ok=True)
    return card


def read_folder(path: Path) -> tuple[Design, Tensor]:
    """Return the design and theta of a result's folder. Raises `UserError` where it is none."""
    if not path.is_dir():
        raise UserError("folder", expected="a folder made by physadv generate", got=str(path))
    return read_design(path / DESIGN), read_weights(path / THETA)["theta"]


def write_sheets(path: Path, design: Design, *, date: str, paper: str = "A4") -> int:
    """Write sheet.pdf and sheet.svg from the pictures in the folder; returns the pages."""
    shown = sign(design.sign)
    artwork = Artwork(
        name=design.name,
        digest=design.digest(),
        date=date,
        size_mm=shown.size_mm,
        outline_mm=shown.outline_mm,
        pieces_mm=design.sticker.pieces_mm,
        patch=_pixels(path / "patch.png"),
        sign=_pixels(path / "sign.png"),
    )
    pages = write_sheet(path / "sheet.pdf", artwork, paper=paper)
    write_cut_svg(path / "sheet.svg", artwork, paper=paper)
    return pages


def _pixels(path: Path) -> NDArray[np.uint8]:
    whole = torch.cat(load_rgba(path), dim=1)[0].permute(1, 2, 0)
    return np.ascontiguousarray((whole * 255).round().byte().numpy())
