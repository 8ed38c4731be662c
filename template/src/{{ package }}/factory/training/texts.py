"""Fits the encoders of texts and lists to the rows to train on. They never see the target."""

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from scipy import sparse  # type: ignore[import-untyped]  # with scikit-learn
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits

from ..errors import FactoryError
from ..scoring import texts
from ..scoring.feature_table import features
from ..scoring.texts import Encoder, Encoders, Latent, Members, Prebuilt
from ..tables.chunks import Rows, collect, sample
from .shared_features import DVC_YAML

MAX_ROWS, MAX_CHARACTERS = 50_000, 20_000_000  # of the sample that a text's encoder is fitted to
PREBUILT = Path("data/texts")
"""Where a project keeps ONNX models of texts, each named by its feature."""
COLUMNS = 30  # of a text, as skrub's StringEncoder has
VALUES, RARE = 50, 0.01  # of lists the most frequent values, down to that share of the rows


def fitted(rows: Rows) -> Encoders:
    """Encoders of those features of the rows that are texts or lists of texts."""
    empty = features(collect(rows.head(0)))
    names = [name for name, dtype in empty.schema.items() if texts.is_encoded(dtype)]
    if not names:
        return texts.NONE
    table = features(sample(rows, MAX_ROWS))
    return Encoders({name: _prebuilt(name) or encoder(table[name]) for name in names})


def encoder(values: pl.Series) -> Encoder:
    """An encoder fitted to texts, or to lists of texts."""
    return _latent(values.drop_nulls()) if values.dtype == pl.String else _members(values.drop_nulls())


def _prebuilt(name: str) -> Prebuilt | None:
    """The model of the feature's texts that the project keeps, if it does. Raises FactoryError."""
    path = PREBUILT / f"{name}.onnx"
    if not path.exists():
        return None
    stages = yaml.safe_load(DVC_YAML.read_text(encoding="utf-8")).get("stages", {}) if DVC_YAML.exists() else {}
    if stages and f"{PREBUILT}" not in stages.get("train", {}).get("deps", []):
        raise FactoryError(
            f"{DVC_YAML}: a new {path} would not train again: add `- {PREBUILT}` to the deps of the stage train"
        )
    model = Prebuilt(path.read_bytes())
    try:
        numbers = model(pl.Series(name, ["", "a text", None], pl.String))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise FactoryError(
            f"{path}: not a model with one text as input and numbers as its first output: {reason}"
        ) from error
    if not numbers.shape[1] or not np.isfinite(numbers[:2]).all():
        raise FactoryError(f"{path}: gives no finite numbers for a text: take another model")
    return model


def _latent(values: pl.Series) -> Latent:
    """TF-IDF and a truncated SVD of the n-grams' counts."""
    lengths = values.str.len_chars().clip(upper_bound=texts.LONGEST)
    some = values.filter(lengths.cum_sum() <= max(MAX_CHARACTERS, lengths.first() or 0)).to_list()
    parts = [(start + each[0], *each[1:]) for start, block in texts.blocks(some) for each in [texts.grams(block)]]
    rows, buckets, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    if not len(rows):
        return Latent(np.ones(texts.WIDTH), np.zeros((texts.WIDTH, 1), np.float32))
    table = sparse.csr_matrix((counts, (rows, buckets)), (len(some), texts.WIDTH))
    weights = TfidfTransformer(sublinear_tf=True).fit(table)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():  # more threads would add up in another order
        warnings.simplefilter("ignore", RuntimeWarning)  # of texts that are all the same
        reduced = TruncatedSVD(COLUMNS, random_state=0).fit(weights.transform(table))
    return Latent(weights.idf_, np.ascontiguousarray(reduced.components_.T, np.float32))


def _members(values: pl.Series) -> Members:
    counts = values.list.unique().list.explode().drop_nulls().alias("value").value_counts()
    often = counts.filter(pl.col("count") >= max(RARE * len(values), 2)).sort(
        "count", "value", descending=[True, False]
    )
    return Members(often["value"].head(VALUES).to_list())
