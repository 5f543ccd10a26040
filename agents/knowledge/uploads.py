"""Files as documents: judged at the door, read by a worker."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Protocol

from django.conf import settings
from django.db import transaction

from accounts.errors import DomainError, Invalid
from accounts.models.lifecycle import request_fingerprint
from accounts.models.users import User
from accounts.text import has_invisible_characters
from accounts.webhooks.delivery import announcing
from agents.knowledge import documents
from agents.knowledge.documents import DocumentLimitReached
from agents.knowledge.file_types import MEDIA_TYPES, Kind, UnknownKind, kind_of
from agents.knowledge.indexing import title_of_file
from agents.models.knowledge import Document, DocumentOrigin, KnowledgePack

MAX_NAME = 255


class File(Protocol):
    """A file somebody sends: its name as they call it, its size, its bytes."""

    name: str
    size: int

    def read(self) -> bytes: ...


class FileTooLarge(DomainError):
    status = 413
    code = "file-too-large"
    pointer = "/file"

    def __init__(self) -> None:
        limit = settings.UPLOAD_MAX_BYTES
        super().__init__(f"A file has at most {limit / 2**20:,.4g} MB.", limit=limit)


class UnreadableFile(Invalid):
    code = "unreadable-file"
    pointer = "/file"


@dataclass
class Uploaded:
    """What became of several files: documents, and refusals with their reasons."""

    added: list[Document] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def upload_files(
    *, knowledge_pack: KnowledgePack, files: Iterable[File], created_by: User | None
) -> Uploaded:
    """Add files to a pack, each for itself: one that is refused stops no other."""
    result = Uploaded()
    for file in files:
        try:
            document, _ = upload_document(
                knowledge_pack=knowledge_pack, file=file, created_by=created_by
            )
        except DomainError as error:
            result.refused.append((name_of(file), error.detail))
        else:
            result.added.append(document)
    return result


@announcing(DocumentLimitReached, limit="documents")
@transaction.atomic
def upload_document(
    *,
    knowledge_pack: KnowledgePack,
    file: File,
    title: str = "",
    source_url: str = "",
    created_by: User | None,
    idempotency_key: str | None = None,
) -> tuple[Document, bool]:
    """Add a file to a pack, or return the one this idempotency key already added.

    A worker reads it; until then the document has no text. Without a title it gets
    that of its text, or its name. Raises FileTooLarge, UnreadableFile,
    DuplicateDocument, DocumentLimitReached, KeyReused, Invalid.
    """
    name = name_of(file)
    title, source_url = title.strip() or title_of_file(name), source_url.strip()
    documents.check_heading(title, source_url)
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise FileTooLarge
    raw = file.read()
    digest = hashlib.sha256(raw).hexdigest()
    wish = Document(
        knowledge_pack=knowledge_pack,
        title=title,
        origin=DocumentOrigin.FILE,
        # Until it is read, its text is known by its file.
        content_hash=digest,
        source_url=source_url,
        media_type=MEDIA_TYPES[_readable_kind(raw, name)],
        file_name=name,
        byte_size=len(raw),
        file_hash=digest,
        created_by_user=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint(
            [str(knowledge_pack.pk), title, name, digest, source_url]
        ),
    )
    return documents.add(wish, raw)


def _readable_kind(raw: bytes, name: str) -> Kind:
    try:
        kind = kind_of(raw, name)
    except UnknownKind as error:
        raise UnreadableFile(str(error)) from None
    if kind is Kind.SITEMAP:
        raise UnreadableFile("This is a sitemap: add its address as a site instead.")
    return kind


def name_of(file: File) -> str:
    """Return a file's own name: no folders, nothing invisible."""
    name = PurePosixPath(PureWindowsPath(file.name or "").name).name
    name = unicodedata.normalize("NFC", name)
    seen = "".join(sign for sign in name if not has_invisible_characters(sign))
    return seen.strip()[-MAX_NAME:] or "file"
