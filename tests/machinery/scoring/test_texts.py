"""Encoders of texts and lists: the n-grams and numbers of scikit-learn, each row by itself, from a file that holds data alone."""

from collections import Counter
from io import BytesIO

import numpy as np
import polars as pl
import pytest
from late_flights.factory.scoring import texts
from late_flights.factory.training.texts import encoder
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from machinery.scoring.embedding import counts_of

WORDS = [
    "engine",
    "stopped",
    "on",
    "take",
    "off",
    "no",
    "damage",
    "a",
    "Vogelschlag",
    "двигатель",
    "エンジン停止",
    "naïve",
    "3.5",
    "😀",
]
ODD = ["", "   ", "a", "É", "line\nbreak\ttab", "zero\u200bwidth", "İstanbul", "日本語 の テキスト", "x" * 50]


def some(count: int = 300) -> list[str]:
    random = np.random.default_rng(0)
    return [*ODD, *(" ".join(random.choice(WORDS, random.integers(1, 12))) for _ in range(count))]


def encoded(values: list[str | None], fitted: texts.Encoder) -> texts.Matrix:
    return fitted(pl.Series("note", values, pl.String))


@pytest.fixture(scope="module")
def latent() -> texts.Encoder:
    return encoder(pl.Series("note", some()))


@pytest.mark.parametrize("text", some(20))
def test_ngrams_are_those_of_scikit_learn(text):
    analyzer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 4)).build_analyzer()
    expected = Counter(analyzer(" ".join(text.lower().split())) if text.split() else [])
    _, _, counts = texts.grams([text])
    assert counts.sum() == expected.total()
    assert len(counts) >= 0.98 * len(expected)  # the rest share a bucket


def test_numbers_are_those_of_scikit_learn(latent):
    rows, buckets, counts = texts.grams(some())
    table = sparse.csr_matrix((counts, (rows, buckets)), (len(some()), texts.WIDTH))
    with threadpool_limits(1, user_api="blas"):  # texts that are unlike all others have equal singular values
        pipeline = make_pipeline(TfidfTransformer(sublinear_tf=True), TruncatedSVD(30, random_state=0)).fit(table)
    np.testing.assert_allclose(encoded([*some()], latent), pipeline.transform(table), atol=1e-5)


def test_a_text_alone_has_the_same_numbers_to_the_bit(latent, monkeypatch):
    together = encoded([*some(), None], latent)
    monkeypatch.setattr(texts, "BLOCK", 40)
    assert np.array_equal(encoded([*some(), None], latent), together, equal_nan=True)
    alone = np.vstack([encoded([text], latent) for text in [*some(), None]])
    assert np.array_equal(alone, together, equal_nan=True)


def test_unknown_empty_and_strange_texts(latent):
    null, empty, blank, foreign = encoded([None, "", " \n ", "ญี่ปุ่น"], latent)
    assert np.isnan(null).all() and not empty.any() and not blank.any() and np.isfinite(foreign).all()


def test_what_lies_beyond_the_longest_text_is_not_read(latent):
    long = "engine stopped " * 700_000  # 10 MB
    assert np.array_equal(encoded([long], latent), encoded([long[: texts.LONGEST]], latent))


def test_texts_that_are_all_empty_or_equal():
    for values in ([""] * 9, ["same"] * 9, ["one"]):
        assert np.isfinite(encoded([*values], encoder(pl.Series("note", values)))).all()


def test_members_of_lists():
    lists = pl.Series("tags", [["a", "b"], ["b"], [], None, ["b", "b", "rare", "other"]] * 4, pl.List(pl.String))
    fitted = encoder(lists.head(5))
    assert fitted.columns == ["b", "others"]
    expected = [[1, 1], [1, 0], [0, 0], [np.nan, np.nan], [1, 2]]
    np.testing.assert_array_equal(fitted(lists.head(5)), expected)
    assert fitted(lists.head(0)).shape == (0, 2)


def test_prebuilt_model_gives_its_numbers_of_each_text():
    fitted = texts.Prebuilt(counts_of(["engine", "gate"]))
    assert fitted.columns == ["1", "2"]
    np.testing.assert_array_equal(
        encoded(["engine stopped", "", None, "gate to gate"], fitted), [[1, 0], [0, 0], [np.nan, np.nan], [0, 2]]
    )
    assert fitted(pl.Series("note", [], pl.String)).shape == (0, 2)


def test_file_gives_the_same_encoders_and_bytes(latent):
    both = texts.Encoders({"note: Ü/\\": latent, "tags": texts.Members(["ä", "b"]), "none": texts.Members([])})
    both = texts.Encoders({**both.by_name, "mail": texts.Prebuilt(counts_of(["engine"]))})
    content = texts.to_bytes(both)
    read = texts.from_bytes(content)
    assert texts.to_bytes(read) == content and [*read.by_name] == [*both.by_name]
    table = pl.DataFrame({"note: Ü/\\": some(), "n": 1.5})
    assert read(table).equals(both(table)) and read(table).width == 31
    assert read.owners(["n", "tags", "x"]).tolist() == [0, 1, 1, 1, 2]


def test_file_that_would_run_code_is_refused():
    target = BytesIO()
    np.savez(target, names=np.array([print], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        texts.from_bytes(target.getvalue())


def test_a_model_without_texts_sees_its_features_unchanged():
    table = pl.DataFrame({"n": [1.0]})
    assert texts.NONE(table) is table and texts.NONE.owners(["a", "b"]).tolist() == [0, 1]
