"""Wrong flags: one line, exit code 2, before any work, and nothing left behind."""

from pathlib import Path

import pytest

from tests.journey.commands import physadv, refused

pytestmark = pytest.mark.usefixtures("no_work")

CASES = """
--target Sopt => target: expected one of | … (43 in all) | got 'Sopt'
--target Speed_limit_(80km/h) => target: | did you mean 'Speed limit (80km/h)'?
--target 43 => target: expected a class from 0 to 42, got 43
--target=-1 => target: expected a class from 0 to 42, got -1
--target Stop => target: expected another class than the sign's own, got 'Stop'
--target 14 => target: expected another class than the sign's own, got 'Stop'
--target 5 --truth Halt => truth: expected one of | got 'Halt'
--sign stopp => --sign: expected one of stop, | did you mean 'stop'?
--world Lab => any, a world file .toml, got 'Lab'; did you mean 'lab'?
--target 5 --layout midle => layout: expected one of | did you mean 'middle'?
--target 5 --layout absent.png => layout: expected a file that exists, got absent.png
--target 5 --layout poster => mask area: expected at most 15
--target 5 --kind bars --symmetric => kind: expected a kind that lies | leave out symmetric
--target 5 --allow-legend --away-mm 5 => --away-mm: expected none where letters may be covered
--target 5 --away-mm 400 => min-mm: expected pieces that fit | or a smaller --away-mm
--away-mm=-1 => --away-mm: expected a number, at least 0, got -1.0
--paper A9 => paper: expected one of A5, | got 'A9'
--paper 100x120 => paper: expected at least 148 x 148 mm | markers | choose A5
--paper 6000x300 => paper: expected at most 5000 mm a side
--area 0 => --area: expected per cent of the face, above 0 and up to 100, got 0.0
--area 100.5 => --area: | up to 100, got 100.5
--area=-3 => --area: | above 0 | got -3.0
--area nan => --area: | got nan
--areas 8,x => --areas: expected numbers with commas | got '8,x'
--areas 8,120 => --areas: | each above 0 and up to 100, got 120.0
--pieces 0 => --pieces: expected a whole number, at least 1, got 0
--target 5 --min-mm 1000 => min-mm: expected pieces that fit | got 1000 mm
--min-mm 0 => --min-mm: expected a number above 0, got 0.0
--min-mm inf => --min-mm: expected a number above 0, got inf
--cell-mm 0.001 => --cell-mm: expected millimetres, from 1 to 1000, got 0.001
--steps 0 => --steps: expected a whole number, at least 1, got 0
--judged 5 => --judged: expected a whole number, at least 20, got 5
--optimiser sgd => --optimiser: expected 'adam' or 'sign', got 'sgd'
--target 5 --printable 1 => palette: expected a file of r,g,b lines
--area 0 --pieces 0 => flags: | got 2 faults: (1) --area: | (2) --pieces:
--device quantum => device: expected a device of this machine: cpu, cuda, cuda:1, got 'quantum'
--labels names.txt => labels: expected nothing | bundled brings its own
--victim resnet => victim: expected "bundled" | got 'resnet'
--victim absent.pt --size-px 16 => victim: expected a file that exists, got absent.pt
--victim absent.safetensors => weights: expected a file that exists, got absent.safetensors
--victim net.py => victim: | add the function's name after a colon
--target 5 --photo absent.jpg => image: expected a file that exists, got absent.jpg
--box 1,2,30,40 => --photo: expected a file, got none; name the photo that they are in
--resume => resume: expected a folder with a search that was stopped | leave --resume out
absent.toml => design: expected a file that exists, got absent.toml
--target 5 --backgrounds . => backgrounds: expected a folder with images
"""
OTHERS = """
sheet absent => folder: expected a folder made by physadv generate, got absent, which is none
sheet . => folder: expected a folder made by physadv generate | no design.toml
sheet absent --paper Q => paper: expected one of
evaluate absent => folder: expected a folder made by physadv generate
demo --paper A9 => paper: expected one of A5,
train gtsrb --data absent => data: expected a GTSRB folder | no classes.csv in absent
train gtsrb --data . --out w.pt => out: expected a name that ends in .safetensors, got w.pt
train gtsrb --data . --out no/w.safetensors => out: expected a folder that exists, got no
"""


def cases(table: str) -> list[tuple[str, list[str]]]:
    rows = [line.split(" => ") for line in table.strip().splitlines()]
    return [(flags, said.split(" | ")) for flags, said in rows]


@pytest.mark.parametrize(("flags", "said"), cases(CASES), ids=[c[0] for c in cases(CASES)])
def test_generate_refuses(here: Path, flags: str, said: list[str]) -> None:
    layout = [] if "--layout" in flags else ["--layout", "middle"]
    line = refused(physadv("generate", *layout, *flags.split(), "--out", "new"))
    assert [text for text in said if text not in line] == []
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(("words", "said"), cases(OTHERS), ids=[c[0] for c in cases(OTHERS)])
def test_the_other_commands_refuse(here: Path, words: str, said: list[str]) -> None:
    line = refused(physadv(*words.split()))
    assert [text for text in said if text not in line] == []
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("words", ["generate --area x", "generate --nonsense", "sheet", "nonsense"])
def test_what_cannot_be_parsed_ends_with_the_usage(here: Path, words: str) -> None:
    found = physadv(*words.split())
    assert found.exit_code == 2
    assert "Usage:" in found.stderr
    assert "Traceback" not in found.output
