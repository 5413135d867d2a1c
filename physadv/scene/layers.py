"""The layers of a sign: its face and the ink on it, and how pixels see them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import torch
from torch import Tensor

from physadv.core import Face, Lighting, PlaneMap, Printed, check
from physadv.core.pixels import pixel_grid
from physadv.scene.ripmap import Ripmap, read, ripmap
from physadv.scene.texture import Texture, footprints, places, sample, slant, texture

FINE_TAPS = 3
"""How many places a pixel the judge looks at in each direction where the sign is turned."""
SLANTED = 1.4
"""How much larger an upright box may be than the pixel in it before that counts as turned: 12°."""

MOST_PX = 256
"""Up to how many columns what no search changes is averaged beforehand: that takes memory."""
LEAST_COVER = 1e-4
"""Less ink than this in a pixel is none: the differences of sums are not exactly zero."""

Move = Callable[[Tensor], Tensor]
"""Places (B,H,W,2) on the sign, -1..1 of its frame, to places on the ink's own raster."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What is sampled: colours `face` (4 or 5 channels) and `ink` (3), premultiplied.

    The face's fourth channel is its cover. Ink that is pasted where it should be leaves a hole in
    the face, which is exact in every pixel, and its cover is the fifth channel; ink that is moved
    brings its own, `ink_cover`, and is laid over the face. `fine` is how the judge looks: at
    several places a pixel, each with its own footprint. `scatter` is as in `Printed`; `lit` says
    that the face is under a `Lighting`.
    """

    face: Texture | Ripmap
    ink: Texture | None
    ink_cover: Texture | None
    fine: bool
    scatter: tuple[Tensor, Tensor] | None = None
    lit: bool = False


@dataclass(frozen=True, eq=False)
class Parts:
    """Layers as windows see them: `sign` and `ink` (B,3,H,W), premultiplied, and their covers.

    `sign` is what shows beside the ink; `cover` (B,1,H,W) is the silhouette's, ink included.
    """

    sign: Tensor
    cover: Tensor
    ink: Tensor | None = None
    ink_cover: Tensor | None = None

    def added(self) -> Tensor:
        """Return sign and ink together, (B,3,H,W)."""
        return self.sign if self.ink is None else self.sign + self.ink


def surface(face: Face, printed: Printed | None, *, moved: bool, fine: bool) -> Surface:
    """Sum up a face (rasters as wide as the print's) and what is printed on it."""
    quick = not fine and face.cover.shape[-1] <= MOST_PX
    if printed is None:
        return Surface(_whole(face, quick), None, None, fine)
    cover = printed.cover * face.cover
    ink = _ink(printed.reflectance, cover)
    if moved:
        return Surface(_whole(face, quick), ink, texture(cover), fine, printed.scatter)
    if cover.requires_grad:
        beside = _beside.__wrapped__(face, printed.cover, quick=False)
    else:
        beside = _beside(face, printed.cover, quick=quick)
    return Surface(beside, ink, None, fine, printed.scatter)


def lit_surface(face: Face, lighting: Lighting, *, fine: bool) -> Surface:
    """Sum up a bare face (rasters as wide as the gain's) under more or less light.

    Reflectance times gain is averaged over a pixel, not each by itself. Raises `UserError` where
    the light is for a frame of another shape.
    """
    (high, wide), (rows, columns) = face.size_mm, lighting.gain.shape[-2:]
    expected = f"light on a frame of {high:g} x {wide:g} mm, as {face.name} has it"
    got = f"a gain of {rows} x {columns}"
    check(lighting.gain.shape[-2:] == face.cover.shape[-2:], "patch", expected=expected, got=got)
    layers = torch.cat([face.texture * lighting.gain * face.cover, face.cover], dim=1)
    return Surface(texture(layers), None, None, fine, lit=True)


@lru_cache(maxsize=4)
def _whole(face: Face, quick: bool) -> Texture | Ripmap:
    """Sum up the bare face and its cover."""
    layers = torch.cat([face.texture * face.cover, face.cover], dim=1)
    return ripmap(layers) if quick else texture(layers)


@lru_cache(maxsize=4)
def _beside(face: Face, cover: Tensor, *, quick: bool) -> Texture | Ripmap:
    """Sum up what no search changes: the face beside the ink, its cover, the ink's cover."""
    shown = cover * face.cover
    layers = torch.cat([face.texture * (face.cover - shown), face.cover, shown], dim=1)
    return ripmap(layers) if quick else texture(layers)


def _ink(reflectance: Tensor, cover: Tensor) -> Texture:
    """Sum up the ink, in the rectangle alone that holds any."""
    height, width = cover.shape[-2:]
    rows, columns = cover.detach()[0, 0].nonzero().unbind(1)
    if not len(rows):
        return texture(reflectance * cover)
    top, bottom = int(rows.min()), int(rows.max()) + 1
    left, right = int(columns.min()), int(columns.max()) + 1
    corners = (left / width, top / height, right / width, bottom / height)
    x1, y1, x2, y2 = (2 * share - 1 for share in corners)
    cut = (..., slice(top, bottom), slice(left, right))
    return texture(reflectance[cut] * cover[cut], (x1, y1, x2, y2))


def look(
    source: Surface,
    plane: PlaneMap,
    points_px: Tensor,
    size_mm: tuple[float, float],
    move: Move | None = None,
) -> tuple[Parts, Tensor]:
    """Sample the layers at pixels (1 or B,H,W,2) through `plane`; `move` is for moved ink.

    Returns them and the places (B,H,W,2), -1..1 of the frame, that the pixels' middles show.
    """
    place = places(plane, points_px, size_mm)
    half = footprints(place, everywhere=source.fine)
    taps = FINE_TAPS if source.fine and slant(place) > SLANTED else 1
    if taps == 1:
        return _tap(source, place, half, move), place
    half, offsets = half / taps, (pixel_grid(taps, taps) / taps - 0.5).reshape(-1, 2)
    looks = [
        _tap(source, places(plane, points_px + offset, size_mm), half, move) for offset in offsets
    ]
    return _mean(looks), place


def scattered(parts: Parts, source: Surface, rows: Tensor) -> Parts:
    """Return the parts with each row's ink as it came out of the printer."""
    if source.scatter is None or parts.ink is None or parts.ink_cover is None:
        return parts
    gain, offset = (value[rows, :, None, None] for value in source.scatter)
    return replace(parts, ink=parts.ink * gain + parts.ink_cover * offset)


def _tap(source: Surface, place: Tensor, half: Tensor, move: Move | None) -> Parts:
    if isinstance(source.face, Ripmap):
        face = read(source.face, place, half).transpose(0, 1)
    else:
        face = sample(source.face, place, half).transpose(0, 1)
    if source.ink is None:
        return Parts(face[:, :3], face[:, 3:])
    if source.ink_cover is None:
        ink = _sample_where(source.ink, face[:, 4], place, half)
        return Parts(face[:, :3], face[:, 3:4], ink, face[:, 4:])
    moved = place if move is None else move(place)
    cover = sample(source.ink_cover, moved, half).transpose(0, 1)
    ink = _sample_where(source.ink, cover[:, 0], moved, half)
    return Parts(face[:, :3] * (1 - cover), face[:, 3:], ink, cover)


def _sample_where(source: Texture, cover: Tensor, place: Tensor, half: Tensor) -> Tensor:
    """Sample premultiplied colours (B,3,H,W) at the pixels alone that have any cover (B,H,W)."""
    some = (cover.detach().reshape(-1) > LEAST_COVER).nonzero()[:, 0]
    at = torch.stack([axis.reshape(-1).index_select(0, some) for axis in place.unbind(-1)], dim=-1)
    if half.shape == place.shape:
        own = half.reshape(-1, 2).index_select(0, some)
    else:
        own = half[:, 0, 0].index_select(0, some // cover[0].numel())
    values = sample(source, at, own)
    empty = values.new_zeros(3, cover.numel())
    filled = empty.index_copy(1, some, values)
    return filled.reshape(3, *cover.shape).transpose(0, 1)


def _mean(looks: list[Parts]) -> Parts:
    columns = {field.name: [getattr(one, field.name) for one in looks] for field in fields(Parts)}
    known = {name: values for name, values in columns.items() if values[0] is not None}
    return Parts(**{name: torch.stack(values).mean(dim=0) for name, values in known.items()})
