"""The two COCO detectors of the shared data as victims.

On the command line they are benchmarks/coco.py:fast and benchmarks/coco.py:nano; PHYSADV_DATA names
the folder of the data where it is not ../shared/data beside the repository.
"""

import os
from pathlib import Path

from physadv.victims import Detector, Prepare, fastestdet, nanodet, onnx_detector

DATA = os.environ.get("PHYSADV_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)


def detectors(folder: Path, name: str) -> Detector:
    """Return one of the two ONNX detectors by name."""
    names = (folder / "coco_names.txt").read_text(encoding="utf-8").splitlines()
    if name == "fastestdet":
        file = folder / "fastestdet_batch.onnx"
        return onnx_detector(file, names, Prepare(352, bgr=True), fastestdet)
    prepare = Prepare(416, MEAN, STD, bgr=True, scale=255)
    return onnx_detector(folder / "nanodet_m_416_batch.onnx", names, prepare, nanodet(416))


def fast() -> Detector:
    """Return FastestDet."""
    return detectors(Path(DATA) / "detectors", "fastestdet")


def nano() -> Detector:
    """Return NanoDet-m 416."""
    return detectors(Path(DATA) / "detectors", "nanodet")
