"""Inside a workflow of ART: a robustness curve, a sticker, and the same through a camera.

python examples/04_inside_art.py [--quick]
"""

import sys

import numpy as np
import torch
from art.metrics import adversarial_accuracy
from physadv_art import PGD, PhysicalClassifier, UniversalPatch, from_victim

from physadv.core import generator
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.victims import load_victim

QUICK = "--quick" in sys.argv
STEPS, PHOTOS = (3, 8) if QUICK else (40, 32)


def main() -> None:
    """Attack the bundled recogniser on photographs of stop signs."""
    victim = load_victim("bundled")
    stop = victim.label("Stop")
    street = world("lab", StreetScene(sign("stop")), label=stop)
    with torch.no_grad():
        given = street.draw(PHOTOS, generator(0))
        x = street.photograph(None, given, victim.size_px, hardly=True).pixels.numpy()
    y = np.full(PHOTOS, stop)
    classifier = from_victim(victim)

    for eps in (8, 16, 32):
        attack = PGD(classifier, eps=eps / 255, max_iter=STEPS, verbose=False)
        share = adversarial_accuracy(classifier, x, y, attack_crafter=attack)
        print(f"accuracy at eps {eps}/255: {100 * share:.0f} %")

    # The face is about the middle of each photo; one sticker on its lower half.
    sticker = UniversalPatch(
        classifier, place=(12, 28, 36, 38), max_iter=STEPS, turn_deg=5, shift_ratio=0.05
    )
    sticker.set_params(verbose=False)
    attacked = sticker.generate(x, y)
    print(f"one sticker for all: {sticker.result.success}")
    for name, rate in sticker.result.controls.items():
        print(f"  control {name}: {rate}")

    camera = PhysicalClassifier(classifier, "street", samples=4)
    read = camera.predict(attacked).argmax(axis=1)
    print(f"through a street camera: {(read != stop).sum()} of {PHOTOS} are misread")


if __name__ == "__main__":
    main()
