# A first look at the data, yours to change: uv run --group notebook marimo edit notebooks/explore.py
import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Explore")

with app.setup:
    from importlib import import_module
    from importlib.metadata import entry_points
    from pathlib import Path

    import altair as alt
    import marimo as mo
    import polars as pl

    ROOT = Path(__file__).resolve().parents[1]
    PACKAGE = entry_points(group="console_scripts")["factory"].module.partition(".")[0]
    features = import_module(f"{PACKAGE}.features").features
    config, observations, prepare, scoring, split, tables = (
        import_module(f"{PACKAGE}.factory.{name}")
        for name in ("config", "data.observations", "data.prepare", "scoring", "data.split", "tables")
    )


@app.cell
def _():
    params = config.load(ROOT / "params.yaml")
    target = params.data.target
    files = sorted(path for path in (ROOT / "data/raw").iterdir() if path.suffix in tables.SUFFIXES)
    mo.stop(not files, mo.md("No deliveries yet: `uv run factory ingest FILE`"))
    deliveries = {path.stem: prepare.check(path, params) for path in files}
    rows = pl.concat(deliveries.values())
    if params.problem == "multiclass":
        most = rows[target].mode().sort()[0]
        label, number = f"share of {most}", (rows[target] == most).cast(float)
    else:
        label, number = f"mean of {target}", rows[target].cast(float)
    mo.md(f"# {rows.height:,} rows in {len(files)} deliveries\n\n{label.capitalize()}: {number.mean():.4g}")
    return deliveries, label, number, params, rows, target


@app.cell
def _(deliveries):
    shares = [frame.select(pl.all().is_null().mean()).unpivot() for frame in deliveries.values()]
    gaps = pl.concat(share.with_columns(delivery=pl.lit(name)) for name, share in zip(deliveries, shares, strict=True))
    cells = alt.Chart(gaps.filter(pl.col("value").max().over("variable") > 0), title="Missing values").mark_rect()
    colour = alt.Color("value:Q", title=None, legend=alt.Legend(format="%")).scale(scheme="blues", domainMin=0)
    cells.encode(x=alt.X("delivery:N", title=None), y=alt.Y("variable:N", title=None), color=colour)


@app.cell
def _(params, rows):
    choices = [name for name in rows.columns if name not in (params.data.target, params.data.id)]
    column = mo.ui.dropdown(choices, value=choices[0], label="Distribution and target by")
    mo.hstack([column], justify="start")
    return (column,)


@app.cell
def _(column, label, number, rows):
    values = rows[column.value]
    if values.dtype.is_temporal():
        values = values.dt.hour() if values.dtype == pl.Datetime else values.dt.month()
    elif values.dtype.is_numeric():
        values = values.qcut(12, allow_duplicates=True)
    groups = pl.DataFrame({"value": values, "number": number}).group_by("value")
    largest = (
        groups.agg(pl.len().alias("rows"), pl.col("number").mean().alias("mean")).top_k(30, by="rows").sort("value")
    )
    bars = alt.Chart(largest.with_columns(pl.col("value").cast(pl.String).fill_null("missing")), width=260).mark_bar()
    bars = bars.encode(y=alt.Y("value:N", sort=None, title=column.value), tooltip=largest.columns)
    alt.hconcat(bars.encode(x="rows:Q"), bars.encode(x=alt.X("mean:Q", title=label)))


@app.cell
def _(params, rows, target):
    mo.stop(params.forecast is None)
    time = params.forecast.time
    names = pl.concat_str(params.forecast.groups or pl.lit("all"), separator=" ").alias("series")
    newest = rows.with_columns(names).filter(pl.col(time).rank("dense", descending=True) <= 3 * params.forecast.season)
    few = newest.filter(pl.col("series").rank("dense") <= 5).select("series", time, target)
    lines = alt.Chart(few, width=700, title="The newest three seasons").mark_line(strokeWidth=1)
    lines.encode(x=f"{time}:T", y=f"{target}:Q", color="series:N")


@app.cell
def _(params, rows, target):
    train, test = (observations if params.forecast else split).split(rows, params)
    described = mo.vstack([mo.md("## Features"), features(train.vstack(test)).describe()])
    mo.stop(not (ROOT / "model").exists(), mo.vstack([described, mo.md("No model yet: `uv run dvc repro`")]))
    scores = scoring.Scorer.load(ROOT / "model").score(test)
    classes = params.problem == "multiclass"
    observed = scores["decision"] == test[target].cast(str) if classes else test[target]
    scores = scores.with_columns(observed.cast(float).alias("target"))
    tenth = pl.col("score").rank("ordinal") * 10 // (test.height + 1)
    tenths = scores.group_by(tenth=tenth).agg(pl.col("score", "target").mean())
    chart = alt.Chart(tenths, title="Test rows by score decile").mark_line(point=True).encode(x="score:Q", y="target:Q")
    mo.vstack([described, chart])


if __name__ == "__main__":
    app.run()
