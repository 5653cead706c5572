"""What went into a parquet, for the manifest."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SplitReport:
    """What one parquet holds.

    Attributes:
        rows_sha256: over file name, label and content hash of every row in order: equal content has an equal hash,
            whichever version of pyarrow wrote the file.
    """

    rows: int = 0
    picture_bytes: int = 0
    reencoded: int = 0
    skipped: list[str] = field(default_factory=list)
    class_counts: dict[str, int] = field(default_factory=dict)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, file_name: str, label: str, content_hash: str) -> None:
        """Count one row."""
        self.rows += 1
        self.class_counts[label] = self.class_counts.get(label, 0) + 1
        self._digest.update(f"{file_name}\0{label}\0{content_hash}\n".encode())

    def summary(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "rows": self.rows,
            "classes": len(self.class_counts),
            "picture_bytes": self.picture_bytes,
            "reencoded": self.reencoded,
            "rows_sha256": self._digest.hexdigest(),
            "skipped": self.skipped,
            "class_counts": dict(sorted(self.class_counts.items())),
        }
