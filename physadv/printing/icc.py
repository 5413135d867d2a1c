"""ICC profiles (ISO 15076-1) of printers and displays, converted once to our table."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms

from physadv.core import UserError
from physadv.core.check import one_of
from physadv.printing.profile import Profile, load_profile

INTENTS = {
    "perceptual": ImageCms.Intent.PERCEPTUAL,
    "relative": ImageCms.Intent.RELATIVE_COLORIMETRIC,
    "saturation": ImageCms.Intent.SATURATION,
    "absolute": ImageCms.Intent.ABSOLUTE_COLORIMETRIC,
}
CLASSES = {"prtr": "printer", "mntr": "display"}
SPACES = {"prtr": ("RGB", "CMYK"), "mntr": ("RGB",)}
SUFFIXES = (".icc", ".icm")
STEP = 3
NODES = 255 // STEP + 1
"""The colour engine takes 8-bit values: nodes lie on whole ones."""


def read_profile(path: str | Path) -> Profile:
    """Read a printer's profile: an ICC file by its suffix, else what `physadv calibrate` wrote."""
    return read_icc(path) if Path(path).suffix.lower() in SUFFIXES else load_profile(path)


def read_icc(path: str | Path, *, intent: str = "relative", paper_white: bool = True) -> Profile:
    """Return how sRGB files look when printed (or shown) on the device of an ICC profile.

    Colours go to the device's values by `intent` (a name in `INTENTS`), and from there to how they
    look: as they are with the paper's own white, or relative to it. What lies beyond sRGB's gamut
    is clipped to it. Raises `UserError` for a file that is no ICC profile, for other classes than
    printer (prtr) and display (mntr), for other colour spaces than RGB and CMYK.
    """
    one_of("intent", intent, INTENTS)
    device = _open(Path(path))
    shown = ImageCms.Intent.ABSOLUTE_COLORIMETRIC if paper_white else INTENTS["relative"]
    try:
        screen = ImageCms.createProfile("sRGB")
        proof = ImageCms.buildProofTransform(
            screen, screen, device, "RGB", "RGB", INTENTS[intent], shown
        )
    except ImageCms.PyCMSError as error:
        got = f"{path}, which lacks one"
        fix = "give the profile of a printer, not of a scanner or a link between two"
        expected = "tables to the device and back"
        raise UserError("printer", expected=expected, got=got, fix=fix) from error
    seen = ImageCms.applyTransform(_nodes(), proof)
    table = torch.from_numpy(np.array(seen)).float() / 255
    return Profile(table.reshape(NODES, NODES, NODES, 3), f"{Path(path).name}, {intent} intent")


def _nodes() -> Image.Image:
    levels = np.arange(NODES, dtype=np.uint8) * STEP
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    colours = np.stack([red, green, blue], axis=-1)
    return Image.fromarray(colours.reshape(NODES * NODES, NODES, 3))


def _open(path: Path) -> ImageCms.ImageCmsProfile:
    if not path.is_file():
        raise UserError("printer", expected="a file that exists", got=str(path))
    try:
        profile = ImageCms.ImageCmsProfile(str(path))
    except (ImageCms.PyCMSError, OSError) as error:
        fix = "export it anew from the print shop's or the driver's profiles"
        got = f"{path}, which is none or damaged"
        raise UserError("printer", expected="an ICC profile", got=got, fix=fix) from error
    kind, space = profile.profile.device_class.strip(), profile.profile.xcolor_space.strip()
    if kind not in CLASSES:
        expected = "an ICC profile of a printer (prtr) or a display (mntr)"
        got = f"{path}, of class {kind}"
        raise UserError("printer", expected=expected, got=got, fix="ask the print shop for theirs")
    if space not in SPACES[kind]:
        expected = f"an ICC profile of a {CLASSES[kind]} in {' or '.join(SPACES[kind])}"
        raise UserError("printer", expected=expected, got=f"{path}, in {space}")
    return profile
