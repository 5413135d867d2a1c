"""The pictures of a result: the stickers' ink and the face with them on, as files hold them."""

import torch
from torch import Tensor

from physadv.core import Face, Linear, encode
from physadv.patch import Patch, ink
from physadv.printing import hard
from physadv.problem import HARD_PX


def patch_picture(patch: Patch, theta: Tensor, width_px: int = HARD_PX) -> Tensor:
    """Return patch.png: colour and cover (1,4,h,w) over the whole frame, exactly as judged."""
    printed = hard(ink(patch, theta, width_px))
    return torch.cat([printed.colour * printed.cover, printed.cover], dim=1)


def sign_picture(face: Face, patch: Tensor) -> Tensor:
    """Return sign.png: the face with `patch` (1,4,h,w) on, encoded, alpha 0 beyond its outline."""
    bare = encode(Linear(face.texture))
    return torch.cat([torch.lerp(bare, patch[:, :3], patch[:, 3:]), face.cover], dim=1)
