"""Settings that say what they are, so that frameworks' constructors and docs are made from them."""

from dataclasses import Field, field, fields
from typing import Any


def setting(default: Any, about: str, *, scales: bool = False) -> Any:
    """Return a dataclass field with a default and one line that says what it is.

    A setting that `scales` is in the images' own values, and given for images of [0,1].
    """
    return field(default=default, metadata={"about": about, "scales": scales})


def settings_of(attack: Any) -> dict[str, Field[Any]]:
    """Return the settings of an attack, class or instance, by name; see their `metadata`."""
    return {one.name: one for one in fields(attack) if one.init}
