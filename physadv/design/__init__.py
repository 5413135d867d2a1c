"""A run as data: the design file, and the problem it describes."""

from physadv.design.build import (
    build_attack,
    build_open_victim,
    build_problem,
    build_victim,
    build_world,
)
from physadv.design.goal import build_objective, named, truth
from physadv.design.model import (
    Design,
    design_from,
    design_text,
    parse_design,
    read_design,
    write_design,
)
from physadv.design.printer import build_printer
from physadv.design.stickers import (
    build_mask,
    build_patch,
    cut,
    limits,
    measure_stickers,
    placed,
)

__all__ = [
    "Design",
    "build_attack",
    "build_mask",
    "build_objective",
    "build_open_victim",
    "build_patch",
    "build_printer",
    "build_problem",
    "build_victim",
    "build_world",
    "cut",
    "design_from",
    "design_text",
    "limits",
    "measure_stickers",
    "named",
    "parse_design",
    "placed",
    "read_design",
    "truth",
    "write_design",
]
