"""A table of settings in a file of the user's: how it is read, whatever it is of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Settings that belong together: none unknown, none changed later, all finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )

    @classmethod
    def usual(cls, name: str) -> object:
        """Return a setting's default."""
        return cls.model_fields[name].default
