"""physadv inside torchattacks, and torchattacks inside physadv."""

from physadv_torchattacks.attacks import PGD

__all__ = ["PGD"]
