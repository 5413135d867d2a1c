"""The contracts as functions, to run on your own effect, victim or attack; a stand-in server."""

from physadv.testing.attack import check_attack
from physadv.testing.contract import ContractError
from physadv.testing.defence import check_defence
from physadv.testing.digital import check_digital
from physadv.testing.effect import check_effect
from physadv.testing.patch import check_patch
from physadv.testing.plugin import check_plugin
from physadv.testing.served import served
from physadv.testing.shift import check_shift
from physadv.testing.victim import check_victim

__all__ = [
    "ContractError",
    "check_attack",
    "check_defence",
    "check_digital",
    "check_effect",
    "check_patch",
    "check_plugin",
    "check_shift",
    "check_victim",
    "served",
]
