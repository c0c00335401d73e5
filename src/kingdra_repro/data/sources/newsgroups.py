"""20 Newsgroups (bydate): messages of 20 groups, as tf-idf."""

import logging
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from kingdra_repro.checks import choice
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.download.fetch import fetch
from kingdra_repro.data.download.registry import registry
from kingdra_repro.data.features.prepared import prepared_folder, read_prepared, write_prepared
from kingdra_repro.data.features.tfidf import TextVectorizer, scale_rows
from kingdra_repro.data.formats.archives import archive_files
from kingdra_repro.data.formats.labels import encode_labels
from kingdra_repro.data.sources.feature_pair import load_feature_pair
from kingdra_repro.data.validation import validate
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum

log = logging.getLogger(__name__)

ARCHIVE = "20news/20news-bydate.tar.gz"
# 20news-bydate-train/<group>/<number>, 20news-bydate-test/...
MESSAGE = re.compile(r"20news-bydate-(train|test)/([\w.-]+)/(\d+)")
N_HU = 18_040


def load_newsgroups(
    data_dir: str | os.PathLike | None = None,
    mirror: str | os.PathLike | None = None,
    n_clusters: int | None = None,
    features: str | os.PathLike | None = None,
    headers: str = "kept",
    n_words: int = 2000,
    stop_words: str | None = "english",
    row_length: str = "sqrt_d",
) -> Dataset:
    """Load 20 Newsgroups, training and test messages together, as tf-idf of the most frequent words.

    Parameters
    ----------
    data_dir : path or None
        The data folder; None: ``KINGDRA_DATA_DIR`` or the user's cache folder.
    mirror : path, URL or None
        Holds ``20news/20news-bydate.tar.gz``.
    n_clusters : int or None
        Number of clusters to find; None: 20, one for each group.
    features : path or None
        A folder with ``train_X.npy`` and ``train_Y.npy``; the parameters below are then ignored.
    headers : {"kept", "removed"}
        Whether the words of a message include its header (From, Subject, Organization...).
    n_words : int
        Number of features: the most frequent words.
    stop_words : {"english", None}
        Whether to leave out words that carry no information.
    row_length : {"sqrt_d", "one"}
        See `kingdra_repro.data.features.tfidf.scale_rows`.

    Returns
    -------
    Dataset
        X float32 CSR [n, n_words], y int64 [n]. Messages without any of the words are left out.

    Raises
    ------
    InputError
        If no source has the right file, or a setting is out of range.

    Notes
    -----
    Lang, "NewsWeeder: Learning to filter netnews", ICML 1995, in Rennie's version sorted by date: 11,314
    and 7,532 messages. With headers kept, all messages have some of the 2,000 words: n = 18,846. With headers
    removed, 18,794 do; with signatures and quotations removed as well, which is not offered, 18,199. Hu et
    al. (2017) have 18,040, and do not say what they left out.

    K-means is above the paper's row here (Table 2). The reason is the length of the rows: Hu et al. probably
    did not normalise them. Here all rows have the same length, as is usual for tf-idf; otherwise K-means sees
    little but which messages are long.
    """
    if features is not None:
        return load_feature_pair(features, "newsgroups", "20_news", n_clusters, sparse=True)
    choice("kept", "removed")("dataset.headers", headers)
    settings = {"headers": headers, "n_words": n_words, "stop_words": stop_words}
    folder = prepared_folder(data_dir, "20news", "words", settings)
    if not folder.is_dir():
        archive = fetch(registry()[ARCHIVE], data_dir, mirror)
        messages, groups = read_newsgroups(archive)
        if headers == "removed":
            messages = [without_header(message) for message in messages]
        vectorizer = TextVectorizer(n_words, stop_words, row_length="one")
        X = vectorizer.fit_transform(messages)
        full = np.flatnonzero(np.diff(X.indptr))
        labels, names = encode_labels(groups, ARCHIVE)
        about: dict[str, Any] = {
            "dataset": "newsgroups",
            **settings,
            "messages": len(messages),
            "source": checksum(archive),
            "words": vectorizer.words,
            "groups": names,
        }
        write_prepared(folder, X[full], labels[full], about)
    prepared, classes, about = read_prepared(folder)
    log.info(
        "newsgroups: %d of %d messages have some of the words (Hu et al. have %d)",
        about["n"],
        about["messages"],
        N_HU,
    )
    k = 20 if n_clusters is None else n_clusters
    checked, y = validate(scale_rows(prepared, row_length), classes, k)
    return Dataset("newsgroups", checked, y, k, feature_names=about["words"], class_names=about["groups"])


def read_newsgroups(archive: Path) -> tuple[list[str], list[str]]:
    """Read messages and their groups, sorted by name: training before test, group by group.

    Parameters
    ----------
    archive : Path
        ``20news-bydate.tar.gz``; members whose names do not match its pattern are ignored.

    Returns
    -------
    messages : list of str
        Decoded as Latin-1, which accepts any bytes.
    groups : list of str

    Raises
    ------
    InputError
        If there are no messages, or the archive is broken.
    """
    found = []
    for name, content in archive_files(archive, lambda name: MESSAGE.fullmatch(name) is not None):
        ((part, group, number),) = MESSAGE.findall(name)
        found.append((part == "test", group, int(number), content.decode("latin-1")))
    if not found:
        raise InputError(f"{archive} has no files 20news-bydate-train/GROUP/NUMBER: put the right file there")
    found.sort(key=lambda message: message[:3])  # archives may list them in any order
    return [message[3] for message in found], [message[1] for message in found]


def without_header(message: str) -> str:
    """Return the part of a message after its first empty line."""
    _, _, body = message.replace("\r\n", "\n").partition("\n\n")
    return body
