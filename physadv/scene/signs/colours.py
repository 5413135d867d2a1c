"""The traffic colours of sign sheeting, as sRGB and as linear reflectance."""

import torch
from torch import Tensor

from physadv.core import Encoded, decode

COLOURS: dict[str, str] = {
    "white": "F1F0EA",  # RAL 9016 traffic white
    "red": "BB1E10",  # RAL 3020 traffic red
    "yellow": "F7B500",  # RAL 1023 traffic yellow
    "blue": "005B8C",  # RAL 5017 traffic blue
    "black": "2A292A",  # RAL 9017 traffic black
    "grey": "4E5451",  # RAL 7043 traffic grey B
}
"""sRGB of the RAL Classic traffic colours (RAL 840), daytime appearance, as RAL's colour fan is
commonly digitised (the table at rgb.to); retroreflection is not part of a reflectance."""


def reflectance(name: str) -> Tensor:
    """Return the linear reflectance (3,) of a named colour."""
    encoded = torch.tensor(list(bytes.fromhex(COLOURS[name]))) / 255
    return decode(Encoded(encoded.view(1, 3, 1, 1))).view(3)
