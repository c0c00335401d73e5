"""User errors in one line with a remedy, whether this package, Hydra or the file system raised them."""

import difflib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from hydra.errors import CompactHydraException, InstantiationException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from kingdra_repro.config import Settings, names, read_config, setting_of
from kingdra_repro.errors import InputError

# The extras in pyproject.toml that install launchers of Hydra.
EXTRA_OF = {
    "hydra/launcher=joblib": "joblib",
    "hydra/launcher=submitit_slurm": "slurm",
    "hydra/launcher=submitit_local": "slurm",
}
SEE = "`kingdra-run --help` explains the settings, `kingdra-run --cfg job` lists them"

PLACES = "run folders go below output_dir=FOLDER: give another"


def user_message(
    error: BaseException,
    settings: DictConfig | None = None,
    *,
    known: type = Settings,
    see: str = SEE,
    sweeps: bool = True,
    places: str = PLACES,
) -> str | None:
    """Return the message for a user error, or None if the error is not the user's but a bug.

    Hydra wraps errors that occur while it composes settings or creates objects: their causes say more.

    Parameters
    ----------
    settings : the run's settings, to find the user's name ``ensemble.size`` of the parameter ``n_models``
    known : dataclass of the program's settings
    see : where the user finds more
    sweeps : whether the program makes a run for each of several values (``-m``)
    places : the remedy if a file or folder cannot be written
    """
    chain = list(_causes(error))
    for one in chain:
        if isinstance(one, InputError):
            return _joined(_as_given(one, settings))
    # A message with "$" is a template; OmegaConf fills it in for the exception that this one caused.
    hydras = [str(one) for one in chain if isinstance(one, CompactHydraException | OmegaConfBaseException)]
    override = next((one.override for one in chain if isinstance(one, OverrideParseException)), None)
    message = "\n".join(one for one in hydras if "$" not in one)
    line = _of_hydra(message, known, see, override, sweeps)
    if line is not None:
        return line
    for one in chain:
        if isinstance(one, ValueError) and "Config group override must be a string or a list" in str(one):
            return (
                f"A group of settings is chosen by a name, such as method=kmeans, not a number or null. {see}"
            )
        if isinstance(one, ValueError) and "Only one of --run, --multirun" in str(one):
            return "--cfg shows the settings of one run: give one value of each, without -m"
        if isinstance(one, MarkedYAMLError) and (place := one.problem_mark) is not None:
            return f"{place.name} is no YAML (line {place.line + 1}: {one.problem}): correct it"
        if isinstance(one, ImportError) and (found := re.match(r"Error loading '(.*)':\n(.*)", str(one))):
            return f"_target_={found[1]} cannot be loaded ({found[2]}): correct it, or leave it out"
        if isinstance(one, RuntimeError) and 'Could not detect "srun"' in str(one):
            return (
                "launcher=slurm needs a machine of a Slurm cluster, and there is no srun here: "
                "slurm_local does the same without Slurm"
            )
        if isinstance(one, OSError) and (line := _of_files(one, places)) is not None:
            return line
        if isinstance(one, MemoryError) or "allocate memory" in str(one) or "out of memory" in str(one):
            return (
                "There is not enough memory: n_jobs=1, a smaller training.batch_size and narrower layers "
                f"need less ({_joined(str(one)) or 'MemoryError'})"
            )
    if isinstance(error, InstantiationException):
        return None  # the cause is not a setting or a file, but the code that was called
    if isinstance(error, CompactHydraException | OmegaConfBaseException):
        return f"{_joined(str(error))}. {see}"
    return None


def _of_hydra(message: str, known: type, see: str, override: str | None, sweeps: bool) -> str | None:
    """Return Hydra's and OmegaConf's messages for common user errors in this program's words, else None.

    ``override`` is the setting that Hydra could not parse, as it was given.
    """
    if found := re.search(
        r"Could not find '((?:hydra/)?\w+)/([^']*)'\n+Available options in .*:\n((?:\t.*\n?)+)", message
    ):
        group, given, listed = found.groups()
        if (extra := EXTRA_OF.get(f"{group}={given}")) is not None:
            return f"{group}={given} needs another package: pip install 'kingdra-repro[{extra}]'"
        choices = [line.strip() for line in listed.splitlines()]
        if group == "dataset" and re.search(r"[./]", given):
            path = _quoted(f"dataset.path={given}")
            return f"unknown dataset={given}: a file of your own is dataset=custom {path}"
        return f"unknown {group}={given}: choose from {', '.join(choices)}{_meant(given, choices)}"
    if found := re.search(r"In 'hydra/launcher/(\w+)': Could not load 'hydra/launcher/submitit_", message):
        return f"hydra/launcher={found[1]} needs another package: pip install 'kingdra-repro[slurm]'"
    if found := re.search(r"Could not override '([\w./@-]+)'", message):
        key = found[1]
        if key in _known_settings(known) and "." in key:
            group = key.partition(".")[0]
            return (
                f"{key} is not a setting of this {group}: leave it out, or choose another {group}=NAME. {see}"
            )
        return f"{key} is not a setting{_meant(key, _known_settings(known))}. {see}"
    if found := re.search(r"Value '(.*?)' (?:.* converted to|is not a valid) (\w+)", message):
        key = re.search(r"full_key: (\S+)", message)
        name, kind = key[1] if key else "a setting", _NOUNS.get(found[2], found[2])
        return f"{name} must be {kind}; got {found[1]}"
    if found := re.search(r"Key '\w+' not in '\w+'\s+full_key: (\S+)", message):
        return f"{found[1]} is not a setting. {see}"
    if found := re.search(r"Incompatible value '(.*)' for field of type '(\w+)'\s+full_key: (\S+)", message):
        value, kind = found[1].replace("None", "null"), _NOUNS.get(found[2], found[2])
        return f"{found[3]} must be {kind}; got {value}"
    if found := re.search(r"is not a ListConfig, list or tuple.\s+full_key: (\S+)", message):
        return f"{found[1]} must be a list, such as {found[1]}=[1,2]"
    if found := re.search(r"Error merging override ([\w./@-]+)=null\n.*is not Optional", message, re.DOTALL):
        return f"{found[1]} must not be null: give it a value, or leave it out. {see}"
    if found := re.search(r"Error merging override ([\w./@-]+)=(\S*)", message):
        return f"{found[1]}={found[2]} is not valid: {found[1]} is a group of settings. {see}"
    if override is not None:
        return _in_quotes(override)
    if found := re.search(r"Ambiguous value for argument '(.*)'\n+1\. To use it as a list", message):
        return _several(found[1], sweeps)
    if found := re.search(r"Missing mandatory value: (\S+)", message):
        return f"{found[1]} is missing: add {found[1]}=VALUE"
    return None


def _in_quotes(override: str) -> str:
    """Return the message for an override that Hydra could not parse: how to write it."""
    name, equals, path = override.partition("=")
    if not equals and re.fullmatch(r"[\w./@]+", name):
        return f"{name} has no value: write {name}=VALUE"
    if name == "dataset" and re.search(r"[./]", path):
        return f"unknown {override}: a file of your own is dataset=custom {_quoted(f'dataset.path={path}')}"
    return (
        f"{override} has characters that need quotes, or an open bracket: "
        f"quote it twice, such as {_quoted(override)}"
    )


def _several(override: str, sweeps: bool) -> str:
    """Return the message for ``a,b``: how to write each of its possible meanings."""
    name, _, values = override.partition("=")
    each = "add -m for a run with each, " if sweeps else ""
    return (
        f"{override} is several values: {each}write {name}=[{values}] for a list, or quote it twice, such as "
        f"{_quoted(override)}"
    )


def _quoted(override: str) -> str:
    """Return an override with the quotes that Hydra needs, and around these the quotes that a shell needs."""
    if re.fullmatch(r"[\w./=@%+-]+", override, re.ASCII) and override.count("=") == 1:
        return override
    name, equals, value = override.partition("=")
    for_hydra = name + equals + "'" + value.replace("'", "\\'") + "'"
    return '"' + re.sub(r'["$`]', r"\\\g<0>", for_hydra) + '"'


def _of_files(error: OSError, places: str) -> str | None:
    """Return the message for a full disk, or for a file that cannot be read or written; else None."""
    name = error.filename
    if error.errno in _NO_ROOM:
        where = "The disk" if name is None else name
        return f"{where}: {error.strerror}; free space, or give output_dir=FOLDER on another disk"
    if name is None:
        return None
    path = Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    if path is not None and path.is_symlink() and not path.exists():
        return f"{path}: a broken link; correct or remove it"
    if path is not None and path.is_file() and not os.access(path, os.R_OK):
        return f"{path}: {error.strerror}; make it readable"
    return f"{name}: {error.strerror}; {places}"


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

_NOUNS = {
    "Integer": "an integer",
    "Float": "a number",
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "String": "a string",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _meant(given: str, choices: list[str]) -> str:
    inner = [choice for choice in choices if choice.endswith(f".{given}")]  # epochs for training.epochs
    close = inner or difflib.get_close_matches(given, choices, n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""


def _known_settings(known: type) -> list[str]:
    """Return the names of all top-level settings and groups, and of the settings inside them."""
    tree = OmegaConf.structured(known)
    found: list[str] = []
    for key in tree:
        found.append(str(key))
        if not OmegaConf.is_missing(tree, key) and OmegaConf.is_dict(tree[key]):
            found += [f"{key}.{inner}" for inner in tree[key]]
    for group in ("dataset", "method", "base", "pseudo_labels"):
        for name in names(group) if group in found else []:
            inside = read_config(group, name)
            found += [f"{group}.{inner}" for inner in inside if not inner.startswith("_")]
    return found


def _as_given(error: InputError, settings: DictConfig | None) -> str:
    """Return the error's message, with the name of the setting that its parameter is taken from."""
    message, name = str(error), error.parameter
    if settings is None or name is None:
        return message
    return setting_of(name, settings) + message.removeprefix(name)


def _joined(message: str) -> str:
    return " ".join(message.split())
