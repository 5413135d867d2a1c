"""A run as data: the design file, and the problem it describes."""

from physadv.design.build import (
    build_attack,
    build_objective,
    build_problem,
    build_victim,
    build_world,
    choose_mask,
    limits,
    truth,
)
from physadv.design.model import Design, design_from, read_design, write_design

__all__ = [
    "Design",
    "build_attack",
    "build_objective",
    "build_problem",
    "build_victim",
    "build_world",
    "choose_mask",
    "design_from",
    "limits",
    "read_design",
    "truth",
    "write_design",
]
