"""US signs (Manual on Uniform Traffic Control Devices, Standard Highway Signs), in mm."""

from physadv.scene.signs.alphabets import HIGHWAY
from physadv.scene.signs.design import Layer, SignDesign
from physadv.scene.signs.lettering import lettering
from physadv.scene.signs.shapes import octagon

US_STOP = SignDesign(
    name="us_stop",
    title="Stop",
    standard="MUTCD R1-1, 750 mm (30 in)",
    size_mm=(750.0, 750.0),
    layers=(
        Layer("plate", "white", ((octagon(750),),)),
        Layer("ground", "red", ((octagon(750, 19),),)),
        Layer("legend", "white", lettering("STOP", HIGHWAY, 250, (375, 375))),
    ),
    field=((octagon(750, 24),),),
    label_pairs=(("gtsrb", 14), ("lisa", 14)),
)
"""R1-1: white border 3/4 in (19 mm), legend 10 in Series C (250 mm)."""
