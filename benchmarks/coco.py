"""The two COCO detectors of the shared data as victims."""

from pathlib import Path

from physadv.victims import Detector, Prepare, fastestdet, nanodet, onnx_detector

MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)


def detectors(folder: Path, name: str) -> Detector:
    """Return one of the two ONNX detectors by name."""
    names = (folder / "coco_names.txt").read_text(encoding="utf-8").splitlines()
    if name == "fastestdet":
        file = folder / "fastestdet_batch.onnx"
        return onnx_detector(file, names, Prepare(352, bgr=True), fastestdet)
    prepare = Prepare(416, MEAN, STD, bgr=True, scale=255)
    return onnx_detector(folder / "nanodet_m_416_batch.onnx", names, prepare, nanodet(416))
