"""A benchmark as a file: which attacks meet which defences of which victims, on which images."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from physadv.core import UserError
from physadv.core.check import one_of
from physadv.core.faults import as_user_error
from physadv.core.part import Count, Part
from physadv.evaluation.suites.parts import AttackPart, DefencePart, ImagesPart, VictimPart
from physadv.presets import toml_text, toml_values


class Suite(Part):
    """A benchmark: each attack meets each defence of each victim.

    Names of the tables are what results call them, and what they are where nothing else is said.
    `batch` images are attacked at once; `averaged` answers make one where a defence is random.
    """

    about: str = ""
    seed: int = 0
    batch: Count = 32
    averaged: Count = 8
    images: ImagesPart
    victims: dict[str, VictimPart] = Field(min_length=1)
    defences: dict[str, DefencePart] = Field(min_length=1)
    attacks: dict[str, AttackPart] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        """Let entries without a name be what their tables are called."""
        if not isinstance(values, Mapping):
            return values
        keys = {"victims": "spec", "defences": "name", "attacks": "name"}
        whole = {"images": {}, **values}
        for part, key in keys.items():
            if isinstance(table := values.get(part), Mapping):
                whole[part] = {
                    name: {key: name, **one} if isinstance(one, Mapping) else one
                    for name, one in table.items()
                }
        return whole

    def told(self) -> dict[str, Any]:
        """Return it as plain data, without what is not said."""
        return self.model_dump(mode="json", exclude_none=True)

    def text(self) -> str:
        """Return it as JSON, the same for the same suite."""
        return json.dumps(self.told(), sort_keys=True)


NAMES = {"images.path": "--images", "images.data": "--data", "images.n": "--n"}
"""What flags call settings."""


def suite_names() -> list[str]:
    """List the suites that physadv brings."""
    found = files("physadv.evaluation.suites").iterdir()
    return sorted(one.name[:-5] for one in found if one.name.endswith(".toml"))


def read_suite(name: str, images: Mapping[str, object] | None = None) -> Suite:
    """Return the suite of a name or in a file .toml, with other `images` if some are given.

    Raises one `UserError` that tells all faults: unknown names, with those that exist, settings
    that do not fit, files that are not there, victims that do not load.
    """
    file = name.lower().endswith(".toml")
    if not file:
        fix = "or the name of a file .toml"
        try:
            one_of("suite", name, suite_names())
        except UserError as error:
            raise error.about("suite", error.fix or fix) from error
    path = Path(name) if file else Path(str(files("physadv.evaluation.suites") / f"{name}.toml"))
    values = toml_values("suite", toml_text("suite", path), name)
    return suite_from(values, name, images)


def suite_from(
    values: Mapping[str, Any], where: str = "suite", images: Mapping[str, object] | None = None
) -> Suite:
    """Return the suite that plain values say; see `read_suite`."""
    given = {key: one for key, one in (images or {}).items() if one is not None}
    own = values.get("images", {})
    if given and isinstance(own, Mapping):
        fresh = {"path", "data"} & given.keys()
        kept = {key: one for key, one in own.items() if not (fresh and key in ("path", "data"))}
        values = {**values, "images": {**kept, **given}}
    try:
        return Suite.model_validate(values)
    except ValidationError as error:
        names = {key: one for key, one in NAMES.items() if key.removeprefix("images.") in given}
        raise as_user_error(error, Suite, where, names) from error
