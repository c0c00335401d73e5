"""Fixtures for tests of the data sources: a local web server, a temporary data folder, a small network."""

import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


@dataclass
class FileServer:
    """A web server; the test sets its answer to each path by `answers[path] = (fault, content)`."""

    url: str
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def gives(self, path: str, content: bytes = b"", fault: str = "none") -> str:
        """Set the answer to a path, with a fault "none", "403", "truncated" or "silent"; return its URL."""
        self.answers["/" + path] = (fault, content)
        return f"{self.url}/{path}"


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A local server, which answers 404 for every path without an answer."""
    stopped = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files.requested.append(self.path)
            fault, content = files.answers.get(self.path, ("404", b""))
            if fault.isdigit():
                self.send_error(int(fault))
                return
            if fault == "silent":
                stopped.wait(10)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "truncated" else content)

        def log_message(self, *_: object) -> None:
            pass

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    files = FileServer(f"http://127.0.0.1:{web.server_port}")
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield files
    stopped.set()
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary data folder, so that no test reads or writes the user's."""
    folder = tmp_path / "data_folder"
    monkeypatch.setenv("KINGDRA_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def real_data() -> Path:
    """A mirror with the real files; without one, the test is skipped."""
    mirror = os.environ.get("KINGDRA_TEST_MIRROR")
    if not mirror or not Path(mirror).is_dir():
        pytest.skip("set KINGDRA_TEST_MIRROR to a folder with the real data sets to run this test")
    return Path(mirror)


class SmallNetwork(nn.Module):
    """A fast replacement for ResNet-50, also with 2,048 features per picture."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 2048, 8, stride=8)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures [batch, 3, h, w] to features [batch, 2048]."""
        return torch.relu(self.conv(x)).mean(dim=(2, 3))


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of weights, from which `load_resnet50` makes the small network."""
    monkeypatch.setattr(
        "kingdra_repro.data.features.extraction.load_resnet50", lambda _: SmallNetwork().eval()
    )
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights of a small network")
    return path
