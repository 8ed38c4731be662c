"""Entities whose rows a model recognises, told from ordinary categories."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from late_flights.factory.leakage import groups
from late_flights.factory.leakage.sample import Sample

PATIENTS, VISITS = 60, 5
RANDOM = np.random.default_rng(0)
PATIENT = np.repeat(np.arange(PATIENTS), VISITS)
AGE, HEIGHT = RANDOM.integers(20, 90, PATIENTS)[PATIENT], RANDOM.normal(170, 10, PATIENTS).round()[PATIENT]
DISPOSITION = RANDOM.normal(size=PATIENTS)[PATIENT]
NOISE = RANDOM.normal(size=(2, PATIENTS * VISITS))
LEVELS = RANDOM.normal(size=(2, PATIENTS))[:, PATIENT]
SHUFFLED = RANDOM.permutation(len(PATIENT))
NAMES = pl.Series([f"patient {number}" for number in PATIENT])


def sample(target, problem="regression", **columns):
    return Sample(problem, "pain", np.asarray(target, float), {"age": AGE, "height": HEIGHT, "noise": NOISE[1], **columns})


def search(sample, **entities):
    return list(groups.groups(sample, entities or {"patient": NAMES}))


REPEATED = DISPOSITION + 0.3 * NOISE[0]
TARGETS = {
    "regression": REPEATED,
    "classification": REPEATED > 0,
    "multiclass": np.digitize(REPEATED, [-0.5, 0.5]),
}


@pytest.mark.parametrize("problem", TARGETS)
def test_rows_of_one_patient_are_recognised(problem):
    [found] = search(sample(TARGETS[problem], problem))
    assert (found.kind, found.columns) == ("group", ("patient",))
    assert found.figure > found.limit


def test_the_order_of_the_rows_does_not_matter():
    shuffled = sample(REPEATED).take(SHUFFLED)
    assert search(shuffled, patient=NAMES.gather(SHUFFLED))


CLEAN = {
    "a target that does not depend on the patient": sample(NOISE[0] + NOISE[1]),
    "a target that the patient's age explains": sample(AGE / 10 + NOISE[0] / 5),
}


@pytest.mark.parametrize("clean", CLEAN.values(), ids=CLEAN)
def test_a_category_that_tells_nothing_new_is_none(clean):
    assert not search(clean)


NO_ENTITIES = {
    "nearly every row has its own value": [str(row // 2 if row < 100 else row) for row in range(len(PATIENT))],
    "a few values": [str(patient % 15) for patient in PATIENT],
}


@pytest.mark.parametrize("values", NO_ENTITIES.values(), ids=NO_ENTITIES)
def test_no_entity(values):
    assert not groups.may_be_entity(groups.encode(pl.Series(values)))


MONTHS, TOWN = AGE * 12, RANDOM.integers(0, 9, PATIENTS)[PATIENT]
DESCRIBED = {
    "a person": ("patient", PATIENT, {"age": AGE, "height": HEIGHT}, True),
    "a number in another unit": ("age", AGE, {"months": MONTHS}, False),
    "a number in classes": ("age", AGE, {"decade": AGE // 10}, False),
    "a smaller place, by the larger one": ("zip_code", PATIENT, {"town": TOWN}, False),
    "nobody": ("visit", SHUFFLED // VISITS, {"age": AGE, "height": HEIGHT}, False),
}


@pytest.mark.parametrize("name, values, columns, expected", DESCRIBED.values(), ids=DESCRIBED)
def test_what_is_described(name, values, columns, expected):
    codes = groups.encode(pl.Series(values))
    assert groups.describes(Sample("regression", "pain", NOISE[0], columns), codes, name) is expected


def test_texts_that_explain_most_columns_are_tried_though_none_is_constant():
    states = Sample("regression", "crime", REPEATED, {"income": LEVELS[0] + NOISE[0] / 9, "density": LEVELS[1] + NOISE[1] / 9})
    assert search(states, state=NAMES)
    assert not groups.explains(states.take(SHUFFLED), PATIENT)


def test_the_finest_entity_and_what_it_belongs_to():
    family, income = PATIENT // 2, RANDOM.normal(size=PATIENTS)[PATIENT // 2]
    [found] = search(sample(REPEATED, income=income), family=pl.Series(family), patient=NAMES)
    assert found.columns == ("patient",)
    assert "family" in found.evidence


def test_nothing_is_lost_where_the_split_keeps_the_rows_together():
    assert not search(replace(sample(REPEATED), together=PATIENT))


def test_entities_that_go_on_in_time_may_be_known_but_not_their_target():
    constant = replace(sample(np.sign(DISPOSITION)), by_time=True)
    [found] = groups.groups(constant, {"patient": NAMES}, refusals_only=True)
    assert found.refuses and "60 cases" in found.evidence


def test_entities_that_go_on_in_time_are_a_question():
    by_time = replace(sample(REPEATED), by_time=True)
    [question] = search(by_time)
    assert not question.refuses and question.columns == ("patient",)
    assert not list(groups.groups(by_time, {"patient": NAMES}, refusals_only=True))


VISITED = sample(REPEATED, age=LEVELS[0] + NOISE[0] / 9, height=LEVELS[1] + NOISE[1] / 9)
UNDESCRIBED = {
    "a number whose target recurs": ("serial", PATIENT * 7 % 61, VISITED, True),
    "an amount that the target goes with": ("amount", np.argsort(np.argsort(DISPOSITION[::VISITS]))[PATIENT], VISITED, False),
    "a feature by the name of an entity": ("patient_id", PATIENT, sample(REPEATED, patient_id=PATIENT), True),
    "a name that only sounds like one": ("humid", PATIENT, sample(REPEATED, age=NOISE[0], height=NOISE[1]), False),
    "a place": ("zip", PATIENT * 7 % 61, VISITED, False),
}


@pytest.mark.parametrize("name, values, rows, expected", UNDESCRIBED.values(), ids=UNDESCRIBED)
def test_an_entity_that_nothing_describes(name, values, rows, expected):
    assert bool(search(rows, **{name: pl.Series(name, values)})) is expected


def test_an_entity_of_which_some_rows_are_unknown_or_whole_numbers_with_a_fraction():
    some = pl.Series("patient", PATIENT).scatter(np.arange(5), None)
    [found] = search(sample(REPEATED), patient=some.cast(pl.Float64))
    assert found.remedy.endswith("First make it texts or whole numbers. First give each row without one a value of its own.")
    assert not search(sample(REPEATED), patient=some + 0.25)


def test_a_small_error_that_grows_much():
    assert groups.Drop(0.983, 0.975, standard_errors=4).is_real
    assert not groups.Drop(0.5, 0.492, standard_errors=4).is_real
    assert not groups.Drop(0.999, 0.996, standard_errors=9).is_real


def test_a_score_below_chance_counts_as_chance():
    assert not groups.Drop(0.51, 0.2, standard_errors=9, chance=0.5).is_real
    assert groups.Drop(0.6, 0.2, standard_errors=9, chance=0.5).size == pytest.approx(0.1)


def test_folds_keep_groups_together_and_have_the_same_mean_of_the_target():
    target = np.sort(DISPOSITION)
    folds = groups.folds(target, PATIENT, seed=0)
    means = [target[folds == fold].mean() for fold in range(groups.FOLDS)]
    assert all(len(set(folds[patient == PATIENT])) == 1 for patient in range(PATIENTS))
    assert np.ptp(means) < 0.2


def test_groups_of_one_row_each_have_no_constant_column():
    assert groups.constant_share(np.arange(3.0), np.arange(3)) == 0
