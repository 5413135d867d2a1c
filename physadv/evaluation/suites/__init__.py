"""Benchmarks from a file: cells of victim, defence and attack, run anywhere, ranked together."""

from physadv.evaluation.suites.board import Attempt, Row, accuracy, leaderboard
from physadv.evaluation.suites.cells import (
    ADAPTIVE,
    CERTIFY,
    CLEAN,
    STATIC,
    Cell,
    Kind,
    content,
    file_name,
    plan_cells,
)
from physadv.evaluation.suites.measure import Failure, Outcome, processor_s, run_cell, tried
from physadv.evaluation.suites.prepared import Prepared, facts_of, prepare
from physadv.evaluation.suites.processes import Begun, Result, Runner, cores, here, in_processes
from physadv.evaluation.suites.ray import on_ray
from physadv.evaluation.suites.suite import Suite, read_suite, suite_from, suite_names

__all__ = [
    "ADAPTIVE",
    "CERTIFY",
    "CLEAN",
    "STATIC",
    "Attempt",
    "Begun",
    "Cell",
    "Failure",
    "Kind",
    "Outcome",
    "Prepared",
    "Result",
    "Row",
    "Runner",
    "Suite",
    "accuracy",
    "content",
    "cores",
    "facts_of",
    "file_name",
    "here",
    "in_processes",
    "leaderboard",
    "on_ray",
    "plan_cells",
    "prepare",
    "processor_s",
    "read_suite",
    "run_cell",
    "suite_from",
    "suite_names",
    "tried",
]
