"""Digital attacks: one perturbation an image, one file a paper."""

from physadv.attacks.digital.attack import (
    UNKNOWN,
    DigitalAttack,
    Plugin,
    Rows,
    Step,
    Watch,
    check_door,
    ignore,
)
from physadv.attacks.digital.ball import project, random_point, steepest
from physadv.attacks.digital.framework import Framework, FrameworkAttack, Task
from physadv.attacks.digital.lay import lay_patch
from physadv.attacks.digital.patch import Patch
from physadv.attacks.digital.pgd import PGD, pgd
from physadv.attacks.digital.settings import setting, settings_of

__all__ = [
    "PGD",
    "UNKNOWN",
    "DigitalAttack",
    "Framework",
    "FrameworkAttack",
    "Patch",
    "Plugin",
    "Rows",
    "Step",
    "Task",
    "Watch",
    "check_door",
    "ignore",
    "lay_patch",
    "pgd",
    "project",
    "random_point",
    "setting",
    "settings_of",
    "steepest",
]
