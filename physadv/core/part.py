"""A table of settings in a file of the user's: how it is read, and the numbers that it holds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, description="a number above 0")]
Weight = Annotated[float, Field(ge=0, description="a number, at least 0")]
Count = Annotated[int, Field(ge=1, description="a whole number, at least 1")]
Share = Annotated[
    float, Field(gt=0, le=100, description="per cent of the face, above 0 and up to 100")
]
Ratio = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]
Chance = Annotated[float, Field(gt=0, lt=1, description="a number between 0 and 1")]
Cell = Annotated[float, Field(ge=1, le=1000, description="millimetres, from 1 to 1000")]


class Part(BaseModel):
    """Settings that belong together: none unknown, none changed later, all finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )

    @classmethod
    def usual(cls, name: str) -> object:
        """Return a setting's default."""
        return cls.model_fields[name].default
