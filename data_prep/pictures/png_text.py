"""What a PNG says besides its pixels: editors store whole histories there, and Pillow refuses more than a megabyte."""

import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP"))


def without_text(data: bytes) -> bytes:
    """The same PNG less its texts and colour profile, which no loader here uses. Other files stay as they are."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, place = [_SIGNATURE], len(_SIGNATURE)
    while place + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        end = place + 12 + size
        if data[place + 4 : place + 8] not in _TEXTS:
            kept.append(data[place:end])
        place = end
    return b"".join(kept)
