"""Writes all the files of a result, and its sheets anew for other paper."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from physadv.core import check, load_rgba, save_image
from physadv.design import Design, write_design
from physadv.output.artwork import Artwork
from physadv.output.card import Finding, Sized, make_card, write_card
from physadv.output.cut_svg import write_cut_svg
from physadv.output.folder import CARD, DESIGN, EVALUATION, SHEETS, STATE, THETA, staged
from physadv.output.page import report_page
from physadv.output.pictures import found_picture, sign_pictures
from physadv.output.report import write_report
from physadv.output.sheet import write_sheet
from physadv.scene import sign

HASHED = (THETA, DESIGN, "patch.png", "sign.png")
"""Files that are the same whenever the run is repeated; the card holds their SHA-256."""


def write_folder(
    path: Path, finding: Finding, *, date: str, paper: str = "A4", areas: Sequence[Sized] = ()
) -> dict[str, Any]:
    """Write sheet, pictures, theta, design, card and report of a finding; returns the card.

    Light and dots on the lens have no sheet. Files of an older result are replaced, or taken away,
    once all new ones are written.
    """
    design, theta = finding.design, finding.result.theta
    found = found_picture(finding.problem, theta)
    _, shown = sign_pictures(finding.problem, theta)
    with staged(path) as part:
        save_image(part / "patch.png", found[:, :3], found[:, 3:])
        save_image(part / "sign.png", shown[:, :3], shown[:, 3:])
        (part / THETA).write_bytes(save({"theta": theta.contiguous()}))
        write_design(part / DESIGN, design)
        card = make_card(finding, date, areas) | {"files": _hashes(part)}
        note = _sheet_note(part, design, date, paper) if design.printed else None
        write_report(part / "report.html", report_page(finding, card, areas=areas, note=note))
        write_card(part / CARD, card)
    for name in (EVALUATION, *(() if design.printed else SHEETS)):
        (path / name).unlink(missing_ok=True)  # it was of the theta that is replaced
    if not finding.result.interrupted:
        (path / STATE).unlink(missing_ok=True)
    return card


def _sheet_note(path: Path, design: Design, date: str, paper: str) -> str:
    """Write the sheets and say what there is to know about them."""
    pages = write_sheets(path, design, date=date, paper=paper)
    return f"sheet.pdf has {pages} pages of {paper}; physadv sheet writes it for other paper."


def _hashes(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in HASHED}


def write_sheets(path: Path, design: Design, *, date: str, paper: str = "A4") -> int:
    """Write sheet.pdf and sheet.svg from the pictures in the folder; returns the pages.

    Raises `UserError` where there is nothing to print.
    """
    kind, fix = design.sticker.kind, "report.html says how to set it up"
    check(design.printed, "folder", expected="stickers, to print", got=kind, fix=fix)
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
