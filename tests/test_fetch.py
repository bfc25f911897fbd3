"""Fetching, from a server on this machine: whole or nothing, and one clear line for whatever goes wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import ssl
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPResponse, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from torchvision import datasets

from sparsetune.base.errors import BadInput
from sparsetune.fetch import kaggle
from sparsetune.fetch.download import _block, _Trouble, download, unpack
from sparsetune.fetch.fetch import Fetched, fetch
from sparsetune.fetch.sources import SOURCES, File, Source

NAMES = [f"{name}.gz" for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte")]


class Server:
    """Serves what ``content`` holds, and counts what it was asked for."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                found = outer.content.get(self.path)
                if found is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found[: len(found) - outer.cut])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def archive(*members: tuple[str, bytes | str | None]) -> bytes:
    """A .tar.gz of files (bytes), folders (None) and links (a string)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content if isinstance(content, bytes) else b""))
    return buffer.getvalue()


def get(name: str, root: Path, told: list[tuple[str, int, int]] | None = None) -> Fetched:
    def begin(file: str) -> Callable[[int, int], None]:
        return lambda done, of: told.append((file, done, of)) if told is not None else None

    return fetch(name, root, begin)


def refused(name: str, root: Path) -> str:
    with pytest.raises(BadInput) as caught:
        get(name, root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def content_of(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def mnist(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Torchvision's MNIST, with files of ours at two mirrors, of which one is down."""
    for name in NAMES:
        server.content[f"/{name}"] = gzip.compress(name.encode())
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{server.url}/gone/", f"{server.url}/"])
    monkeypatch.setattr(datasets.MNIST, "resources", [(name, md5(server.content[f"/{name}"])) for name in NAMES])
    return server


def test_files_come_from_the_first_mirror_that_has_them(mnist: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    fetched = get("mnist", tmp_path / "data", told)
    raw = tmp_path / "data" / "MNIST" / "raw"
    assert fetched == Fetched(raw, False, "{name: mnist}")
    assert content_of(tmp_path / "data") == sorted(f"MNIST/raw/{name}" for name in NAMES)
    assert all((raw / name).read_bytes() == mnist.content[f"/{name}"] for name in NAMES)
    sizes = {name: len(mnist.content[f"/{name}"]) for name in NAMES}
    assert told == [(name, size, size) for name, size in sizes.items()]
    mnist.asked.clear()
    assert get("mnist", tmp_path / "data").before
    (raw / NAMES[1]).unlink()
    (raw / NAMES[2]).rename(raw / NAMES[2].removesuffix(".gz"))  # unpacked, by torchvision for one
    assert not get("mnist", tmp_path / "data").before
    assert mnist.asked == [f"/gone/{NAMES[1]}", f"/{NAMES[1]}"]


def test_a_wrong_or_cut_off_file_is_not_kept(mnist: Server, tmp_path: Path) -> None:
    mnist.content[f"/{NAMES[1]}"] = b"other"
    problem = refused("mnist", tmp_path)
    assert problem.startswith(
        f"{NAMES[1]}: cannot be downloaded: {mnist.url}/gone/{NAMES[1]}: answered 404 Not Found; "
    )
    assert f"/{NAMES[1]}: found MD5 {md5(b'other')}, wanted " in problem
    assert content_of(tmp_path) == [f"MNIST/raw/{NAMES[0]}"]  # whole files stay
    mnist.cut = 3
    assert "cut off, or another file" in refused("mnist", tmp_path)
    assert content_of(tmp_path) == [f"MNIST/raw/{NAMES[0]}"]


@pytest.mark.parametrize("error", [ssl.SSLError(8, "EOF occurred"), IncompleteRead(b""), OSError(113, "No route")])
def test_an_answer_that_breaks_off_is_the_networks_fault(error: Exception) -> None:
    """A full disk says OSError too, and is something else."""

    class Answer(HTTPResponse):
        def __init__(self) -> None:
            pass

        def read(self, amt: int | None = None) -> bytes:
            raise error

        def close(self) -> None:
            pass

    with pytest.raises(_Trouble, match="broke off"):
        _block(Answer())


@pytest.fixture
def imagenette(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    packed = archive(("pics", None), ("pics/train/cat/1.png", b"one"), ("pics/val/cat/2.png", b"two"))
    served(packed, server, monkeypatch)
    return server


def served(packed: bytes, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.content["/pics.tgz"] = packed
    file = File("pics.tgz", (f"{server.url}/pics.tgz",), md5(packed))
    monkeypatch.setitem(SOURCES, "imagenette", lambda: Source("pics", (file,), True, "{name: folder}"))


def test_an_archive_is_unpacked_and_appears_whole(imagenette: Server, tmp_path: Path) -> None:
    (tmp_path / ".fetch-pics").mkdir()
    (tmp_path / ".fetch-pics" / "old").touch()  # of a process that died
    assert get("imagenette", tmp_path) == Fetched(tmp_path / "pics", False, "{name: folder}")
    assert content_of(tmp_path) == ["pics/train/cat/1.png", "pics/val/cat/2.png"]
    assert get("imagenette", tmp_path).before
    assert imagenette.asked == ["/pics.tgz"]


def test_two_at_once_fetch_once(imagenette: Server, tmp_path: Path) -> None:
    found: list[Fetched] = []
    both = [threading.Thread(target=lambda: found.append(get("imagenette", tmp_path))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(each.before for each in found) == [False, True]
    assert imagenette.asked == ["/pics.tgz"]
    assert content_of(tmp_path) == ["pics/train/cat/1.png", "pics/val/cat/2.png"]


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("pics/../../evil", b"x"),
        ("/pics/evil", b"x"),
        ("other/evil", b"x"),
        ("pics/link", "/etc/passwd"),
        ("pics/link", "1.png"),
    ],
)
def test_an_archive_that_leads_elsewhere_is_refused(
    member: str, content: bytes | str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(archive(("pics/1.png", b"x"), (member, content)), server, monkeypatch)
    root = tmp_path / "deep" / "data"
    assert refused("imagenette", root) == f"pics.tgz: holds {member!r}, wanted plain files and folders in pics"
    assert content_of(tmp_path) == []


@pytest.mark.parametrize("damage", [lambda packed: packed[:60], lambda packed: b"hello", lambda packed: b""])
def test_a_broken_archive(
    damage: Callable[[bytes], bytes], server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(damage(archive(("pics/1.png", b"x" * 1000))), server, monkeypatch)
    assert refused("imagenette", tmp_path).startswith("pics.tgz: ")
    assert refused("imagenette", tmp_path / "new").startswith("pics.tgz: ")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.tgz").write_bytes(archive(("pics", None)))
    with pytest.raises(BadInput, match=r"^x\.tgz: holds 'pics', wanted plain files and folders in other$"):
        unpack(tmp_path / "x.tgz", tmp_path, "other")


def test_without_a_network_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(BadInput) as caught:
            download(File("x", (url,), ""), tmp_path, lambda done, of: None)
    assert str(caught.value) == (
        f"x: cannot be downloaded: {url}: no connection (Connection refused); is there a network?"
    )
    with pytest.raises(BadInput, match=r"no connection \(.+\); is there a network\?$"):  # a name that no DNS may know
        download(File("x", ("http://data.invalid/x",), ""), tmp_path, lambda done, of: None)


def test_unknown_names_and_places(tmp_path: Path) -> None:
    assert refused("mnits", tmp_path).startswith("fetch: unknown data set 'mnits'; did you mean 'mnist'? (allowed: ")
    assert "kaggle:OWNER/SET" in refused("x", tmp_path)
    for handle in ("one", "a/b/c", "a/..", "a/b;c"):
        assert refused(f"kaggle:{handle}", tmp_path) == f"kaggle: found {handle!r}, allowed: OWNER/SET"
    (tmp_path / "file").touch()
    assert "nothing can be written there" in refused("imagenette", tmp_path / "file" / "data")


def test_kaggle_wants_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle, "find_spec", lambda name: None)
    assert refused("kaggle:me/set", tmp_path) == (
        "kaggle:me/set: wants the package kagglehub: pip install 'sparsetune[kaggle]'"
    )
    assert content_of(tmp_path) == []


PACKAGE = """
import os
from pathlib import Path
def dataset_download(handle, output_dir):
    if handle == "me/secret":
        raise RuntimeError(f"403 for {os.environ['KAGGLE_KEY']}\\nmore")
    Path(output_dir).mkdir()
    (Path(output_dir) / "table.csv").write_text(handle)
"""


def test_kaggle_through_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that answers as kagglehub's documentation says: there is no network here."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "kagglehub.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path / "lib")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)
    root = tmp_path / "data"
    assert get("kaggle:me/set", root).path == root / "set"
    assert content_of(root) == ["set/table.csv"]
    assert get("kaggle:me/set", root).before
    assert refused("kaggle:me/secret", root) == (
        "kaggle:me/secret: cannot be downloaded: 403 for ***; a set that is not public wants KAGGLE_USERNAME and "
        "KAGGLE_KEY, or ~/.kaggle/kaggle.json"
    )
    assert content_of(root) == ["set/table.csv"]
    monkeypatch.delitem(sys.modules, "kagglehub")


def test_the_sources_are_torchvisions() -> None:
    """Addresses and checksums that torchvision itself uses."""
    from torchvision.datasets import imagenette

    archives = set(imagenette.Imagenette._ARCHIVES.values())
    ours = {(SOURCES[name]().files[0].urls[0], SOURCES[name]().files[0].md5) for name in SOURCES if "imag" in name}
    assert ours == archives
    assert SOURCES["cifar100"]().folder == "cifar-100-python"
    assert [len(SOURCES[name]().files) for name in ("mnist", "fashionmnist", "kmnist")] == [4, 4, 4]
    assert isinstance(SOURCES["mnist"], partial)
