"""Digital attacks: what changes the images themselves, one file a paper."""

from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Plugin,
    Rows,
    Step,
    Watch,
    check_door,
    check_images,
    ignore,
)
from physadv.attacks.digital.ball import project, random_point, steepest
from physadv.attacks.digital.estimated import EstimatedPGD
from physadv.attacks.digital.evade_hc import EvadeHC
from physadv.attacks.digital.evolved import GenAttack
from physadv.attacks.digital.framework import Framework, FrameworkAttack, Task
from physadv.attacks.digital.lay import lay_patch
from physadv.attacks.digital.patch import Patch
from physadv.attacks.digital.pgd import PGD, pgd
from physadv.attacks.digital.rp2 import RP2, rp2
from physadv.attacks.digital.settings import setting, settings_of

__all__ = [
    "PGD",
    "RP2",
    "UNKNOWN",
    "DigitalAttack",
    "EstimatedPGD",
    "EvadeHC",
    "Framework",
    "FrameworkAttack",
    "GenAttack",
    "Patch",
    "Plugin",
    "Rows",
    "Step",
    "Task",
    "Watch",
    "check_door",
    "check_images",
    "ignore",
    "lay_patch",
    "pgd",
    "project",
    "random_point",
    "rp2",
    "setting",
    "settings_of",
    "steepest",
]
