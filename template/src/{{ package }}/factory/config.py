"""params.yaml, the project's configuration: read once and checked key by key.

The text below each key is its reference: from it and the types come `params.schema.json`, for editors, and docs/params.md.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from .decision import Decision, Positive, Value
from .errors import FactoryError
from .frequency import PATTERN, checked
from .sections import Section, read

Share = Annotated[float, Field(gt=0, lt=1)]
NUMBERS = "regression", "forecasting"
"""The problems that predict a number, rather than a class."""
ACCEPTABLE = "LEAKAGE", "SMALL_TEST", "DUPLICATES", "TRAIN_TEST_GAP", "FAIRNESS_SELECTION", "FAIRNESS_ERROR"
"""The gate's codes that a person can accept: of doubts, which only those can settle who know what the data means."""
MIN_REASON = 10  # characters: no word alone says why
ACCEPTABLE_KEY = rf"^({'|'.join(ACCEPTABLE)})( |$)"


class Data(Section):
    """The columns of contract.py that play a special role."""

    target: str
    """The column to predict."""
    id: str | None = None
    """The column that identifies a row. Its hash decides on which side of the split a row is, so that the row stays there
    as data grows; without it, a hash of the whole row does."""
    repeats: bool = False
    """Whether an id may have several rows, such as the orders of one customer. All of them are then on one side of the
    split, also with a time, so that the model is tested on ids that it has not seen."""
    time: str | Annotated[list[str], Field(min_length=2, max_length=6)] | None = None
    """The column with the time of a row, or a list of those with its year, month, day, hour, minute and second, as far as
    there are any. The newest rows become the test set, as the model will meet newer rows than it was trained on; without
    it, or with `repeats`, a hash decides."""
    sensitive: list[str] = []
    """Columns, such as sex or age group, whose groups the gate compares: how often each is selected, and how often the
    model is wrong about it."""

    @property
    def times(self) -> list[str]:
        """The columns with the time, or its parts."""
        return [self.time] if isinstance(self.time, str) else self.time or []

    @model_validator(mode="after")
    def check_repeats(self) -> Self:
        """Refuse repeats of nothing."""
        if self.repeats and self.id is None:
            raise ValueError("repeats says that an id may have several rows: name its column in data.id")
        return self


class Split(Section):
    """How the rows are divided into training and test rows."""

    test: Share = 0.2
    """Share of the rows held back for the test, which belongs to the gate: nothing is ever chosen by it."""


class Forecast(Section):
    """What is forecast of series: for the problem `forecasting` only, which needs it."""

    group: str | Annotated[list[str], Field(min_length=1)] | None = None
    """The column that names a series, or several that do together; without it, there is one series."""
    time: str
    """The column with the time of an observation. `data.time` is the same."""
    every: Annotated[str, BeforeValidator(checked), Field(json_schema_extra={"pattern": PATTERN})]
    """The time from one observation of a series to the next: `15m`, `1h`, `1d`, `1w`, `1mo`, `1q` or `1y`. Times that are
    missing are filled in as unknown."""
    horizon: Annotated[int, Field(ge=1, le=1000)]
    """How many steps ahead are forecast."""
    season: Annotated[int, Field(ge=1, le=20_000)] = 1
    """After how many steps the pattern repeats, such as 168 hours of a week. The value one season earlier is what a
    model has to beat. With 1 there are no seasons."""
    gap: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many steps lie between the last known observation and the first that is forecast, where data arrive late."""
    window: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """How many of the last observations of a series are looked at, whatever more is known, so that training, service and batch
    agree. Without it three times the season, or three times gap and horizon if that is longer, and at least 24."""

    @property
    def groups(self) -> list[str]:
        """The columns that together name a series."""
        return [self.group] if isinstance(self.group, str) else self.group or []

    @property
    def keys(self) -> list[str]:
        """The columns that name an observation: series and time."""
        return [*self.groups, self.time]


class Evaluation(Section):
    """What the report and the gate measure."""

    metric: str
    """The main metric: the one that the gate judges by. For classification `average_precision`, `roc_auc`, `log_loss` or
    `brier`; for multiclass `log_loss`, `accuracy`, `balanced_accuracy`, `macro_f1` or `roc_auc`; for regression `mae`,
    `rmse`, `r2`, or a quantile of the errors: `error_q05`, `error_q25`, `error_q50`, `error_q75` or `error_q95`; for
    forecasting `mase` or `rmsse`, which count errors in units of how much the series changes from season to season, `mae` or
    `rmse`; `bias` is reported only. With the section `decision` also `precision_at_k` or `lift_at_k`, and with `value` too `value_at_k`."""
    slices: list[str] = []
    """Columns whose groups are measured one by one, beside the sensitive ones; no group may lose more than
    `gate.slice_margin`."""
    worst_rows: Annotated[int, Field(ge=0)] = 10
    """How many of the worst predictions the report lists, with their features. They are rows of the test data, and the
    report is in Git: set it to 0 where nobody may see them there."""


class Gate(Section):
    """The limits that a model has to meet before it is promoted."""

    floor: float | None = None
    """The least that the main metric may be, or the most if it is an error, in the metric's own unit. The gate refuses
    every model until it is set, since only the project knows how good is good enough."""
    margin: Share = 0.01
    """By which share of the champion's main metric the new model may be worse, the whole 95% interval counted. The default
    lets a model pass that is as good as the champion, as far as the test rows can show."""
    value_margin: Share = 0.05
    """The same for what a decision is worth. Wider, as values vary more from row to row than metrics do."""
    slice_margin: Share = 0.1
    """By which share of its metric a group may be worse than with the champion, or before there is one than with the
    baseline. Wide, as groups have few rows; it counts without an interval."""
    calibration: Positive = 0.1
    """The most that the calibration error may be: the mean difference between predicted probabilities and actual rates.
    For regression, the mean error as a share of the target's standard deviation. 0.1 is a tenth of either."""
    coverage_gap: Share = 0.1
    """By how much the share of the test rows whose target is in its interval may be below what the interval promises, 90%; a
    gap that may be chance, at 95%, is not refused. For regression. 0.1 is what is outside anyway:
    newer rows often differ from those that the intervals were made on."""
    forecast_coverage_gap: Share = 0.05
    """By how much the share of the test rows of a forecast whose target is in its interval may differ from what the interval
    promises, 90%, in both directions: who stocks for an interval that is too wide pays for it. A gap that may be chance, at
    95%, is not refused."""
    selection_gap: Share = 0.5
    """The most by which the selection rates of two groups of a sensitive column may differ (demographic parity
    difference). 0.5 stops only gross differences: what is fair, the project has to decide."""
    selection_ratio: Share | None = None
    """The least that the selection rate of a group of a sensitive column may be, divided by that of any other group: 0.8
    is the four-fifths rule. A lower ratio that may be chance, at 95%, is not refused, and so groups from 30 rows on are
    judged. Without it, the ratio is shown and not judged."""
    error_gap: Positive = 0.5
    """The most by which the error rates of two groups of a sensitive column may differ: true and false positive rates
    (equalized odds difference); for multiclass the share of wrong decisions; for regression the mean absolute error, as a
    share of the overall one. A gap between rates that may be chance, at 95%, is not refused."""
    group_rows: Annotated[int, Field(ge=2)] = 100
    """Number of rows from which on a group is judged. The rate of a smaller one is uncertain by ten percentage points and
    more; it is reported only."""
    latency_ms: Positive = 50
    """The most milliseconds that the model may take for one row, the median of 200 calls; reading the request and computing
    the features come on top. An answer feels immediate within 100 ms: half is left for them and the network. Raise it
    where nobody waits."""
    size_mb: Positive = 100
    """The most megabytes that the folder model/ may hold. Every process that serves loads all of it, and every image holds
    it: a larger one is slow to pull and to start. It is also GitHub's limit for a file, for those who keep models in Git."""
    accepted: Annotated[dict[str, str], Field(json_schema_extra={"propertyNames": {"pattern": ACCEPTABLE_KEY}})] = {}
    """Refusals that a person has looked into, each with the reason why the model may pass nevertheless:
    `LEAKAGE casual, registered: known the evening before`. The key is the code and what it is about, as the refusal states
    it; the codes are `LEAKAGE`, `SMALL_TEST`, `DUPLICATES`, `TRAIN_TEST_GAP`, `FAIRNESS_SELECTION` and `FAIRNESS_ERROR`. A
    new one counts as a weaker limit."""

    @field_validator("accepted")
    @classmethod
    def check_accepted(cls, accepted: dict[str, str]) -> dict[str, str]:
        """Refuse codes that nobody can accept, and what is accepted without a reason."""
        for key, reason in accepted.items():
            if key.partition(" ")[0] not in ACCEPTABLE:
                raise ValueError(f"{key}: cannot be accepted, only {', '.join(ACCEPTABLE)} can")
            if len(reason.strip()) < MIN_REASON:
                raise ValueError(f"{key}: write the reason why it is accepted, in a few words")
        return accepted


class Monitor(Section):
    """How the model in production is watched: `factory monitor` and its page."""

    captures: str | list[str] = "captures"
    """Where the services' captured requests are: a folder or a URL of an object storage such as `s3://bucket/captures`, or a
    list of them. FACTORY_CAPTURE and the command's own arguments win."""
    outcomes: str = "outcomes"
    """The folder in which `factory outcomes` keeps what became of scored rows."""
    label_days: Annotated[int, Field(gt=0)] = 28
    """After how many days a window of scored rows is judged by the outcomes that are known by then; earlier if 80% are. Its
    captures have to be there still: keep it two days below FACTORY_CAPTURE_DAYS."""
    currency: str = ""
    """What the prices are in, as the page writes it behind an amount: `EUR`."""
    price_per_hour: Annotated[float, Field(ge=0)] | None = None
    """What an hour of the machine that trains costs. With it, the page shows what each run has cost."""
    price_per_service_hour: Annotated[float, Field(ge=0)] | None = None
    """What an hour of one running service costs. With it, `factory status` shows what the month's serving cost."""
    price_per_kwh: Annotated[float, Field(ge=0)] | None = None
    """What a kilowatt-hour costs; it counts with `watts`, where power is paid beside the machine."""
    watts: Positive | None = None
    """The power in watts that one busy processor core draws: about 10 on a server. With it, the page shows energy, where the
    machine has no meter."""
    price_per_value: Positive | None = None
    """What one unit of `value` is worth in the currency: 1 if both are euros. With it, `factory cost` compares them."""

    @property
    def places(self) -> list[str]:
        """The folders and URLs of captures."""
        return [self.captures] if isinstance(self.captures, str) else self.captures


class Params(Section):
    """All of params.yaml."""

    problem: Literal["classification", "multiclass", "regression", "forecasting"]
    """What is predicted: `classification` is whether something happens, `multiclass` which of several classes it is,
    `regression` a number, `forecasting` the next numbers of series over time."""
    data: Data
    forecast: Forecast | None = None
    split: Split = Split()
    model: dict[str, Any] = {}
    """The arguments of `model()` in model.py, by name: its estimator's parameters. Any keys that it takes; `factory tune`
    searches for better ones."""
    evaluation: Evaluation
    value: Value | None = None
    decision: Decision | None = None
    gate: Gate = Gate()
    monitor: Monitor = Monitor()

    @property
    def is_number(self) -> bool:
        """Whether a number is predicted, rather than a class."""
        return self.problem in NUMBERS

    @property
    def columns(self) -> list[str]:
        """The columns that params.yaml names."""
        data = self.data
        by = self.decision.by if self.decision else None
        groups = self.forecast.groups if self.forecast else []
        named = (data.target, data.id, *data.times, *groups, *data.sensitive, *self.evaluation.slices, by)
        return [column for column in named if column is not None]

    @property
    def group_columns(self) -> list[str]:
        """The columns whose groups are measured one by one, sensitive ones first."""
        return list(dict.fromkeys([*self.data.sensitive, *self.evaluation.slices]))

    @model_validator(mode="before")
    @classmethod
    def take_over_time(cls, content: Any) -> Any:
        """The time of a forecast is that of its rows."""
        forecast, data = (content.get(name) if isinstance(content, dict) else None for name in ("forecast", "data"))
        if isinstance(forecast, dict) and isinstance(data, dict) and "time" in forecast:
            return content | {"data": {"time": forecast["time"]} | data}
        return content

    @model_validator(mode="after")
    def check_forecast(self) -> Self:
        """Refuse a forecast without its section, and the section without a forecast."""
        if (self.problem == "forecasting") != (self.forecast is not None):
            raise ValueError(
                "the problem forecasting needs the section forecast"
                if self.forecast is None
                else "the section forecast is for the problem forecasting only: remove it"
            )
        if self.forecast:
            names = [*self.forecast.keys, self.data.target]
            if len(names) > len(set(names)):
                raise ValueError("group, time and target of a forecast are columns of their own: name each once")
            if self.forecast.window and self.forecast.window <= self.forecast.season:
                raise ValueError(
                    "forecast.window has to be longer than forecast.season, or the season before is unknown"
                )
        if self.forecast and (self.data.id or self.data.repeats or self.data.time != self.forecast.time):
            raise ValueError(
                "a row of a forecast is named by its series and time: remove id, time and repeats from data"
            )
        return self

    @model_validator(mode="after")
    def check_value(self) -> Self:
        """Refuse values of outcomes, and numbers of rows, where nothing is decided."""
        for name in ("value", "decision"):
            if getattr(self, name) and self.problem != "classification":
                raise ValueError(f"the section {name} is for classification only: remove it")
        return self


def load(path: Path = Path("params.yaml")) -> Params:
    """The parameters. Raises FactoryError naming each key that is unknown, missing or ill-typed."""
    try:
        return read(path, Params.model_validate)
    except FileNotFoundError as error:
        above = next(
            (f"{folder}" for folder in Path.cwd().parents if (folder / path).is_file()), "the project's own folder"
        )
        raise FactoryError(f"{path} is not here: run factory in {above}") from error
