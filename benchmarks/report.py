"""How the benchmarks print."""


def report(what: str, figure: str, limit: str = "") -> None:
    """One line of the result."""
    print(f"{what:<58} {figure:>18}   {limit}", flush=True)
