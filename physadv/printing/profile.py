"""A printer's profile: a differentiable table from encoded RGB to the reflectance of the print."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from physadv.core import Encoded, Linear, UserError, decode

KIND = "physadv printer profile 1"
MADE_BY = "give a file made by physadv calibrate, or an ICC profile (.icc, .icm)"
FEWEST = 2
TABLE, GAIN, OFFSET = "table", "gain_std_ratio", "offset_std_ratio"


@dataclass(frozen=True, eq=False)
class Profile:
    """What a printer makes of colours on its paper, measured or from an ICC file.

    `table` (N,N,N,3) at [r, g, b] is the print's reflectance under daylight in sRGB's primaries,
    sRGB-encoded, so that the nodes are perceptually even; a perfect white diffuser is 1.
    `gain_std_ratio` and `offset_std_ratio` (3,) are the standard deviations of what a photo
    of a print shows: gain R + offset. `held_out_de2000` is the mean error on patches that the
    profile had not seen, None where nothing was measured.
    """

    table: Tensor
    source: str = ""
    held_out_de2000: float | None = None
    gain_std_ratio: Tensor = field(default_factory=lambda: torch.zeros(3))
    offset_std_ratio: Tensor = field(default_factory=lambda: torch.zeros(3))

    def __call__(self, colour: Encoded) -> Linear:
        """Return the reflectance (B,3,H,W) of colours (B,3,H,W), trilinear in the table."""
        volume = self.table.to(colour).permute(3, 0, 1, 2)[None]
        places = (2 * colour - 1).permute(0, 2, 3, 1).flip(-1)  # grid_sample wants b, g, r
        flat = places.reshape(1, 1, 1, -1, 3)
        read = F.grid_sample(volume, flat, padding_mode="border", align_corners=True)
        batch, _, height, width = colour.shape
        return decode(Encoded(read.reshape(3, batch, height, width).transpose(0, 1)))

    @property
    def ends_ratio(self) -> tuple[float, float]:
        """Reflectance of black and of white, averaged over the channels."""
        ends = torch.stack([self.table[0, 0, 0], self.table[-1, -1, -1]])[:, :, None, None]
        black, white = decode(Encoded(ends)).mean(dim=(1, 2, 3)).tolist()
        return black, white

    def save(self, path: str | Path) -> None:
        """Write a .safetensors file. Raises `UserError` where that is not possible."""
        told = "" if self.held_out_de2000 is None else f"{self.held_out_de2000:.4f}"
        facts = {"kind": KIND, "source": self.source, "held_out_de2000": told}
        tensors = {TABLE: self.table, GAIN: self.gain_std_ratio, OFFSET: self.offset_std_ratio}
        content = save({name: value.contiguous() for name, value in tensors.items()}, facts)
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            got = f"{path} ({error.strerror or error})"
            raise UserError("out", expected="a file that can be written", got=got) from error


def load_profile(path: str | Path) -> Profile:
    """Read what `Profile.save` wrote; raises `UserError` for anything else."""
    if not Path(path).is_file():
        raise _refusal("a file that exists", str(path))
    try:
        with safe_open(path, "pt") as content:
            facts = content.metadata() or {}
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # no mapping
        if facts.get("kind") != KIND:
            raise _refusal("a printer profile", f"{path}, which holds something else")
        error = facts["held_out_de2000"]
        held_out = float(error) if error else None
        scatter = tensors[GAIN], tensors[OFFSET]
        profile = Profile(tensors[TABLE], facts["source"], held_out, *scatter)
    except (SafetensorError, OSError, KeyError) as error:
        raise _refusal("a printer profile", f"{path}, which is none or damaged") from error
    _check(profile, path)
    return profile


def _check(profile: Profile, path: str | Path) -> None:
    nodes, scatter = profile.table, torch.stack([profile.gain_std_ratio, profile.offset_std_ratio])
    cube = nodes.shape == (len(nodes),) * 3 + (3,) and len(nodes) >= FEWEST
    in_range = bool(((nodes >= 0) & (nodes <= 1)).all())
    finite = bool((scatter.isfinite() & (scatter >= 0)).all())
    if not (cube and in_range and finite and scatter.shape == (2, 3)):
        raise _refusal("a table (N,N,N,3) in 0..1 and deviations (3,)", f"{path}, which has others")


def _refusal(expected: str, got: str) -> UserError:
    return UserError("printer", expected=expected, got=got, fix=MADE_BY)
