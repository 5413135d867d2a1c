"""Writes all the files of a result, and its sheets anew for other paper."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from physadv.core import load_rgba, save_image
from physadv.design import Design, write_design
from physadv.output.artwork import Artwork
from physadv.output.card import Finding, Sized, make_card, write_card
from physadv.output.cut_svg import write_cut_svg
from physadv.output.folder import CARD, DESIGN, EVALUATION, STATE, THETA, staged
from physadv.output.page import report_page
from physadv.output.pictures import patch_picture, sign_picture
from physadv.output.report import write_report
from physadv.output.sheet import write_sheet
from physadv.scene import StreetScene, sign

HASHED = (THETA, DESIGN, "patch.png", "sign.png")
"""Files that are the same whenever the run is repeated; the card holds their SHA-256."""


def write_folder(
    path: Path, finding: Finding, *, date: str, paper: str = "A4", areas: Sequence[Sized] = ()
) -> dict[str, Any]:
    """Write sheet, pictures, theta, design, card and report of a finding; returns the card.

    Files of an older result are replaced once all new ones are written.
    """
    design, theta = finding.design, finding.result.theta
    printed = patch_picture(finding.problem.patch, theta)
    shown = sign_picture(StreetScene(sign(design.sign)).face(printed.shape[-1]), printed)
    with staged(path) as part:
        save_image(part / "patch.png", printed[:, :3], printed[:, 3:])
        save_image(part / "sign.png", shown[:, :3], shown[:, 3:])
        (part / THETA).write_bytes(save({"theta": theta.contiguous()}))
        write_design(part / DESIGN, design)
        card = make_card(finding, date, areas) | {"files": _hashes(part)}
        pages = write_sheets(part, design, date=date, paper=paper)
        note = f"sheet.pdf has {pages} pages of {paper}; physadv sheet writes it for other paper."
        write_report(
            part / "report.html", report_page(finding, card, printed, areas=areas, note=note)
        )
        write_card(part / CARD, card)
    (path / EVALUATION).unlink(missing_ok=True)  # it was of the theta that is replaced
    if not finding.result.interrupted:
        (path / STATE).unlink(missing_ok=True)
    return card


def _hashes(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in HASHED}


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
