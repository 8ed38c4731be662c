"""Texts and columns of several values as numbers, by encoders that training fits and the model's folder keeps.

In numpy, which the service has: scikit-learn and scipy, which fit the encoders, would add 198 MB to its image, and onnxruntime's own
operators for texts need a locale of the machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..tables.chunks import Matrix
from . import onnx_sessions

NAME = "texts.npz"
WIDTH = 4096  # buckets that n-grams are hashed into
SIZES = 3, 4  # characters of an n-gram
LONGEST = 100_000  # characters of a text that are looked at
BLOCK = 250_000  # characters that are encoded at a time
MULTIPLY, MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)  # of SplitMix64 (Steele et al. 2014)
LISTS = pl.List(pl.String)
Grams = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Latent:
    """Of a text its place among others: TF-IDF of n-grams within words, projected on what varies most (latent semantic analysis)."""

    idf: NDArray[np.float64]
    components: Matrix
    """Shape (WIDTH, columns)."""

    @property
    def columns(self) -> list[str]:
        return [f"{number}" for number in range(1, self.components.shape[1] + 1)]

    def __call__(self, values: pl.Series) -> Matrix:
        """A row of numbers for each text, to the bit the same whatever the other texts are; NaN where there is none."""
        encoded = np.zeros((len(values), self.components.shape[1]), np.float32)
        for start, block in blocks(values.fill_null("").to_list()):
            self._project(grams(block), encoded[start : start + len(block)])
        encoded[values.is_null().to_numpy()] = np.nan
        return encoded

    def _project(self, found: Grams, into: Matrix) -> None:
        rows, buckets, counts = found
        if not len(rows):
            return
        weights = (1 + np.log(counts)) * self.idf[buckets]
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        norms = np.sqrt(np.add.reduceat(weights**2, starts))
        sums = np.add.reduceat(weights[:, None] * self.components[buckets], starts)
        into[rows[starts]] = sums / norms[:, None]


@dataclass(frozen=True)
class Members:
    """Of a list which of the usual values it has, and how many others."""

    known: list[str]

    @property
    def columns(self) -> list[str]:
        return [*self.known, "others"]

    def __call__(self, values: pl.Series) -> Matrix:
        """A row of numbers for each list; NaN where there is none."""
        lists = pl.col(values.name).list
        has = [lists.contains(value).cast(pl.Float32).alias(value) for value in self.known]
        others = lists.set_difference(pl.lit(self.known, LISTS)).list.len().cast(pl.Float32).alias("\nothers")
        return values.to_frame().select(*has, others).fill_null(np.nan).to_numpy(order="c")


@dataclass(frozen=True)
class Prebuilt:
    """Of a text what an ONNX model from elsewhere makes of it: text in, numbers out."""

    graph: bytes

    @cached_property
    def columns(self) -> list[str]:
        return [f"{number}" for number in range(1, len(self._numbers("")) + 1)]

    @cached_property
    def _session(self) -> Any:
        return onnx_sessions.load(self.graph)

    def __call__(self, values: pl.Series) -> Matrix:
        """A row of numbers for each text, one by one, as sums in a batch may differ in their last bits; NaN where there is none."""
        nothing = np.full(len(self.columns), np.nan, np.float32)
        rows = [nothing if text is None else self._numbers(text[:LONGEST]) for text in values.to_list()]
        return np.array(rows, np.float32).reshape(len(rows), len(self.columns))

    def _numbers(self, text: str) -> NDArray[np.float32]:
        [field] = self._session.get_inputs()
        found = self._session.run(None, {field.name: np.array(text, object).reshape([1] * len(field.shape))})
        return np.asarray(found[0], np.float32).reshape(-1)


Encoder = Latent | Members | Prebuilt


@dataclass(frozen=True)
class Encoders:
    """The encoders by the name of the feature; a model without texts has none."""

    by_name: Mapping[str, Encoder] = field(default_factory=dict)

    def __call__(self, table: pl.DataFrame) -> pl.DataFrame:
        """The features, of which texts and lists are numbers, each in several columns."""
        if not self.by_name:
            return table
        return pl.DataFrame([column for each in table for column in self._encoded(each)])

    def owners(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Of each column that is made of these features, the place of its feature."""
        widths = [len(self.by_name[name].columns) if name in self.by_name else 1 for name in names]
        return np.repeat(np.arange(len(names)), widths)

    def _encoded(self, feature: pl.Series) -> Iterator[pl.Series]:
        encoder = self.by_name.get(feature.name)
        if encoder is None:
            yield feature
            return
        for name, column in zip(encoder.columns, encoder(feature).T, strict=True):
            yield pl.Series(f"{feature.name}: {name}", column)


NONE = Encoders()


def is_encoded(dtype: pl.DataType) -> bool:
    """Whether features of the type are encoded."""
    return dtype in (pl.String, LISTS)


def blocks(texts: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Neighbouring texts that are not too long together, and the place of the first."""
    start, size = 0, 0
    for place, text in enumerate(texts):
        size += min(len(text), LONGEST) + 2
        if size > BLOCK and place > start:
            yield start, texts[start:place]
            start, size = place, min(len(text), LONGEST) + 2
    yield start, texts[start:]


def grams(texts: list[str]) -> Grams:
    """Text, bucket and number of the n-grams in each text, ordered; they do not cross the blank between two words."""
    padded = [f" {' '.join(text[:LONGEST].lower().split())} " for text in texts]
    signs = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    keys = [_keys(signs.astype(np.uint64), signs == ord(" "), rows, size) for size in SIZES]
    distinct, counts = np.unique(np.concatenate(keys), return_counts=True)
    return distinct // WIDTH, distinct % WIDTH, counts.astype(np.float64)


def _keys(signs: NDArray[np.uint64], blank: NDArray[np.bool_], rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Row and bucket, in one number, of each n-gram of the size."""
    number = max(len(signs) - size + 1, 0)
    hashed, inside = np.zeros(number, np.uint64), rows[:number] == rows[size - 1 :]
    for place in range(size):
        hashed = hashed * MULTIPLY + signs[place : place + number]
        hashed = (hashed ^ (hashed >> np.uint64(30))) * MIX
        if 0 < place < size - 1:
            inside = inside & ~blank[place : place + number]
    buckets = ((hashed ^ (hashed >> np.uint64(31))) % np.uint64(WIDTH)).astype(np.int64)
    return np.asarray((rows[:number] * WIDTH + buckets)[inside])


def to_bytes(encoders: Encoders) -> bytes:
    """The file: the same for the same encoders."""
    arrays: dict[str, NDArray[Any]] = {"names": np.array([*encoders.by_name])}
    for place, encoder in enumerate(encoders.by_name.values()):
        if isinstance(encoder, Latent):
            arrays |= {f"{place}.idf": encoder.idf, f"{place}.components": encoder.components}
        elif isinstance(encoder, Members):
            arrays[f"{place}.known"] = np.array(encoder.known, str)
        else:
            arrays[f"{place}.graph"] = np.frombuffer(encoder.graph, np.uint8)
    target = BytesIO()
    np.savez(target, allow_pickle=False, **arrays)
    return target.getvalue()


def from_bytes(content: bytes) -> Encoders:
    """The encoders of a file, which holds numbers and texts alone. Raises ValueError."""
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        return Encoders({f"{name}": _encoder(arrays, place) for place, name in enumerate(arrays["names"])})


def _encoder(arrays: Mapping[str, NDArray[Any]], place: int) -> Encoder:
    if f"{place}.graph" in arrays:
        return Prebuilt(arrays[f"{place}.graph"].tobytes())
    if f"{place}.known" in arrays:
        return Members(arrays[f"{place}.known"].tolist())
    return Latent(arrays[f"{place}.idf"], arrays[f"{place}.components"])
