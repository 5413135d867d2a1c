"""Worlds from presets: by name, with changes, or all of them in one."""

from physadv.approach import Approach
from physadv.core.check import one_of
from physadv.presets.changes import Changes, changed
from physadv.presets.named import ANY, NAMES, PHOTO_CAMERA, PRESETS
from physadv.presets.preset import Preset
from physadv.scene import PhotoScene, StreetScene
from physadv.world import World, union


def about(preset: str) -> str:
    """Say in a line what a preset is."""
    if preset == ANY:
        return "each photo from one of " + ", ".join(PRESETS)
    return PRESETS[preset].about


def members(base: str, changes: Changes | None = None) -> tuple[Preset, ...]:
    """Return the presets that a world is drawn from, each with the changes.

    Raises `UserError` for an unknown name, and one for all changes that do not fit.
    """
    one_of("world", base, NAMES)
    chosen = tuple(PRESETS.values()) if base == ANY else (PRESETS[base],)
    return tuple(changed(one, changes) for one in chosen) if changes else chosen


def world(
    preset: str, scene: StreetScene, *, label: int = -1, changes: Changes | None = None
) -> World:
    """Return the world of a preset, with changes, around a street scene.

    `label` is the class the victim should answer. Raises `UserError` as `members` does.
    """
    worlds = [
        World(one.around(scene), camera=one.camera, label=label) for one in members(preset, changes)
    ]
    return union(worlds) if len(worlds) > 1 else worlds[0]


def approach(preset: str, changes: Changes | None = None) -> Approach | None:
    """Return the drive past the sign where a world is one of drives, else None."""
    return None if preset == ANY else members(preset, changes)[0].approach


def photo_world(scene: PhotoScene, *, label: int = -1) -> World:
    """Return the world of real photos: another camera's small differences, no new lens or shake.

    `label` is the class the victim should answer.
    """
    return World(scene, camera=PHOTO_CAMERA, label=label)
