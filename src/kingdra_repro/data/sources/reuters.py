"""Reuters: 10,000 documents of RCV1-v2 in its four root categories, as tf-idf."""

import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from kingdra_repro.checks import choice, integer
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import fetch, find_local, is_url
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.prepared import prepared_folder, read_prepared, write_prepared
from kingdra_repro.data.features.tfidf import (
    most_frequent_columns,
    scale_rows,
    tfidf_of_tokens,
)
from kingdra_repro.data.formats.arrays import read_npz
from kingdra_repro.data.sources.feature_pair import load_feature_pair
from kingdra_repro.data.sources.rcv1 import (
    ROOT_NAMES,
    TOKEN_FILES,
    TOPICS_FILE,
    VECTOR_FILES,
    read_root_classes,
    read_tokens,
    read_vectors,
)
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)

SUBSET_FILES = ("rcv1_pool_X.npz", "rcv1_pool_labels.npz")
SOURCES = ("auto", "tokens", "vectors", "subset")


@dataclass(frozen=True)
class Sample:
    """Selection of documents and words; about.json has these names in this order.

    Attributes
    ----------
    n_documents : int
    sample_seed : int
    n_words : int, number of most frequent words
    """

    n_documents: int
    sample_seed: int
    n_words: int


def load_reuters(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    features: str | os.PathLike | None = None,
    source: str = "auto",
    n_documents: int = 10_000,
    sample_seed: int = 0,
    n_words: int = 2000,
    row_length: str = "sqrt_d",
) -> Dataset:
    """Load a sample of RCV1-v2's documents that belong to one root category only, as tf-idf.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder.
    mirror : path, URL or None
        Holds files of one of the sources below in ``reuters/``.
    n_clusters : int or None
        Number of clusters to find; None: 4.
    features : path or None
        A folder with ``train_X.npy`` and ``train_Y.npy``; the parameters below are then ignored.
    source : {"auto", "tokens", "vectors", "subset"}
        See the notes. "auto": the first of tokens, vectors and subset that was prepared before, else whose
        files are in the data folder or in a mirror's folder; else the subset if a mirror's URL has it, else
        the vectors, which are downloaded.
    n_documents : int
        Number of documents to sample.
    sample_seed : int
        Seed of the sample. It is separate from the run's seed, so that all runs cluster the same documents.
    n_words : int
        Number of features: the most frequent words.
    row_length : {"sqrt_d", "one"}
        See `kingdra_repro.data.features.tfidf.scale_rows`. With rows of length 1, the published noise of
        standard deviation 3 drowns the words.

    Returns
    -------
    Dataset
        X float32 CSR [n_documents, n_words], y int64 [n_documents]: CCAT (corporate/industrial), ECAT
        (economics), GCAT (government/social), MCAT (markets).

    Raises
    ------
    InputError
        If no source has the right files, or a setting is out of range.

    Notes
    -----
    Lewis, Yang, Rose, Li, "RCV1: A new benchmark collection for text categorization research", JMLR 5, 2004.
    Hu et al. (2017) took 10,000 of the 685,071 documents with one root category, the 2,000 most frequent
    words of these, and tf-idf. Their choice of documents is not known, so no source gives the same ones.

    - **tokens**: the five files ``lyrl2004_tokens_*.dat`` (plain, .gz or .xz) of stems without stop words,
      and ``rcv1-v2.topics.qrels.gz``. Words are chosen and weighted as Hu et al. describe. There are no
      published checksums of these files, so they are not downloaded: put them in ``reuters/`` in the data
      folder or mirror.
    - **vectors**: the five files ``lyrl2004_vectors_*.dat.gz`` that scikit-learn's ``fetch_rcv1`` downloads
      (about 650 MB). Lewis et al. already weighted them, (1 + ln tf) * idf over all 47,236 terms with the idf
      of the training part, so counts are lost: the words are the 2,000 of highest document frequency in the
      sample, with the given weights, normalised to length 1 again. Here tf is damped by the logarithm, while
      Hu et al. use it undamped.
    - **subset**: ``rcv1_pool_X.npz`` and ``rcv1_pool_labels.npz`` of a mirror, 27,613 documents with the same
      vectors, of which 23,428 have one root category. The sample is drawn from these; the rest is as for
      "vectors".

    On the subset, K-means ends in one of many optima of nearly the same cost, whose accuracies differ widely.
    """
    if features is not None:
        return load_feature_pair(features, "reuters", "reuters", n_clusters, sparse=True)
    choice(*SOURCES)("dataset.source", source)
    integer(1)("dataset.n_words", n_words)
    integer(2)("dataset.n_documents", n_documents)
    folder = _prepared(source, Sample(n_documents, sample_seed, n_words), data_dir, mirror)
    found = read_prepared(folder)
    k = 4 if n_clusters is None else n_clusters
    checked, y = validate(scale_rows(found[0], row_length), found[1], k)
    log.info("reuters: %d documents of the source %r", found[2]["n"], found[2]["source"])
    return Dataset(
        "reuters", checked, y, k, feature_names=found[2]["words"], class_names=list(ROOT_NAMES.values())
    )


def _prepared(
    source: str,
    sample: Sample,
    data_dir: str | os.PathLike | None,
    mirror: str | os.PathLike | None,
) -> Path:
    """Return the prepared folder of a source; prepare it if there is none."""
    kinds: tuple[str, ...] = SOURCES[1:] if source == "auto" else (source,)
    folders = {kind: prepared_folder(data_dir, "reuters", f"words_{kind}", asdict(sample)) for kind in kinds}
    for folder in folders.values():
        if folder.is_dir():
            return folder
    if source == "auto":
        kinds = tuple(kind for kind in kinds if _is_local(kind, data_dir, mirror))
        if not kinds:  # a URL must be requested to know whether it has a file
            kinds = ("subset", "vectors") if mirror is not None and is_url(mirror) else ("vectors",)
    read = {"tokens": _from_tokens, "vectors": _from_vectors, "subset": _from_subset}
    for kind in kinds:
        try:
            X, labels, words = read[kind](sample, data_dir, mirror)
        except InputError as refusal:
            if kind == kinds[-1]:
                raise
            log.warning("reuters: no %s (%s)", kind, refusal)
            continue
        about = {"dataset": "reuters", "source": kind, **asdict(sample), "words": words}
        write_prepared(folders[kind], X, labels, about)
        return folders[kind]
    raise AssertionError("the last source either gives documents or raises")


def _is_local(kind: str, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None) -> bool:
    files = {
        "tokens": (*TOKEN_FILES, TOPICS_FILE),
        "vectors": (*VECTOR_FILES, TOPICS_FILE),
        "subset": SUBSET_FILES,
    }
    return all(find_local(f"reuters/{file}", data_dir, mirror) is not None for file in files[kind])


def _taken(n: int, sample: Sample) -> np.ndarray:
    """Sample from n documents; return their indices, ascending."""
    if n < sample.n_documents:
        raise InputError(f"dataset.n_documents={sample.n_documents} is more than the {n} documents there are")
    rng = np.random.default_rng(sample.sample_seed)
    return np.sort(rng.choice(n, sample.n_documents, replace=False))


def _sampled_documents(
    sample: Sample, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and classes of the sampled documents, sorted by number."""
    documents, classes = read_root_classes(fetch(registry()[f"reuters/{TOPICS_FILE}"], data_dir, mirror))
    taken = _taken(len(documents), sample)
    return documents[taken], classes[taken]


def _from_tokens(
    sample: Sample, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> tuple[sp.csr_matrix, np.ndarray, list[str] | None]:
    paths = {file: find_local(f"reuters/{file}", data_dir, mirror) for file in TOKEN_FILES}
    missing = [file for file, path in paths.items() if path is None]
    if missing:
        raise InputError(
            f"There is no {missing[0]} (nor .gz or .xz): put RCV1's token files into "
            f"{data_folder(data_dir).absolute() / 'reuters'}, or choose dataset.source=vectors"
        )
    documents, classes = _sampled_documents(sample, data_dir, mirror)
    wanted = set(documents.tolist())
    stems: dict[int, list[str]] = {}
    for path in paths.values():
        assert path is not None
        stems.update((number, words) for number, words in read_tokens(path) if number in wanted)
    _require_all(len(documents), len(stems))
    X, words = tfidf_of_tokens((stems[number] for number in documents.tolist()), sample.n_words)
    return X, classes, words


def _from_vectors(
    sample: Sample, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> tuple[sp.csr_matrix, np.ndarray, list[str] | None]:
    documents, classes = _sampled_documents(sample, data_dir, mirror)
    parts, numbers = [], []
    for file in VECTOR_FILES:
        X, found = read_vectors(fetch(registry()[f"reuters/{file}"], data_dir, mirror), documents)
        parts.append(X)
        numbers.append(found)
    order = np.argsort(np.concatenate(numbers), kind="stable")
    _require_all(len(documents), len(order))
    X = most_frequent_columns(sp.csr_matrix(sp.vstack(parts))[order], sample.n_words)
    return X, classes, None  # the files have the numbers of the terms, not the words


def _from_subset(
    sample: Sample, data_dir: str | os.PathLike | None, mirror: str | os.PathLike | None
) -> tuple[sp.csr_matrix, np.ndarray, list[str] | None]:
    matrix, labels = (fetch(registry()[f"reuters/{file}"], data_dir, mirror) for file in SUBSET_FILES)
    X, _ = read_npz(matrix)
    with np.load(labels, allow_pickle=False) as arrays:
        roots = arrays["root4"].astype(np.int64)  # -1 if a document has no root category or several
    single = np.flatnonzero(roots >= 0)
    taken = single[_taken(len(single), sample)]
    return most_frequent_columns(sp.csr_matrix(X)[taken], sample.n_words), roots[taken], None


def _require_all(n_wanted: int, n_found: int) -> None:
    if n_found != n_wanted:
        raise InputError(
            f"RCV1's files have {n_found} of the {n_wanted} sampled documents: put the right files there"
        )
