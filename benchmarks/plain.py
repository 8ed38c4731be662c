"""Run in an adopted project: how its model compares with scikit-learn's own defaults on the same rows, as JSON."""

import json
import sys

import numpy as np
import polars as pl
from adopted import contract, features
from adopted.factory import config
from adopted.factory.data import prepare
from adopted.factory.metrics import bootstrap, definitions
from adopted.factory.scoring import artifact, scorer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor


def main() -> None:
    params, ours = config.load(), artifact.load()
    train, test = prepare.read("train"), prepare.read("test")
    table = features.features(train)
    kind = HistGradientBoostingRegressor if params.problem == "regression" else HistGradientBoostingClassifier
    categorical = [i for i, dtype in enumerate(table.dtypes) if dtype == pl.Enum]
    plain = kind(categorical_features=categorical, random_state=0)
    plain.fit(scorer.matrix(table), definitions.target_of(train, params))
    target, seen = definitions.target_of(test, params), scorer.matrix(features.features(test))
    scores = {"plain": artifact.predictor(plain, len(ours.manifest["classes"] or []))(seen), "ours": ours.predict(seen)}
    scores["baseline"] = np.full_like(scores["ours"], ours.manifest["baseline"])
    metric = definitions.main_metric(params)

    def clear(who: str) -> bool:
        return bootstrap.improvement(metric, target, scores[who], scores["baseline"]).low > 0

    facts = {who: float(metric(target, score)) for who, score in scores.items()}
    facts |= {"metric": metric.name, "problem": params.problem, "sign": metric.direction}
    facts |= {"better": {who: clear(who) for who in ("plain", "ours")}, "out": list(getattr(contract, "IGNORED", {}))}
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
