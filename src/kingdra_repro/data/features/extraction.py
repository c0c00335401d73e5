"""Extract ResNet-50 features of pictures to disk, in batches; an interrupted extraction can be resumed."""

import json
import logging
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch.backends import cudnn

from kingdra_repro.checks import choice, integer
from kingdra_repro.data.download.progress import rows_progress
from kingdra_repro.data.features.pictures import Pictures
from kingdra_repro.data.features.prepared import finish_prepared
from kingdra_repro.data.features.resnet50 import N_FEATURES, load_resnet50
from kingdra_repro.devices import choose_device
from kingdra_repro.errors import InputError
from kingdra_repro.files import file_lock

log = logging.getLogger(__name__)

# Channel statistics of the training set of torchvision's weights, for pixel values 0-1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SECONDS_BETWEEN_NOTES = 5.0


@dataclass(frozen=True)
class Extraction:
    """The settings of a feature extraction.

    Attributes
    ----------
    resize : int
        Side length in pixels to which pictures are resized (bilinear).
    weights : path or None
        A ResNet-50 state dict in torchvision's format. If None, torchvision's own weights (IMAGENET1K_V1) are
        downloaded.
    device : str
        ``auto`` (a GPU if there is one) or the name of a torch device.
    batch_size : int
    precision : {"float32", "bfloat16"}
        Precision of the network's products (autocast). bfloat16 is faster on hardware that supports it, and
        changes the features slightly.
    dtype : {"float32", "float16"}
        Dtype of the feature file. float32 can be memory-mapped for training, float16 is half as large.

    Raises
    ------
    InputError
        If a setting is out of range.
    """

    resize: int = 224
    weights: str | os.PathLike | None = None
    device: str = "auto"
    batch_size: int = 32
    precision: str = "float32"
    dtype: str = "float32"

    checks: ClassVar = {
        "resize": integer(32),  # the network does not accept smaller pictures
        "batch_size": integer(1),
        "precision": choice("float32", "bfloat16"),
        "dtype": choice("float32", "float16"),
    }
    group: ClassVar[str] = "dataset"  # the settings group that error messages refer to

    def __post_init__(self) -> None:
        for name, check in self.checks.items():
            check(f"{self.group}.{name}", getattr(self, name))


def extract_features(
    pictures: Pictures,
    labels: np.ndarray | None,
    target: Path,
    weights: Path,
    about: dict[str, Any],
    extraction: Extraction,
) -> None:
    """Write the ResNet-50 features of pictures to a prepared folder.

    Unfinished work is kept in the folder ``.<target's name>.part`` next to the target, with a record of how
    many rows are complete. An interrupted extraction resumes there if the settings are the same. It resumes
    at the start of a batch, so the result is byte-identical to an uninterrupted extraction. The folder is
    renamed to `target` when it is complete. It is removed if a picture is broken.

    Parameters
    ----------
    pictures : Pictures
    labels : int array [n] or None
    target : Path
        The prepared folder to write; see `prepared`.
    weights : Path
        The file that `extraction` names, or the downloaded one.
    about : dict
        Further entries for the folder's about.json. An interrupted extraction is resumed only if these and
        `extraction` are the same.
    extraction : Extraction

    Raises
    ------
    InputError
        If the device does not exist, the weights do not fit, or a picture is broken.
    """
    on, resize, batch_size = choose_device(extraction.device), extraction.resize, extraction.batch_size
    about = {
        **about,
        "n": len(pictures),
        "d": N_FEATURES,
        "resize": resize,
        "dtype": extraction.dtype,
        "precision": extraction.precision,
    }
    part = target.parent / f".{target.name}.part"
    with file_lock(target):
        if target.exists():  # another process was faster
            return
        done = _rows_done(part, {**about, "batch_size": batch_size, "device": on.type})
        rows = np.lib.format.open_memmap(part / "train_X.npy", mode="r+")
        network = load_resnet50(weights).to(on).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std = (torch.tensor(v, device=on).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        noted = time.monotonic()
        # By default a GPU would round to TF32. The other arguments keep PyTorch's usual flags, which
        # cudnn.flags would change.
        exact = cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False)
        with rows_progress() as progress, torch.inference_mode(), exact:
            bar = progress.add_task(
                f"ResNet-50 features, {resize} x {resize}", total=len(rows), completed=done
            )
            for start in range(done, len(rows), batch_size):
                stop = min(start + batch_size, len(rows))
                try:
                    batch = pictures.batch(start, stop, resize)
                except InputError:
                    shutil.rmtree(part, ignore_errors=True)  # a repaired picture is another input
                    raise
                x = (batch.to(on) - mean) / std
                with torch.autocast(on.type, torch.bfloat16, enabled=extraction.precision == "bfloat16"):
                    features = network(x.contiguous(memory_format=torch.channels_last))
                rows[start:stop] = features.float().cpu().numpy()
                progress.update(bar, completed=stop)
                if time.monotonic() - noted > SECONDS_BETWEEN_NOTES:
                    rows.flush()  # flush first, so that the record never counts rows that are not on disk
                    _note(part, {"done": stop})
                    noted = time.monotonic()
        rows.flush()
        del rows
        for note in ("done.json", "settings.json"):
            (part / note).unlink(missing_ok=True)
        finish_prepared(part, target, labels, about)


def _rows_done(part: Path, settings: dict[str, Any]) -> int:
    """Return the number of rows of an unfinished extraction with these settings, or start a new one."""
    try:
        if json.loads((part / "settings.json").read_text()) == settings:
            done = int(json.loads((part / "done.json").read_text())["done"])
            log.info("Resuming the extraction that stopped at row %d of %d", done, settings["n"])
            return done
    except (OSError, ValueError, KeyError):
        pass
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shape = (settings["n"], settings["d"])
    np.lib.format.open_memmap(part / "train_X.npy", mode="w+", dtype=settings["dtype"], shape=shape).flush()
    _note(part, {"done": 0})
    _note(part, settings, "settings.json")
    return 0


def _note(part: Path, content: dict[str, Any], name: str = "done.json") -> None:
    beside = part / f".{name}"
    beside.write_text(json.dumps(content))
    os.replace(beside, part / name)
