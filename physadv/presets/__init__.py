"""Worlds by name and from files: which circumstances and cameras stickers are judged under."""

from physadv.presets.bounds import BOUNDS
from physadv.presets.changes import Changes, changes_text, flat, settings
from physadv.presets.file import (
    WorldFile,
    change_faults,
    is_file,
    parse_world,
    read_world,
    that_differ,
    toml_text,
    toml_values,
    whole_world,
)
from physadv.presets.named import ANY, NAMES, PHOTO_CAMERA, PRESETS
from physadv.presets.preset import Preset
from physadv.presets.worlds import about, approach, members, photo_world, world

__all__ = [
    "ANY",
    "BOUNDS",
    "NAMES",
    "PHOTO_CAMERA",
    "PRESETS",
    "Changes",
    "Preset",
    "WorldFile",
    "about",
    "approach",
    "change_faults",
    "changes_text",
    "flat",
    "is_file",
    "members",
    "parse_world",
    "photo_world",
    "read_world",
    "settings",
    "that_differ",
    "toml_text",
    "toml_values",
    "whole_world",
    "world",
]
