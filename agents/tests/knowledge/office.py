"""Parcels of Office made part by part, as programs write them and as they break."""

import io
import zipfile

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT_WORD = "http://purl.oclc.org/ooxml/wordprocessingml/main"


def relations(space: str = OFFICE, **targets: str) -> str:
    """Return a part that refers to others, by the kinds of what they are."""
    each = "".join(
        f'<Relationship Id="{kind}" Type="{space}/{kind}" Target="{target}"/>'
        for kind, target in targets.items()
    )
    return f'<Relationships xmlns="{RELATIONS}">{each}</Relationships>'


def parcel(types: str = TYPES, **parts: str) -> bytes:
    """Return a file of parts; in their names "__" stands for "/"."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", types)
        for name, content in parts.items():
            file.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def word(
    body: str,
    *,
    types: str = TYPES,
    prolog: str = "",
    is_strict: bool = False,
    **more: str,
) -> bytes:
    """Return a Word document of a body; `more` are parts beside it, by their kinds."""
    space, office = (STRICT_WORD, STRICT) if is_strict else (WORD, OFFICE)
    begin = (
        f'xmlns:w="{space}" xmlns:r="{office}" xmlns:v="urn:schemas-microsoft-com:vml" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:wp="urn:wp" xmlns:wps="urn:wps" xmlns:pic="urn:pic"'
    )
    parts = {
        f"word__{kind}.xml": content.replace(">", f" {begin}>", 1)
        for kind, content in more.items()
    }
    parts |= {
        "_rels__.rels": relations(office, officeDocument="word/document.xml"),
        "word___rels__document.xml.rels": relations(
            office, **{kind: f"{kind}.xml" for kind in more}
        ),
        "word__document.xml": (
            f"{prolog}<w:document {begin}><w:body>{body}</w:body></w:document>"
        ),
    }
    return parcel(types, **parts)


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: str, look: str = "1") -> str:
    """Return a table; cells of a row are parted by "|"."""
    made = "".join(
        f"<w:tr>{''.join(f'<w:tc>{paragraph(cell)}</w:tc>' for cell in row.split('|'))}"
        "</w:tr>"
        for row in rows
    )
    look = f'<w:tblPr><w:tblLook w:firstRow="{look}"/></w:tblPr>'
    return f"<w:tbl>{look}{made}</w:tbl>"
