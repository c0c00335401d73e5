"""Settings on the command line that the chosen method does not read."""

import logging
import re
from collections.abc import Sequence
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from kingdra_repro.config import setting_of

log = logging.getLogger(__name__)

GROUPS = ("training", "ensemble")  # for several methods; a method's own settings are checked
WHOLE = ("base", "pseudo_labels")  # read as a whole, or not at all


def warn_of_unread(cfg: DictConfig, method: str) -> None:
    """Log the lines of `unread` for this command line as warnings."""
    for line in unread(cfg, HydraConfig.get().overrides.task, method):
        log.warning(line)


def unread(cfg: DictConfig, overrides: Sequence[str], method: str) -> list[str]:
    """Return a line for each setting of training, ensembles, bases or pseudo-labels that has no effect.

    A method reads what its section of `cfg` refers to, such as ``${training.epochs}``. `overrides` are those
    of the command line, in Hydra's form; `method` is the method's name, for use in the lines.
    """
    groups: Any = OmegaConf.to_container(cfg)
    read, left = set[str](), ["method"]
    while left:
        read.add(name := left.pop())
        said = groups
        for part in name.split("."):
            said = said.get(part, {}) if isinstance(said, dict) else {}
        left += [one for one in re.findall(r"\$\{([\w.]+)\}", str(said)) if one not in read]
    given = [one.lstrip("+~").partition("=")[0] for one in overrides]
    lines = []
    for name in given:
        group, _, inner = name.partition(".")
        if (group in GROUPS and inner and name not in read) or (group in WHOLE and group not in read):
            instead = setting_of(name.rpartition(".")[2], cfg)
            known = "." in instead and instead not in given
            remedy = f"give {instead}" if known and instead != name else "leave it out"
            lines.append(f"{name} has no effect on method={method}: {remedy}")
    return lines
