"""Uploaded files, handed back: to be kept, never to be shown by a browser."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from accounts.errors import NotFound
from agents.models.knowledge import Document, DocumentFile


def as_attachment(document: Document) -> HttpResponse:
    """Answer with a document's file as it came. Raises NotFound."""
    file = DocumentFile.objects.filter(document=document).first()
    if file is None:
        raise NotFound
    # Whatever it holds, it is bytes: nothing in it runs on our origin.
    response = HttpResponse(
        bytes(file.content), content_type="application/octet-stream"
    )
    response["Content-Disposition"] = content_disposition_header(
        True, document.file_name
    )
    return response
