"""physadv inside Foolbox, and Foolbox inside physadv."""

from physadv_foolbox.attacks import PGD
from physadv_foolbox.models import FoolboxVictim, as_model, as_victim

__all__ = ["PGD", "FoolboxVictim", "as_model", "as_victim"]
