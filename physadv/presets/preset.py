"""A preset: what a named world fixes of circumstances and camera."""

from dataclasses import dataclass, fields, replace
from typing import Any

from physadv.approach import Approach
from physadv.camera import Camera
from physadv.core import at_rest
from physadv.scene import (
    Bend,
    Dirt,
    Fog,
    Headlamps,
    Occlusion,
    Pose,
    Shadow,
    SignLight,
    StreetScene,
    Sun,
)


@dataclass(frozen=True)
class Preset:
    """What a named world fixes; the sign and the backgrounds come from elsewhere.

    All but `about`, `camera` and `approach` are fields of `StreetScene`. With an `approach` the
    outcome is told for whole drives, not for single photos alone.
    """

    about: str
    pose: Pose
    light: SignLight
    camera: Camera
    sun: Sun = at_rest(Sun())
    shadow: Shadow = at_rest(Shadow())
    headlamps: Headlamps = at_rest(Headlamps())
    dirt: Dirt = at_rest(Dirt())
    bend: Bend = at_rest(Bend())
    occlusion: Occlusion = at_rest(Occlusion())
    fog: Fog = at_rest(Fog())
    approach: Approach | None = None

    def circumstances(self) -> dict[str, Any]:
        """Return the fields that are the scene's, by name."""
        names = [field.name for field in fields(self)]
        others = ("about", "camera", "approach")
        return {name: getattr(self, name) for name in names if name not in others}

    def around(self, scene: StreetScene) -> StreetScene:
        """Return the scene under this preset's circumstances."""
        return replace(scene, **self.circumstances())
