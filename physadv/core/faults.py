"""What is wrong with a file of settings, all at once, in the words of `UserError`."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from physadv.core import UserError

EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "model_type": "a table of settings",
}
"""What is expected where a pydantic error of this type comes and the field says nothing itself."""


class FaultsError(ValueError):
    """Several things that are wrong with one part, for a validator to raise."""

    def __init__(self, faults: Sequence[UserError]) -> None:
        """Hold them."""
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def as_user_error(
    error: ValidationError, model: type[BaseModel], where: str, names: Mapping[str, str]
) -> UserError:
    """Return one `UserError` that tells all faults.

    `names` says what the user calls a dotted setting, if not that; `where` the settings are from.
    """
    faults = [fault for detail in error.errors() for fault in _faults(detail, model, names)]
    if len(faults) == 1:
        only = faults[0]
        return only if only.argument in names.values() else only.about(f"{where}, {only.argument}")
    return told_together(where, faults)


def told_together(where: str, faults: Sequence[UserError]) -> UserError:
    """Return one error about several faults of a file."""
    told = "; ".join(f"({k}) {fault}" for k, fault in enumerate(faults, start=1))
    return UserError(where, expected="settings that fit", got=f"{len(faults)} faults: {told}")


def _faults(detail: Any, model: type[BaseModel], names: Mapping[str, str]) -> list[UserError]:
    steps, inner = [str(step) for step in detail["loc"]], detail.get("ctx", {}).get("error")
    if isinstance(inner, FaultsError):
        return [one.about(_called([*steps, one.argument], names)) for one in inner.faults]
    return [_fault(detail, model, names)]


def _fault(detail: Any, model: type[BaseModel], names: Mapping[str, str]) -> UserError:
    steps = [str(step) for step in detail["loc"]]
    kind, inner = detail["type"], detail.get("ctx", {}).get("error")
    if kind == "extra_forbidden":
        return _unknown(steps, model)
    if isinstance(inner, UserError):
        whole = _model(model, steps) is not None  # a rule about several settings of a part
        return inner.about(_called([*steps, inner.argument] if whole else steps, names))
    field = _field(model, steps)
    expected = (field.description if field is not None else None) or _expected(detail)
    got = "nothing" if kind == "missing" else _short(repr(detail["input"]))
    return UserError(_called(steps, names), expected=expected, got=got)


def _called(steps: list[str], names: Mapping[str, str]) -> str:
    dotted = ".".join(steps)
    return next((names[n] for n in names if f"{dotted}.".startswith(f"{n}.")), dotted or "settings")


def _expected(detail: Any) -> str:
    if detail["type"] == "literal_error":
        return str(detail["ctx"]["expected"])
    message = str(detail["msg"])
    return EXPECTED.get(detail["type"], message[:1].lower() + message[1:])


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unknown(steps: list[str], model: type[BaseModel]) -> UserError:
    part = _model(model, steps[:-1]) or model
    near = get_close_matches(steps[-1], part.model_fields, n=1)
    known = "one of the settings " + ", ".join(part.model_fields)
    fix = f"did you mean {near[0]!r}?" if near else "remove it"
    return UserError(".".join(steps), expected=known, got="an unknown name", fix=fix)


def _model(model: type[BaseModel], steps: list[str]) -> type[BaseModel] | None:
    """Return the part that steps lead to, one of those by name in a table too."""
    kind: Any = model
    for step in steps:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(step)
            kind = None if field is None else field.annotation
        else:
            kind = get_args(kind)[-1] if get_origin(kind) is dict else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _field(model: type[BaseModel], steps: list[str]) -> FieldInfo | None:
    """Return the setting that a fault is in, be it in an item of it."""
    for end in range(len(steps), 0, -1):
        part = _model(model, steps[: end - 1])
        if part is not None and steps[end - 1] in part.model_fields:
            field = part.model_fields[steps[end - 1]]
            return field if end == len(steps) or get_args(field.annotation) else None
    return None
