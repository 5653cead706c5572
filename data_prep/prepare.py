"""One run of data_prep: read the source, draw the splits, write and publish the parquet files and their manifest."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import PIL
import pyarrow as pa

from data_prep.duplicates import Duplicates
from data_prep.left_out import LeftOut
from data_prep.listing import Example, Listing
from data_prep.options import Request
from data_prep.output import MANIFEST, open_output
from data_prep.pictures.writer import write_manifest, write_splits
from data_prep.report import SplitReport
from data_prep.sampling import select
from data_prep.split_file import apply_split_file
from speciarl_verl import __version__
from speciarl_verl.data_contract import CONTRACT_VERSION, SPLITS

logger = logging.getLogger(__name__)

ReadListing = Callable[[Path, Path], Listing]
"""From what the user named and a folder for unpacking to a listing."""


def prepare(read: ReadListing, request: Request) -> dict[str, Any]:
    """Do the whole of it; returns the manifest.

    Raises:
        DataPrepError: the input or the output has a fault; nothing is left in the output folder.
    """
    with open_output(request.out) as output:
        listing = read(Path(request.source), output.scratch)
        if request.split_file is not None:
            listing = apply_split_file(listing, request.split_file)
        _report_source(listing, request)
        chosen = select(listing, request.sampling)
        unused = _unused(listing, chosen)
        reports, duplicates = write_splits(listing, chosen, request.settings, output, request.workers)
        unused += _emptied(listing, chosen, reports)
        manifest = _manifest(listing, request, unused, reports, duplicates)
        write_manifest(output, manifest)
        files = [f"{split}.parquet" for split in reports]
        output.publish([*files, MANIFEST], replaced=tuple(f"{split}.parquet" for split in SPLITS))
    for entry in unused:
        logger.info("%s", entry.line())
    _report(request.out, reports, duplicates)
    return manifest


def _manifest(
    listing: Listing,
    request: Request,
    unused: Sequence[LeftOut],
    reports: dict[str, SplitReport],
    duplicates: Duplicates,
) -> dict[str, Any]:
    sampling = {name: getattr(value, "text", value) for name, value in vars(request.sampling).items()}
    held = ("test",) if request.sampling.merge_val else ("test", "val")
    pool = sum(example.split not in held for example in listing.examples)
    sampling["whole_train"] = "train" in reports and reports["train"].rows == pool
    return {
        "contract": CONTRACT_VERSION.decode(),
        "data_source": listing.name,
        "source": {"path": request.source, "pictures": len(listing.examples), "classes": len(listing.classes)},
        "sampling": sampling,
        "pictures": asdict(request.settings),
        "split_file": None if request.split_file is None else str(request.split_file),
        "left_out": [entry.summary() for entry in (*listing.left_out, *unused)],
        "notes": list(listing.notes),
        "splits": {split: report.summary() for split, report in reports.items()},
        "duplicates": duplicates.summary(),
        "versions": versions(),
    }


def _report_source(listing: Listing, request: Request) -> None:
    for note in listing.notes:
        logger.warning("%s", note)
    for entry in listing.left_out:
        logger.warning("%s", entry.line())
    if request.settings.cut_bottom:
        logger.info("the last %d rows of every picture are cut off", request.settings.cut_bottom)


def _unused(listing: Listing, chosen: Mapping[str, Sequence[Example]]) -> tuple[LeftOut, ...]:
    """What was neither drawn nor held out: other classes, or more than the sizes asked for."""
    used = {example.file_name for examples in chosen.values() for example in examples}
    rest = [example.file_name for example in listing.examples if example.file_name not in used]
    return LeftOut.of("pictures of other classes, or beyond the sizes asked for", rest)


def _emptied(
    listing: Listing, chosen: Mapping[str, Sequence[Example]], reports: Mapping[str, SplitReport]
) -> tuple[LeftOut, ...]:
    """The classes of a split of which every picture is broken."""
    lost: tuple[LeftOut, ...] = ()
    for split, report in reports.items():
        wanted = dict.fromkeys(listing.classes[example.label_id] for example in chosen[split])
        gone = [label for label in wanted if label not in report.class_counts]
        lost += LeftOut.of(f"classes of {split}, of which every picture is broken", gone)
    return lost


def _report(out: Path, reports: dict[str, SplitReport], duplicates: Duplicates) -> None:
    for split, report in reports.items():
        logger.info(
            "%s: %d pictures of %d classes, %d re-encoded, %d skipped",
            out / f"{split}.parquet",
            report.rows,
            len(report.class_counts),
            report.reencoded,
            len(report.skipped),
        )
    for split, report in reports.items():
        for entry in LeftOut.of(f"broken pictures of {split}", report.skipped):
            logger.warning("%s", entry.line())
    report_duplicates(out, duplicates)


def report_duplicates(out: Path, duplicates: Duplicates) -> None:
    """Warn of pictures with two labels, and of those in more than one split: what is tested was trained on."""
    if duplicates.conflicting:
        logger.warning(
            "%d pictures stand more than once, with different labels (%s): see `duplicates` in %s",
            duplicates.conflicting,
            ", ".join(f"{side['file_name']} is {side['label']!r}" for side in duplicates.first_conflict.values()),
            out / MANIFEST,
        )
    if not duplicates.across_splits:
        return
    pair = next((p for p in duplicates.pairs if p["first"]["split"] != p["again"]["split"]), duplicates.pairs[0])
    logger.warning(
        "%d pictures are in more than one split (%s in %s is %s in %s): see `duplicates` in %s",
        duplicates.across_splits,
        pair["first"]["file_name"],
        pair["first"]["split"],
        pair["again"]["file_name"],
        pair["again"]["split"],
        out / MANIFEST,
    )


def versions() -> dict[str, str]:
    """What the bytes of an output depend on, besides its input."""
    return {"speciarl_verl": __version__, "pyarrow": pa.__version__, "pillow": PIL.__version__}
