"""What the tests of the data sources share: a local server, and a data folder of their own."""

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
    """A web server whose answer to each path the test chooses, by `answers[path] = (fault, content)`."""

    url: str
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def gives(self, path: str, content: bytes = b"", fault: str = "none") -> str:
        """Set the answer to a path: "none", "403", "truncated" or "silent"; its URL."""
        self.answers["/" + path] = (fault, content)
        return f"{self.url}/{path}"


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server on this machine; every path that no answer is set for is a 404."""
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
    """No test reads or writes the user's data folder."""
    folder = tmp_path / "data_folder"
    monkeypatch.setenv("KINGDRA_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def real_data() -> Path:
    """A mirror with the real files, where there is one."""
    mirror = os.environ.get("KINGDRA_TEST_MIRROR")
    if not mirror or not Path(mirror).is_dir():
        pytest.skip("set KINGDRA_TEST_MIRROR to a folder with the real data sets to run this test")
    return Path(mirror)


class SmallNetwork(nn.Module):
    """2,048 features of a picture in no time, in the place of ResNet-50's."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 2048, 8, stride=8)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, 3, h, w] -> [batch, 2048]."""
        return torch.relu(self.conv(x)).mean(dim=(2, 3))


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of weights, of which the small network is made."""
    monkeypatch.setattr(
        "kingdra_repro.data.features.extraction.load_resnet50", lambda _: SmallNetwork().eval()
    )
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights of a small network")
    return path
