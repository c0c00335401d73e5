"""The named data sets: their expected sizes and values, their raw files and their licences."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownDataset:
    """A named data set, described as loaded with its default settings.

    Attributes
    ----------
    name : str
        Name in ``dataset=NAME``.
    folder : str or None
        Its folder in the data folder and on mirrors; None if it comes with the installation.
    n, d, k : int
        Numbers of rows, features and classes.
    class_counts : tuple of int or None
        Number of rows of each class; None if it depends on the source.
    highest : float or None
        Upper bound of the values (the lower bound is 0). None if it depends on the network, and for texts,
        whose rows have a known length instead.
    raw_files : tuple of tuples of str
        Alternative sets of files; if all files of one set are present, nothing has to be prepared.
    download_bytes : int or None
        Approximate size of the download; None if there is none.
    licence : str
        Short form of the owners' terms.
    """

    name: str
    folder: str | None
    n: int
    d: int
    k: int
    class_counts: tuple[int, ...] | None
    highest: float | None
    raw_files: tuple[tuple[str, ...], ...]
    download_bytes: int | None
    licence: str


CATALOG = {
    known.name: known
    for known in (
        KnownDataset(
            "digits",
            None,
            n=1797,
            d=64,
            k=10,
            class_counts=(178, 182, 177, 183, 181, 182, 181, 179, 174, 180),
            highest=1,
            raw_files=(),
            download_bytes=None,
            licence="CC BY 4.0",
        ),
        KnownDataset(
            "mnist",
            "mnist",
            n=70_000,
            d=784,
            k=10,
            class_counts=(6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958),
            highest=1,
            raw_files=(
                (
                    *("mnist/train-images-idx3-ubyte", "mnist/train-labels-idx1-ubyte"),
                    *("mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte"),
                ),
            ),
            download_bytes=11_600_000,
            licence="CC BY-SA 3.0",
        ),
        KnownDataset(
            "usps",
            "usps",
            n=9298,
            d=256,
            k=10,
            class_counts=(1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821),
            highest=1,
            raw_files=(("usps/usps_all.mat",), ("usps/usps.bz2", "usps/usps.t.bz2")),
            download_bytes=8_700_000,
            licence="none stated",
        ),
        KnownDataset(
            "cifar10",
            "cifar10",
            n=60_000,
            d=2048,
            k=10,
            class_counts=(6000,) * 10,
            highest=None,
            raw_files=(),
            download_bytes=272_600_000,  # pictures and the network's weights
            licence="none stated",
        ),
        KnownDataset(
            "stl",
            "stl10",
            n=13_000,
            d=2048,
            k=10,
            class_counts=(1300,) * 10,
            highest=None,
            raw_files=(),
            download_bytes=2_742_900_000,  # pictures and the network's weights
            licence="research (ImageNet's)",
        ),
        KnownDataset(
            "reuters",
            "reuters",
            n=10_000,
            d=2000,
            k=4,
            class_counts=None,
            highest=None,
            raw_files=(),
            download_bytes=656_000_000,
            licence="research (Reuters')",
        ),
        KnownDataset(
            "newsgroups",
            "20news",
            n=18_846,
            d=2000,
            k=20,
            class_counts=(
                *(799, 973, 985, 982, 963, 988, 975, 990, 996, 994),
                *(999, 991, 984, 990, 987, 997, 910, 940, 775, 628),
            ),
            highest=None,
            raw_files=(),
            download_bytes=14_500_000,
            licence="none stated",
        ),
    )
}
