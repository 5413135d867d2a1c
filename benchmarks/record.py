"""Where and with what figures were taken, and their file."""

import json
import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")
PACKAGES = ("physadv", "torch", "torchvision", "kornia", "adversarial-robustness-toolbox", "numpy")


def machine() -> dict[str, object]:
    """Return the processor, its cores, torch's threads, the GPU if any, and the system."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str | None]:
    """Return the versions of what was measured; None where it is not installed."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def save(figures: Mapping[str, object], folder: Path) -> Path:
    """Write figures with machine, versions and date to FOLDER/MACHINE-DATE.json."""
    here, date = machine(), datetime.now(UTC).date().isoformat()
    words = f"{here['processor']} {here['cores']} cores {here['gpu'] or ''}".lower()
    path = folder / f"{re.sub('[^a-z0-9]+', '-', words).strip('-')}-{date}.json"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"date": date, "machine": here, "versions": versions(), **figures}
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
