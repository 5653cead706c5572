"""What was found, on one screen of a terminal."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from data_prep.inspection.findings import FileFindings, Findings

_WIDTH = 110
_HEAD = ("", "rows", "classes", "pictures a class", "width", "height", "kB", "stored as")


def screen(findings: Findings) -> Iterator[str]:
    """The report, line by line, whatever the number of classes."""
    sources = Counter[str]()
    for file in findings.files.values():
        sources.update(file.sources)
    held = ", ".join(f"{name} ({count:,})" for name, count in sources.most_common())
    yield _cut(f"{findings.path}: {held}; record contract {findings.contract}")
    yield "(smallest - median - largest)"
    yield from _table([_HEAD, *(_row(name, file) for name, file in findings.files.items())])
    classes = Counter[str]()
    for file in findings.files.values():
        classes.update(file.classes)
    ranked = sorted(classes.items(), key=lambda item: (item[1], item[0]))
    for title, part in (("fewest", ranked[:4]), ("most", ranked[:-5:-1])):
        yield _cut(f"{title}: " + ", ".join(f"{label} ({count:,})" for label, count in part))
    yield ""
    yield "to look at before a training"
    yield from _table(_odd(findings))


def _row(name: str, file: FileFindings) -> tuple[str, ...]:
    widths, heights = ([shape[axis] for shape in file.shapes.elements()] for axis in (0, 1))
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in file.formats.most_common(3))
    return (
        name,
        f"{file.rows:,}",
        f"{len(file.classes):,}",
        _range(list(file.classes.values())),
        _range(widths),
        _range(heights),
        _range([size / 1000 for size in file.file_bytes]),
        kinds,
    )


def _odd(findings: Findings) -> list[tuple[str, ...]]:
    labels, twice = findings.labels, findings.duplicates
    table = [("  labels like ids, folders or files", *_some(labels.ids))]
    if labels.alone:
        table += [(f"  labels in {split} only", *_some(only)) for split, only in labels.alone.items()]
    else:
        table.append(("  labels in one split only", *_some(())))
    table.append(("  labels that are nearly the same", *_some("/".join(map(repr, group)) for group in labels.near)))
    table.append(("  labels within others", *_some(f"{part!r} in {whole!r}" for part, whole in labels.within)))
    table.append(("  labels that read as a refusal", *_some(labels.refusals)))
    table.append(("  labels that read as several options", *_some(labels.several)))
    pairs = [_pair(pair) for pair in twice.pairs]
    across = [text for pair, text in zip(twice.pairs, pairs, strict=True) if _splits(pair) > 1]
    within = [text for pair, text in zip(twice.pairs, pairs, strict=True) if _splits(pair) == 1]
    table.append(("  pictures in two splits", f"{twice.across_splits:,}", ", ".join(across[:1])))
    table.append(("  pictures twice in a split", f"{twice.within_split:,}", ", ".join(within[:1])))
    table.append(("  ... of them with two labels", f"{twice.conflicting:,}", ""))
    return [tuple(row) for row in table]


def _splits(pair: dict[str, dict[str, str]]) -> int:
    return len({pair["first"]["split"], pair["again"]["split"]})


def _pair(pair: dict[str, dict[str, str]]) -> str:
    return " = ".join(f"{pair[which]['split']}: {pair[which]['file_name']}" for which in ("first", "again"))


def _some(texts: Iterable[str]) -> tuple[str, str]:
    held = list(texts)
    return f"{len(held):,}", ", ".join(held[:5]) + (", ..." if len(held) > 5 else "")


def _range(values: Sequence[float]) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    if low == high:
        return f"{low:,.0f}"
    return f"{low:,.0f} - {middle:,.0f} - {high:,.0f}"


def _table(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        # Names to the left, numbers to the right, what comes last as it is.
        numbers = (cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True))
        yield _cut("  ".join([row[0].ljust(widths[0]), *numbers, row[-1]]))


def _cut(line: str) -> str:
    return line.rstrip() if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."
