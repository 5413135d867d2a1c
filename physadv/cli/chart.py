"""`physadv chart` and `physadv calibrate`: measure your printer with a camera."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.table import Table

from physadv.calibration import Calibration, calibrate, found_picture
from physadv.calibration.calibrate import WHITE_RATIO
from physadv.cli.options import flag, option
from physadv.cli.show import console, polite
from physadv.core import UserError, check, load_image
from physadv.output import write_chart

FOUND = "found.png"
ForceOption = Annotated[bool, flag("--force", "Replace files that are there already.")]


@polite
def chart(
    paper: Annotated[str, option("PAPER", "Paper: A5 to A0, Letter, Legal or Tabloid.")] = "A4",
    out: Annotated[Path, option("FILE.pdf", "The file; a .png is written beside it.")] = Path(
        "chart.pdf"
    ),
    force: ForceOption = False,
) -> None:
    """Write a colour chart to print, so that calibrate can measure your printer from a photo.

    Print it exactly as you print stickers, photograph it whole, then: physadv calibrate PHOTO.
    """
    _check_suffix(out, ".pdf")
    _check_free(out, out.with_suffix(".png"), force=force)
    drawn = write_chart(out, paper=paper)
    told = f"{out}: {drawn.paper}, print at 100 % as you print stickers; then physadv calibrate"
    console.print(told, markup=False, soft_wrap=True)


@polite
def calibrate_command(
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", help="A photo of the printed chart, all of it.")
    ],
    out: Annotated[Path, option("FILE.safetensors", "The profile to write.")] = Path(
        "profile.safetensors"
    ),
    white: Annotated[
        float,
        option(
            "SHARE",
            "What the bare paper or film reflects, from its data sheet; a photo cannot tell.",
        ),
    ] = WHITE_RATIO,
    force: ForceOption = False,
) -> None:
    """Measure your printer from a photo of the chart; generate --printer uses what this writes.

    Finds the chart by its corner markers, takes out perspective and uneven light, and fits what
    becomes of each colour. The error is of patches that the fit has not seen. Writes found.png
    beside the profile: look at it, the triangles should hardly show.

    Photograph in even shade or under a cloudy sky, filling the picture, without flash.
    """
    _check_suffix(out, ".safetensors")
    _check_free(out, out.with_name(FOUND), force=force)
    pixels = _pixels(photo)
    found = calibrate(pixels, white_ratio=white, source=photo.name)
    found.profile.save(out)
    Image.fromarray(found_picture(pixels, found)).save(out.with_name(FOUND))
    console.print(_table(found))
    told = f"{out}: physadv generate --printer {out}; look at {out.with_name(FOUND)}"
    console.print(told, markup=False, soft_wrap=True)


def _pixels(photo: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    try:
        image = load_image(photo)[0]
    except UserError as error:
        raise error.about("photo") from error
    return np.ascontiguousarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def _check_suffix(out: Path, suffix: str) -> None:
    check(out.suffix.lower() == suffix, "out", expected=f"a file named …{suffix}", got=str(out))


def _check_free(*files: Path, force: bool) -> None:
    folder = files[0].absolute().parent
    check(folder.is_dir(), "out", expected="a folder that exists", got=str(folder))
    taken = [str(file) for file in files if file.exists()]
    fix = "choose another --out, or --force to replace it"
    free = "files that are not there yet"
    check(force or not taken, "out", expected=free, got=" and ".join(taken), fix=fix)


def _table(found: Calibration) -> Table:
    table = Table(title=f"{found.found.chart.paper} chart", title_justify="left")
    table.add_column("measured")
    table.add_column("", justify="right")
    dark, light = found.profile.ends_ratio
    errors, gain = found.errors, found.profile.gain_std_ratio
    rows = {
        "patches": f"{len(found.reading.colour)}, {found.found.patch_px:.0f} px and larger",
        "light, darkest / brightest": f"{_evenness(found):.0f} %",
        "black and white": f"{100 * dark:.1f} % and {100 * light:.1f} %",
        "model": found.model,
        "error of held-out patches": f"{errors.mean():.2f} dE2000",
        "95 % of them below": f"{np.quantile(errors, 0.95):.2f} dE2000",
        "largest": f"{errors.max():.2f} dE2000",
        "uncertainty, gain": f"{100 * float(gain.mean()):.1f} %",
        "uncertainty, offset": f"{100 * float(found.profile.offset_std_ratio.mean()):.2f} %",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _evenness(found: Calibration) -> float:
    level = found.reading.light.mean(axis=1)
    return float(100 * level.min() / level.max())
