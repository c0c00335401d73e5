"""Small files in the real formats, and registry entries for them."""

import gzip
import hashlib
import io
import lzma
import tarfile

import numpy as np

from kingdra_repro.data.download.registry import RemoteFile


def remote(name: str, content: bytes, *urls: str) -> RemoteFile:
    """Return a registry entry for these bytes."""
    return RemoteFile(name, (f"sha256:{hashlib.sha256(content).hexdigest()}",), urls)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


PACKED = {".gz": gz, ".xz": lzma.compress}


def idx_bytes(values: np.ndarray) -> bytes:
    """Return the bytes of an idx file of unsigned bytes."""
    header = bytes([0, 0, 8, values.ndim]) + np.asarray(values.shape, ">u4").tobytes()
    return header + values.astype(np.uint8).tobytes()


def tar_bytes(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """Return the bytes of an archive of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def cifar10_archive(n_each: int = 3) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Return a small CIFAR-10 archive (binary version), its pixels [n, 3, 32, 32] and labels, in order."""
    rng = np.random.default_rng(0)
    files, all_pixels, all_labels = {}, [], []
    for file in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        labels = rng.integers(0, 10, n_each, dtype=np.uint8)
        pixels = rng.integers(0, 256, (n_each, 3, 32, 32), dtype=np.uint8)
        rows = np.concatenate([labels[:, None], pixels.reshape(n_each, -1)], axis=1)
        files[f"cifar-10-batches-bin/{file}"] = rows.tobytes()
        all_pixels.append(pixels)
        all_labels.append(labels)
    files["cifar-10-batches-bin/batches.meta.txt"] = b"airplane"
    return tar_bytes(files), np.concatenate(all_pixels), np.concatenate(all_labels)
