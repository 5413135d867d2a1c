"""The folder of an audit: what `physadv attack` writes of each rung, and the verdict."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from physadv.evaluation import Audited
from physadv.output.attacked import write_attacked
from physadv.output.card import rate_facts
from physadv.victims import Victim

FILE = "audit.json"
GOAL = "read as anything but the label, and not rejected"


def write_audited(
    folder: Path, found: Audited, victim: Victim, how: Mapping[str, Any]
) -> dict[str, Any]:
    """Write rungs, page and audit.json; return what that holds. `how` are seed and plan."""
    facts = audited_facts(found) | {"victim": victim.name, **how}
    page = {"goal": GOAL, "wanted": "the label", "nothing": False, "seed": how["seed"]}
    page |= {"victim": victim, "camera": None, "mask": None, "audit": found}
    write_attacked(folder, found.runs, found.left, page, list(found.doubts))
    (folder / FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return facts


def audited_facts(found: Audited) -> dict[str, Any]:
    """Return an audit as plain data."""
    return {
        "verdict": found.verdict,
        "clean": rate_facts(found.clean),
        "withstand": rate_facts(found.robust),
        "withstand what does not know it": rate_facts(found.blind),
        "withstand undefended": rate_facts(found.plain),
        "gain": None if found.gain is None else asdict(found.gain),
        "doubts": list(found.doubts),
        "rungs": [
            {
                "name": run.name,
                "eps": run.eps,
                "needs": run.needs,
                **(rate_facts(run.success) or {}),
            }
            for run in found.runs
        ],
    }
