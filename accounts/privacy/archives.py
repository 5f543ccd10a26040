"""Archives of what is kept: a zip that is made while it is read.

Each section is a file of one JSON object a line, so that neither side ever holds a
whole table.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator

import orjson
from django.db import models
from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.privacy.registry import Row, Section

PIECE_BYTES = 65_536
ROWS_AT_ONCE = 500
NOTE = """Everything YourAgent keeps of {whom}, as of {moment}.

One file for each kind of thing, one JSON object a line, oldest first. Secrets such
as passwords and keys are not in it: we only keep what tells a right one from a wrong
one.
"""


def rows_of(queryset: models.QuerySet, *left_out: str) -> Iterator[Row]:
    """Yield a queryset's rows as they are stored, without the columns named."""
    fields = queryset.model._meta.concrete_fields
    names = [field.attname for field in fields if field.attname not in left_out]
    # By key: keys follow the clock, and no list's order goes through an index.
    rows = queryset.order_by("pk").values(*names)
    yield from rows.iterator(chunk_size=ROWS_AT_ONCE)


def archive(whom: str, sections: Iterable[Section]) -> Iterator[bytes]:
    """Yield a zip of all sections, piece by piece."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as whole:
        moment = timezone.now().isoformat(timespec="seconds")
        whole.writestr("README.txt", NOTE.format(whom=whom, moment=moment))
        for name, rows in sections:
            with whole.open(f"{name}.jsonl", "w", force_zip64=True) as file:
                for row in rows:
                    file.write(orjson.dumps(row, default=str) + b"\n")
                    if pipe.size >= PIECE_BYTES:
                        yield pipe.take()
    yield pipe.take()


def attachment(
    name: str, whom: str, sections: Iterable[Section]
) -> StreamingHttpResponse:
    """Answer with an archive that is named for its day."""
    day = timezone.now().strftime("%Y-%m-%d")
    return StreamingHttpResponse(
        archive(whom, sections),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{day}.zip"',
            "Cache-Control": "no-store",
        },
    )


class _Pipe(io.RawIOBase):
    """Where the zip is written to; it can be read from the other end only once."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, part) -> int:
        self.parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def take(self) -> bytes:
        taken, self.parts, self.size = b"".join(self.parts), [], 0
        return taken
