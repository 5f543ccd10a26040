"""Files of every kind, well-made and hostile."""

import io
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile


def named(name: str, content: bytes | str) -> SimpleUploadedFile:
    """Return a file as a browser sends it."""
    raw = content.encode() if isinstance(content, str) else content
    return SimpleUploadedFile(name, raw)


def pdf(*pages: str) -> bytes:
    """Return a PDF of pages of one line each."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for text in pages:
        flow = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1")
        at = len(objects) + 1
        kids.append(f"{at} 0 R")
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1"
            b" /BaseFont /Helvetica >> >> >> >>" % (at + 1),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(flow), flow),
        ]
    objects[1] = (
        f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    )
    made = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(made))
    )


def locked_pdf() -> bytes:
    """Return a PDF that opens with a password only."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(pdf("Secret"))))
    writer.encrypt("a password", algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def docx() -> bytes:
    """Return a Word document with headings, a list and a table."""
    from docx import Document

    document = Document()
    document.add_heading("Shipping", 1)
    document.add_paragraph("Parcels to Graz take three days.")
    document.add_paragraph("No plastic", style="List Bullet")
    table = document.add_table(2, 2)
    cells = ("Country", "Price", "Austria", "9 euros")
    for number, words in enumerate(cells):
        table.cell(number // 2, number % 2).text = words
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def zip_bomb(megabytes: int = 200) -> bytes:
    """Return what looks like a Word document and unpacks to very much."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parcel:
        parcel.writestr("[Content_Types].xml", "<Types/>")
        with parcel.open("word/document.xml", "w") as part:
            for _ in range(megabytes):
                part.write(b" " * 2**20)
    return made.getvalue()


def lying_zip_bomb() -> bytes:
    """Return one whose directory says that it is small."""
    raw = bytearray(zip_bomb())
    at = raw.find(b"PK\x01\x02")
    while at >= 0:
        raw[at + 24 : at + 28] = (1_000).to_bytes(4, "little")
        at = raw.find(b"PK\x01\x02", at + 4)
    return bytes(raw)


def pdf_form(text: str, **fields: str) -> bytes:
    """Return a PDF with a form that is filled in; "/On" ticks a box."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject
    from pypdf.generic import TextStringObject as Words

    writer = PdfWriter(PdfReader(io.BytesIO(pdf(text))))
    made = ArrayObject()
    for name, value in fields.items():
        is_box = value.startswith("/")
        field = DictionaryObject()
        field[NameObject("/T")] = Words(name)
        field[NameObject("/FT")] = NameObject("/Btn" if is_box else "/Tx")
        field[NameObject("/V")] = NameObject(value) if is_box else Words(value)
        made.append(writer._add_object(field))
    form = DictionaryObject()
    form[NameObject("/Fields")] = made
    writer._root_object[NameObject("/AcroForm")] = form
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
