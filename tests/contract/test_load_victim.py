"""Every way to name a victim, and every way to get it wrong: one clear line, nothing unpickled."""

import pickle
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from physadv.core import Encoded, UserError
from physadv.victims import load_victim, load_weights, read_labels
from tests.victims import SmallNetwork, small_victim

FILE = """
from pathlib import Path
from torch import nn
from neighbour import CLASSES
from physadv.victims import Classifier, load_weights

def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, CLASSES))

def victim():
    return Classifier(network(), ["a", "b", "c", "d"], size_px=8, name="mine")

def number():
    return 4

def wanting(size):
    return network()

def failing():
    return 1 / 0

def filled():
    module = network()
    load_weights(module, Path(__file__).parent / "weights.safetensors")
    return module
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("CLASSES = 4\n")
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path / "mine.py"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(SmallNetwork()), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def refusal(spec: str | Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        load_victim(str(spec), **options)  # type: ignore[arg-type]  # wrong on purpose
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_function_that_returns_a_module(file: Path) -> None:
    victim = load_victim(f"{file}:network", size_px=8)
    assert victim.labels == ("class 0", "class 1", "class 2", "class 3")
    assert (victim.size_px, victim.name) == ((8, 8), "mine.py:network")


def test_a_function_that_returns_a_classifier(file: Path) -> None:
    victim = load_victim(f"{file}:victim")
    assert (victim.name, victim.labels) == ("mine", ("a", "b", "c", "d"))


def test_a_torchscript_file_answers_like_the_network_it_came_from(script: Path) -> None:
    ours = small_victim()
    options = {"mean": (0.3, 0.4, 0.5), "std": (0.2, 0.3, 0.4)}
    loaded = load_victim(str(script), size_px=(12, 16), labels=ours.labels, **options)
    images = Encoded(torch.rand(3, 3, 20, 20, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(loaded(images).scores, ours(images).scores)
    assert loaded.digest() == ours.digest()


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("absent.py:network", "victim: expected a file that exists, got absent.py"),
        ("absent.pt", "victim: expected a file that exists, got absent.pt"),
        ("absent.pt:network", 'victim: expected "bundled"'),
        ("resnet18", 'victim: expected "bundled"'),
        ("net.py", "add the function's name after a colon"),
        ("", 'victim: expected "bundled"'),
    ],
)
def test_a_name_of_nothing(spec: str, part: str) -> None:
    assert part in refusal(spec)


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("netwerk", "did you mean 'network'?"),
        ("number", "to return a torch.nn.Module or a physadv Classifier, got int"),
        ("wanting", "TypeError"),
        ("failing", "ZeroDivisionError: division by zero; see line 20 of mine.py"),
        ("filled", "weights: expected a file that exists"),
    ],
)
def test_a_function_that_gives_no_network(file: Path, function: str, part: str) -> None:
    assert part in refusal(f"{file}:{function}", size_px=8)


@pytest.mark.parametrize("text", ["def network(:", "import no_such_module_at_all", "1 / 0"])
def test_a_file_that_does_not_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    assert refusal(f"{tmp_path / 'bad.py'}:network").startswith("victim: expected")


def test_a_network_alone_needs_its_size(file: Path) -> None:
    assert refusal(f"{file}:network").startswith("size_px: expected the height and width")


def test_the_wrong_size_is_found_while_loading(file: Path) -> None:
    assert "(1, 3, 9, 9)" in refusal(f"{file}:network", size_px=9)
    assert "(1, 3, 9, 9)" in refusal(f"{file}:network", size_px=9, labels=["a", "b", "c", "d"])


def test_the_wrong_number_of_labels_is_found_while_loading(file: Path) -> None:
    assert "4 outputs, got 2 names" in refusal(f"{file}:network", size_px=8, labels=["a", "b"])


def test_a_classifier_takes_no_settings_from_outside(file: Path) -> None:
    assert refusal(f"{file}:victim", size_px=32).startswith("size_px: expected nothing, got 32")


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_truncated_torchscript(script: Path, keep: int) -> None:
    script.write_bytes(script.read_bytes()[:keep])
    assert refusal(script, size_px=8).startswith("victim: expected a TorchScript file")


def test_a_checkpoint_without_its_network(tmp_path: Path) -> None:
    torch.save(SmallNetwork().state_dict(), tmp_path / "net.pth")
    message = refusal(tmp_path / "net.pth", size_px=8)
    assert "9 weights without their network" in message
    assert "name a file.py:function" in message


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save(Trap(mark), tmp_path / "trap.pt")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Trap(mark), protocol=2))
    refusal(tmp_path / "trap.pt", size_px=8)
    refusal(tmp_path / "raw.pth", size_px=8)
    with pytest.raises(UserError, match=r"^weights: expected"):
        load_weights(SmallNetwork(), tmp_path / "trap.pt")
    assert not mark.exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "nested.pt"])
def test_weights_come_back_as_they_were_saved(tmp_path: Path, name: str) -> None:
    weights = SmallNetwork(seed=1).state_dict()
    if name == "w.safetensors":
        save_file(weights, tmp_path / name)
    else:
        torch.save(
            {"state_dict": weights, "epoch": 3} if name == "nested.pt" else weights, tmp_path / name
        )
    module = SmallNetwork(seed=2)
    load_weights(module, tmp_path / name)
    for key, value in module.state_dict().items():
        torch.testing.assert_close(value, weights[key], rtol=0, atol=0)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("keep", [0, 7, 300, -100])
def test_truncated_weights(tmp_path: Path, name: str, keep: int) -> None:
    weights = SmallNetwork().state_dict()
    path = tmp_path / name
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"^weights: expected a (readable|file of tensors)"):
        load_weights(SmallNetwork(), path)


def test_weights_of_another_network_change_nothing(tmp_path: Path) -> None:
    weights = SmallNetwork(classes=7).state_dict() | {"extra": torch.zeros(1)}
    del weights["head.bias"]
    save_file(weights, tmp_path / "w.safetensors")
    module, before = SmallNetwork(), SmallNetwork().state_dict()
    with pytest.raises(UserError) as caught:
        load_weights(module, tmp_path / "w.safetensors")
    for part in (
        "extra is unknown",
        "head.bias is missing",
        "head.weight is (7, 128), needed (5, 128)",
    ):
        assert part in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_a_checkpoint_that_holds_more_than_weights(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"save module.state_dict"):
        load_weights(SmallNetwork(), tmp_path / "w.pt")


def test_labels_from_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("stop\nyield\n")
    (tmp_path / "b.csv").write_text('id,name\n1,yield\n0,"stop, all ways"\n')
    assert read_labels(tmp_path / "a.txt") == ("stop", "yield")
    assert read_labels(tmp_path / "b.csv") == ("stop, all ways", "yield")
    assert read_labels(["x", "y"]) == ("x", "y")


@pytest.mark.parametrize("text", ["", "number,word\n0,stop\n", "id,name\n0,stop\n2,yield\n"])
def test_label_files_that_make_no_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=r"^labels: expected"):
        read_labels(tmp_path / "labels.csv")
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"^labels: expected"):
        read_labels(tmp_path / "labels.txt")
