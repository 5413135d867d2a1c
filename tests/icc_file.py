"""Writes ICC profiles of a known printer byte by byte (ISO 15076-1, version 2, lut16Type)."""

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = np.array([0.95047, 1.0, 1.08883])
BLACK, WHITE = 0.03, np.array([0.86, 0.85, 0.80])
"""Reflectance of all inks, and of the paper in sRGB's primaries."""
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
ADAPT = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ D65)) @ BRADFORD


def to_xyz(linear: Array) -> Array:
    """Linear sRGB (..., 3) to XYZ under D50."""
    xyz: Array = linear @ (ADAPT @ RGB_TO_XYZ).T
    return xyz


def from_xyz(xyz: Array) -> Array:
    linear: Array = xyz @ np.linalg.inv(ADAPT @ RGB_TO_XYZ).T
    return linear


def to_lab(xyz: Array) -> Array:
    share = xyz / D50
    root = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: Array) -> Array:
    level, a, b = np.moveaxis(lab, -1, 0)
    y = (level + 16) / 116
    root = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz: Array = D50 * np.where(root > 6 / 29, root**3, (116 * root - 16) * 27 / 24389)
    return xyz


def paper_xyz() -> Array:
    return to_xyz(WHITE)


def printed(device: Array) -> Array:
    """What the printer makes of its own RGB (..., 3): linear reflectance; paper is WHITE."""
    return BLACK + (WHITE - BLACK) * device**2


def device_of(linear: Array) -> Array:
    """The device values whose print has a linear reflectance, or the nearest it can."""
    device: Array = np.sqrt(((linear - BLACK) / (WHITE - BLACK)).clip(0, 1))
    return device


def _relative(linear: Array) -> Array:
    return to_lab(to_xyz(linear) * D50 / paper_xyz())


def _forward(device: Array) -> Array:
    """Device values (..., 3 or 4) in 0..1 to encoded Lab; CMYK darkens as RGB does, and by K."""
    if device.shape[-1] == 3:
        return _relative(printed(device))
    inks, key = device[..., :3], device[..., 3:]
    return _relative(printed((1 - inks) * np.sqrt(1 - key)))


def _backward(lab: Array, channels: int) -> Array:
    device = device_of(from_xyz(from_lab(lab) * paper_xyz() / D50))
    if channels == 3:
        return device
    return np.concatenate([1 - device, np.zeros_like(device[..., :1])], axis=-1)


def _lab16(lab: Array) -> Array:
    return np.stack([lab[..., 0] / 100 * 65280, *((lab[..., k] + 128) * 256 for k in (1, 2))], -1)


def _lab_nodes(nodes: Array) -> Array:
    """Lab at the nodes of a table whose inputs passed `CURVE`, so that L* = 100 is a node."""
    return np.stack([nodes[..., 0] * 100, *(nodes[..., k] * 255 - 128 for k in (1, 2))], -1)


def _lut16(grid: int, values: Callable[[Array], Array], curve: Array, inputs: int) -> bytes:
    axis = np.linspace(0, 1, grid)
    nodes = np.stack(np.meshgrid(*[axis] * inputs, indexing="ij"), axis=-1)
    table = values(nodes).clip(0, 65535).round().astype(">u2")
    outputs = table.shape[-1]
    sizes = len(curve), len(LINE)
    head = struct.pack(">4s4xBBBx9iHH", b"mft2", inputs, outputs, grid, *_IDENTITY, *sizes)
    first, last = ((65535 * one).astype(">u2").tobytes() for one in (curve, LINE))
    return bytes(head + first * inputs + table.tobytes() + last * outputs)


LINE = np.array([0.0, 1.0])
CURVE = (np.arange(258) / 256).clip(0, 1)
"""Stretches the 16-bit encoding of Lab, where 100 is 65280, to all of the range."""
_IDENTITY = (65536, 0, 0, 0, 65536, 0, 0, 0, 65536)


def _xyz(values: Array) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(v) * 65536) for v in values))


def _text(kind: bytes, text: bytes) -> bytes:
    if kind == b"text":
        return kind + bytes(4) + text + b"\0"
    count = struct.pack(">I", len(text) + 1)
    return kind + bytes(4) + count + text + b"\0" + bytes(4 + 4 + 2 + 1 + 67)


def profile_bytes(space: bytes = b"RGB ", kind: bytes = b"prtr", *, back: bool = True) -> bytes:
    """Return an ICC profile of the printer, by its RGB or CMYK; without `back` one-way."""
    channels, grid = (3, 33) if space == b"RGB " else (4, 17)
    tags = {
        b"desc": _text(b"desc", b"a known printer"),
        b"cprt": _text(b"text", b"none"),
        b"wtpt": _xyz(paper_xyz()),
        b"A2B0": _lut16(grid, lambda nodes: _lab16(_forward(nodes)), LINE, channels),
    }
    if back:
        tags[b"B2A0"] = _lut16(
            33, lambda nodes: 65535 * _backward(_lab_nodes(nodes), channels), CURVE, 3
        )
    body, index, offset = b"", struct.pack(">I", len(tags)), 132 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        index += struct.pack(">4sII", name, offset + len(body), len(data))
        body += padded
    head = struct.pack(
        ">I4sI4s4s4s6H4s4s4s16x4x3i4s44x",
        *(offset + len(body), b"none", 0x02400000, kind, space, b"Lab "),
        *(2026, 1, 1, 0, 0, 0, b"acsp", b"APPL", bytes(4)),
        *(round(v * 65536) for v in D50),
        bytes(4),
    )
    return head + index + body
