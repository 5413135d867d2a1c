"""A classifier behind HTTP, asked over a real local server: its answers, its faults, its price."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from physadv.core import Encoded, UserError, generator
from physadv.testing import check_victim
from physadv.victims import BudgetError, Ensemble, Prepare, Remote, Service, Wire, load_victim
from tests.server import LABELS, Server, serving

BODIES = ("json_png", "json_lists", "multipart")
SIZE = (6, 8)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def remote(server: Server, *, wire: dict[str, Any] | None = None, **given: Any) -> Remote:
    service = given.pop("service", {})
    quick = Service(server.url, **({"timeout_s": 2.0, "tries": 3, "backoff_s": 0.01} | service))
    way = Wire(**({"reply": "result.scores"} | (wire or {})))
    return Remote(quick, LABELS, Prepare(SIZE), wire=way, **given)


def images(n: int = 3, seed: int = 0) -> Encoded:
    """Return images of whole bytes, so that PNG loses nothing."""
    return Encoded((torch.rand(n, 3, *SIZE, generator=generator(seed)) * 255).round() / 255)


def means(batch: Tensor) -> Tensor:
    return batch.mean(dim=(2, 3))


@pytest.mark.parametrize("body", BODIES)
def test_it_answers_as_the_server_does(server: Server, body: str) -> None:
    victim = remote(server, wire={"body": body})
    torch.testing.assert_close(victim(images()).scores, means(images()), rtol=0, atol=1e-5)
    wanted = "multipart/form-data" if body == "multipart" else "application/json"
    assert server.kinds == [wanted]
    assert (victim.queries, server.images, victim.differentiable) == (3, 3, False)


def test_it_keeps_the_contract_of_victims(server: Server) -> None:
    check_victim(remote(server, wire={"body": "json_lists"}))


def test_images_are_resized_before_they_travel(server: Server) -> None:
    large = torch.rand(2, 3, 60, 80, generator=generator(0))
    found = remote(server, wire={"body": "json_lists"})(Encoded(large)).scores
    resized = torch.nn.functional.interpolate(large, SIZE, mode="bilinear", antialias=True)
    torch.testing.assert_close(found, means(resized), rtol=0, atol=1e-5)


def test_nested_lists_are_prepared_as_the_server_wants(server: Server) -> None:
    ready = Prepare(SIZE, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5), bgr=True)
    way = Wire(body="json_lists", reply="result.scores")
    found = Remote(server.url, LABELS, ready, wire=way)(images()).scores
    wanted = (means(images()).flip(1) - torch.tensor([0.1, 0.2, 0.3])) / 0.5
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_probabilities_and_labels(server: Server) -> None:
    server.answers = "probabilities"
    found = remote(server, wire={"answers": "probabilities"})(images()).scores
    torch.testing.assert_close(found, means(images()).log_softmax(1), rtol=0, atol=1e-5)
    server.answers = "labels"
    labels = remote(server, wire={"answers": "labels"})
    wanted = torch.nn.functional.one_hot(means(images()).argmax(1), 3).float()
    assert torch.equal(labels(images()).scores, wanted)
    assert "labels alone" in labels.note


def test_large_batches_go_in_several_requests_and_twins_once(server: Server) -> None:
    batch = torch.cat([images(40), images(40)])
    found = remote(server)(Encoded(batch)).scores
    torch.testing.assert_close(found, means(batch), rtol=0, atol=1e-5)
    assert (len(server.times), server.images) == (3, 40)


@pytest.mark.parametrize("fault", [500, 503, 429, "drop", "half", "hang", "trickle"])
def test_what_may_pass_is_tried_again(server: Server, fault: int | str) -> None:
    server.faults = [fault]
    victim = remote(server, service={"timeout_s": 0.8})
    torch.testing.assert_close(victim(images()).scores, means(images()), rtol=0, atol=1e-5)
    assert len(server.times) >= 2


def test_the_waits_double(server: Server) -> None:
    server.faults = [500, 500, 500]
    remote(server, service={"tries": 4, "backoff_s": 0.1})(images())
    waits = [late - early for early, late in zip(server.times, server.times[1:], strict=False)]
    assert len(waits) == 3
    assert all(wait >= wanted for wait, wanted in zip(waits, (0.1, 0.2, 0.4), strict=True))


def test_a_servers_wish_to_wait_is_heard(server: Server) -> None:
    server.faults, server.headers = [429], {"Retry-After": "1"}
    start = time.monotonic()
    remote(server)(images())
    assert time.monotonic() - start >= 1


def refusal(victim: Remote, batch: Encoded | None = None) -> str:
    with pytest.raises(UserError) as caught:
        victim(images() if batch is None else batch)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (500, "HTTP 500 Internal Server Error, in each of 3 attempts"),
        ("hang", "timed out, in each of 3 attempts"),
        ("trickle", "TimeoutError: the reply trickles in, in each of 3 attempts"),
        ("drop", "RemoteDisconnected"),
    ],
)
def test_a_server_that_stays_down_is_given_up_in_one_clear_line(
    server: Server, fault: int | str, said: str
) -> None:
    server.faults = [fault] * 3
    patience = 0.2 if fault in ("hang", "trickle") else 2.0
    message = refusal(remote(server, service={"timeout_s": patience}))
    assert message.startswith("victim: expected http://127.0.0.1")
    assert said in message
    assert len(server.times) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_a_refusal_is_not_repeated(server: Server, status: int) -> None:
    server.faults = [status]
    assert f"to take the request, got HTTP {status}" in refusal(remote(server))
    assert len(server.times) == 1


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.faults, server.headers = [302], {"Location": "http://127.0.0.1:9/elsewhere"}
    assert "give the address it points to" in refusal(remote(server))
    assert len(server.times) == 1


NONSENSE = {
    "no JSON": ("<html>hello</html>", "expected a JSON reply, got '<html>"),
    "empty": ("", "expected a JSON reply"),
    "deep": ("[" * 100_000, "expected a JSON reply"),
    "elsewhere": ('{"scores": []}', "a reply with 'result.scores'"),
    "too few": ('{"result": {"scores": [[1, 2, 3]]}}', "a list of 3 answers"),
    "no numbers": ('{"result": {"scores": [["a"], ["b"], ["c"]]}}', "finite numbers a class"),
    "not finite": ('{"result": {"scores": [[NaN, 1, 2], [1, 2, 3], [1, 2, 3]]}}', "finite numbers"),
    "other classes": ('{"result": {"scores": [[1, 2], [1, 2], [1, 2]]}}', "one name for each"),
    "a word": ('"no"', "a reply with"),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused_in_one_clear_line(server: Server, kind: str) -> None:
    reply, said = NONSENSE[kind]
    server.faults = [reply]
    assert said in refusal(remote(server))


@pytest.mark.parametrize("entry", ["0.5", "true", "7", '"purple"', "[1]", "null"])
def test_what_is_no_label_is_refused(server: Server, entry: str) -> None:
    server.faults = [f'{{"result": {{"scores": [{entry}]}}}}']
    message = refusal(remote(server, wire={"answers": "labels"}), images(1))
    assert message.startswith(("victim: expected a label", "label: expected"))


def test_what_are_no_probabilities_is_refused(server: Server) -> None:
    server.faults = ['{"result": {"scores": [[-1, 4, 2]]}}']
    message = refusal(remote(server, wire={"answers": "probabilities"}), images(1))
    assert "expected probabilities, got -1 to 4" in message


def test_nobody_is_there() -> None:
    with serving() as server:
        pass
    assert "ConnectionRefusedError" in refusal(remote(server))


def test_requests_keep_to_the_rate(server: Server) -> None:
    victim = remote(server, service={"per_second": 20.0})
    victim.per_request = 1
    victim(images(5))
    waits = [late - early for early, late in zip(server.times, server.times[1:], strict=False)]
    assert min(waits) >= 0.03
    assert server.times[-1] - server.times[0] >= 4 * 0.05 - 0.02


def test_the_budget_is_kept_and_what_was_found_is_too(server: Server, tmp_path: Path) -> None:
    victim = remote(server, budget=5, cache=tmp_path / "answers")
    victim.per_request = 2
    victim(images(2))
    with pytest.raises(
        BudgetError, match=r"^budget: expected at most 5 images to be sent"
    ) as short:
        victim(images(8, seed=1))
    assert (victim.queries, server.images) == (5, 5)
    known = short.value.scores
    torch.testing.assert_close(known[:3], means(images(8, seed=1))[:3], rtol=0, atol=1e-5)
    assert bool(known[3:].isnan().all())
    more = remote(server, budget=5, cache=tmp_path / "answers")
    more(images(8, seed=1))
    assert (more.queries, server.images) == (5, 10)


def test_failed_attempts_cost_too(server: Server) -> None:
    server.faults = [500]
    victim = remote(server, budget=4)
    with pytest.raises(BudgetError):
        victim(images(3))
    assert (victim.queries, server.images) == (3, 3)


def test_answers_on_disk_are_used_across_runs_and_spoilt_ones_are_not(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "a" / "b"
    first = remote(server, cache=folder)(images()).scores
    files = sorted(folder.glob("*.json"))
    assert (len(files), server.images) == (3, 3)
    assert torch.equal(remote(server, cache=folder)(images()).scores, first)
    assert server.images == 3
    files[0].write_text(files[0].read_text()[:10])
    files[1].write_text(json.dumps({"scores": [1.0, 2.0]}))
    torch.testing.assert_close(remote(server, cache=folder)(images()).scores, first)
    assert server.images == 5
    other = remote(server, cache=folder, wire={"answers": "labels"})
    server.answers = "labels"
    other(images())
    assert server.images == 8  # the same images asked in another way are other requests


def test_a_cache_that_is_no_folder_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^cache: expected a folder"):
        remote(server, cache=tmp_path / "file")


def test_keys_travel_but_are_never_shown(server: Server) -> None:
    secret = {"Authorization": "Bearer hunter2"}
    victim = remote(server, service={"headers": secret})
    victim(images())
    assert server.seen[0]["Authorization"] == "Bearer hunter2"
    server.faults = [401]
    told = [repr(victim), repr(victim.service), refusal(victim, images(1, seed=5)), victim.name]
    assert not any("hunter2" in text for text in told)
    hidden = Service("https://me:hunter2@host.example/x?key=hunter2")
    assert hidden.place == "https://host.example/x"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent: no certificate to serve with")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *subject, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(cert.read_text() + key.read_text())
    return both


def test_certificates_are_checked(certificate: Path) -> None:
    with serving(certificate) as server:
        message = refusal(remote(server))
        assert "expected a valid certificate of https://127.0.0.1" in message
        assert "ca_file" in message
        assert server.images == 0
        authority = certificate.parent / "cert.pem"
        trusted = remote(server, service={"ca_file": authority})
        torch.testing.assert_close(trusted(images()).scores, means(images()), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("argument", "settings"),
    [
        ("url", {"url": "ftp://host/x"}),
        ("url", {"url": "host/x"}),
        ("url", {"url": "http://[bad/x"}),
        ("url", {"url": "http://host:99999/x"}),
        ("timeout_s", {"timeout_s": 0}),
        ("tries", {"tries": 0}),
        ("backoff_s", {"backoff_s": -1}),
        ("per_second", {"per_second": 0}),
        ("ca_file", {"ca_file": Path("absent.pem")}),
    ],
)
def test_settings_of_a_service(argument: str, settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"^{argument}: expected"):
        Service(**({"url": "http://host/x"} | settings))


def test_settings_of_a_remote() -> None:
    url = "http://host.example/x"
    with pytest.raises(UserError, match=r"^prepare: expected no change of values for PNG"):
        Remote(url, LABELS, Prepare(8, bgr=True))
    with pytest.raises(UserError, match=r"^labels: expected a list"):
        Remote(url, "abc", Prepare(8))
    with pytest.raises(UserError, match=r"^body: expected one of"):
        Wire(body="xml")  # type: ignore[arg-type]  # wrong on purpose


def test_an_address_names_a_victim(server: Server) -> None:
    found = load_victim(server.url, labels=LABELS, size_px=SIZE)
    assert isinstance(found, Remote)
    assert (found.size_px, server.times) == (SIZE, [])
    with pytest.raises(UserError, match=r"^labels: expected the server's classes"):
        load_victim(server.url, size_px=8)
    with pytest.raises(UserError, match=r"^size_px: expected"):
        load_victim(server.url, labels=LABELS)


def test_a_black_box_makes_its_ensemble_one(server: Server) -> None:
    asked = remote(server)
    both = Ensemble([asked, asked])
    both(images())
    assert (both.differentiable, both.queries) == (False, 6)
    assert asked.name in both.note
