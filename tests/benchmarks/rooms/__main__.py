"""Compare thermostats: `python -m tests.benchmarks.rooms --help`."""

import argparse
import math
import multiprocessing
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

from .case import THERMOSTATS, Case
from .cases import SETS
from .trial import DAYS, SCORED_FROM, Score
from .weather import HOURS

HEADINGS = (
    *("RMSE, K", "within ±0.3 K, %", "K·h/day below", "windows shut", "K·h/day above"),
    *("warm in time, %", "kWh/day", "starts/day", "preempted/day", "CPU ms/step"),
    *("windows found, %", "false alarms/day"),
)
DIGITS = (2, 1, 2, 2, 2, 1, 2, 1, 1, 2, 0, 2)
POSSIBLE_DAYS = range(SCORED_FROM + 1, HOURS // 24)

type Scores = dict[tuple[str, str], Score]


def main() -> None:
    """Run the trials, write a table and a plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", nargs="+", choices=[*SETS], default=[*SETS])
    parser.add_argument("--thermostats", nargs="+", choices=[*THERMOSTATS], default=[*THERMOSTATS])
    parser.add_argument("--days", type=int, choices=POSSIBLE_DAYS, metavar="DAYS", default=DAYS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [
        (case, name)
        for group in options.rooms
        for case in SETS[group]
        for name in options.thermostats
    ]
    scores: Scores = {}
    # EnergyPlus keeps state of its own: a fresh process for every trial.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, context, max_tasks_per_child=1) as pool:
        futures = [(case, name, pool.submit(case.run, name, options.days)) for case, name in jobs]
        for case, name, future in futures:
            scores[case.name, name] = future.result()
            say(row(f"{case.name} · {name}", scores[case.name, name]))
    text = table(options.rooms, options.thermostats, scores)
    (options.out / "table.md").write_text(text)
    say(text)
    plot(scores, options.thermostats, options.out / "rooms.png")


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def row(label: str, score: Score) -> str:
    """Return one line of a Markdown table."""
    values = [getattr(score, field.name) for field in fields(Score)]
    cells = (
        "-" if math.isnan(value) else f"{value:.{digits}f}"
        for value, digits in zip(values, DIGITS, strict=True)
    )
    return f"| {label} | {' | '.join(cells)} |"


def table(groups: Iterable[str], names: Iterable[str], scores: Scores) -> str:
    """Return the means of every group and thermostat, then every room, in Markdown."""
    names = list(names)
    lines = [f"| | {' | '.join(HEADINGS)} |", "|---" * (len(HEADINGS) + 1) + "|"]
    for group in groups:
        cases: list[Case] = SETS[group]
        for name in names:
            found = [scores[case.name, name] for case in cases]
            lines.append(
                row(f"mean of {len(cases)} {group} · {name}", middle(found, statistics.fmean))
            )
    lines += [row(f"{room} · {name}", score) for (room, name), score in scores.items()]
    return "\n".join(lines) + "\n"


def middle(scores: Sequence[Score], of: Callable[[Iterable[float]], float]) -> Score:
    """Return the mean or the median of every column, of the rooms that have a value in it."""
    columns = {
        field.name: [
            value for score in scores if not math.isnan(value := getattr(score, field.name))
        ]
        for field in fields(Score)
    }
    return Score(**{name: of(values) if values else math.nan for name, values in columns.items()})


def plot(scores: Scores, names: Iterable[str], path: Path) -> None:
    """Draw time in band against job starts, a dot for every room in which jobs are counted."""
    scores = {of: score for of, score in scores.items() if not math.isnan(score.starts)}
    if not scores:
        return
    # Imported here: only this plot needs it.
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name in names:
        found = [score for (_, thermostat), score in scores.items() if thermostat == name]
        axes.scatter([s.starts for s in found], [s.in_band for s in found], label=name, alpha=0.8)
    axes.set(xscale="log", xlabel="job starts a day", ylabel="comfort time within ±0.3 K, %")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
