"""`docs/metrics.md`: every metric, for whoever writes a board, an alert or a query.

python -m schemas.metric_docs
"""

from pathlib import Path

from schemas.metrics import METRICS, OTHER, Label, Metric

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"

INTRODUCTION = f"""# Metrics

Made by `python -m schemas.metric_docs` from `schemas/metrics.py`; a test holds both together.

Each flow serves its own on its port (`BYTEWAX_DATAFLOW_API_PORT`), beside Bytewax's (`bytewax_…`, by step)
and the process's (`process_…`, `python_…`). A port that is taken ends the process with an error. The
retention job serves its own with `platestream retention run --every 15 --metrics-port 3031`.

No label holds a plate, a person or free text. Where the values are known ahead, others are counted as
`{OTHER}`; where they are not, the first so many are shown and all further ones are `{OTHER}`. Counters count
work, so a replay after a crash counts again; what is stored is counted by the boards' SQL. A moment is in
seconds since 1970: `time() - metric` is its age.

| metric | type | labels | meaning | shown by |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(map(_row, METRICS))


def _row(metric: Metric) -> str:
    meaning = metric.meaning + (" For finding faults; on no board." if metric.debugging else "")
    labels = "; ".join(map(_label, metric.labels)) or "-"
    return f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} | {', '.join(metric.shown_by)} |\n"


def _label(label: Label) -> str:
    if label.told:
        return f"`{label.name}`: {label.told}"
    if label.values:
        return f"`{label.name}`: {', '.join(label.values)}"
    return f"`{label.name}`: at most {label.most}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
