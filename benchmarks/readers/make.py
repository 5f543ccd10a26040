"""Have real programs make the files that the readers are measured with.

`python -m benchmarks.readers.make CORPORA`: needs LibreOffice (soffice), Chromium, and
a Python with mkdocs-material, sphinx, furo and myst-parser (GENERATORS). The files are
kept; this is how they came about.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from benchmarks.readers import sheets

FILES = Path(__file__).parent / "files"
GENERATORS = Path(os.environ.get("GENERATORS", ".venv/bin"))
HEALTHCHECKS = ("configuring_checks", "projects_teams", "slug_urls", "email")
ANTENNAPOD = ("general-backup", "privacy", "queue-sorting", "general-app-permissions")
MARKED = """import sys, markdown
known = ["extra", "sane_lists", "admonition"]
text = markdown.markdown(sys.stdin.read(), extensions=known)
print(f"<!doctype html><html><head><meta charset=utf-8></head><body>{text}")
"""


def run(*command: str | Path, **more) -> bytes:
    return subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, **more
    ).stdout


def converted(source: Path, to: str, target: Path, *more: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(
            "soffice",
            "--headless",
            *more,
            "--convert-to",
            to,
            "--outdir",
            folder,
            source,
        )
        shutil.move(next(Path(folder).iterdir()), target)


def keep(kind: str, name: str, words: str) -> Path:
    """Write what a file says beside it; return where the file goes."""
    folder = FILES / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.words").write_text(words)
    return folder / name


class Pages:
    """Each text as a page: what a browser shows of it is what there is to read."""

    def __init__(self, corpora: Path, work: Path) -> None:
        self.work = work
        self.sources, self.shown = {}, {}
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium-headless-shell"),
                args=["--no-sandbox"],
            )
            page = browser.new_page()
            for folder, names in (
                ("healthchecks", HEALTHCHECKS),
                ("antennapod-de", ANTENNAPOD),
            ):
                for name in names:
                    source = corpora / folder / f"{name}.md"
                    html = work / f"{name}.html"
                    html.write_bytes(
                        run(
                            GENERATORS / "python",
                            "-c",
                            MARKED,
                            input=source.read_bytes(),
                        )
                    )
                    page.goto(html.as_uri())
                    self.sources[name] = source
                    self.shown[name] = page.inner_text("body")
                    if name in ANTENNAPOD:
                        page.pdf(path=keep("pdf", f"{name}.pdf", self.shown[name]))
            browser.close()

    def write(self) -> None:
        for name, source in self.sources.items():
            said, is_first = self.shown[name], name in HEALTHCHECKS
            shutil.copy(source, keep("markdown", f"{name}.md", said))
            document = keep("docx", f"{name}.docx", said)
            if is_first:
                writer = "--infilter=HTML (StarWriter)"
                converted(
                    self.work / f"{name}.html",
                    "docx:MS Word 2007 XML",
                    document,
                    writer,
                )
                converted(document, "pdf", keep("pdf", f"{name}.pdf", said))
                converted(
                    document,
                    "txt:Text (encoded):UTF8",
                    keep("text", f"{name}.txt", said),
                )
            else:
                by_python_docx(source.read_text(), document)
                keep("text", f"{name}.txt", said).write_bytes(said.encode("utf-16"))
            self.slides(name, source.read_text(), is_saved_again=is_first)
        self.sites()

    def slides(self, name: str, text: str, *, is_saved_again: bool) -> None:
        target = FILES / "pptx" / f"{name}.pptx"
        words = by_python_pptx(text, self.work / f"{name}.pptx")
        keep("pptx", f"{name}.pptx", words)
        if is_saved_again:
            converted(self.work / f"{name}.pptx", "pptx", target)
        else:
            shutil.copy(self.work / f"{name}.pptx", target)

    def sites(self) -> None:
        site = self.work / "site"
        (site / "docs").mkdir(parents=True)
        (site / "mkdocs.yml").write_text(
            "site_name: Help\ntheme: {name: material}\n"
            "markdown_extensions: [extra, admonition]\n"
        )
        for name in HEALTHCHECKS:
            shutil.copy(self.sources[name], site / "docs")
        run(GENERATORS / "mkdocs", "build", "-q", cwd=site)
        book = self.work / "book"
        book.mkdir()
        (book / "conf.py").write_text(
            "project='Help'\nextensions=['myst_parser']\nhtml_theme='furo'\n"
        )
        (book / "index.md").write_text("# Help\n\n```{toctree}\n:glob:\n*\n```\n")
        for name in ANTENNAPOD[:2]:
            shutil.copy(self.sources[name], book)
        run(GENERATORS / "sphinx-build", "-q", "-b", "html", ".", "out", cwd=book)
        for name in HEALTHCHECKS:
            made = site / "site" / name / "index.html"
            shutil.copy(made, keep("html", f"{name}.html", self.shown[name]))
        for name in ANTENNAPOD[:2]:
            shutil.copy(
                book / "out" / f"{name}.html",
                keep("html", f"{name}.html", self.shown[name]),
            )
        for name in ANTENNAPOD[2:]:
            converted(
                FILES / "docx" / f"{name}.docx",
                "html:HTML (StarWriter)",
                keep("html", f"{name}.html", self.shown[name]),
            )


def parts(text: str):
    """Yield a text's headings, points, paragraphs and rows of code, in order."""
    kind, level = "", 0
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("heading_open", "list_item_open"):
            kind, level = (
                token.type.partition("_")[0],
                int(token.tag[1:] or 0) if token.tag[1:].isdigit() else 0,
            )
        elif token.type == "inline":
            said = "".join(
                each.content if each.type in ("text", "code_inline") else " "
                for each in token.children
                if each.type in ("text", "code_inline", "softbreak", "hardbreak")
            )
            yield kind, level, said
            kind = ""
        elif token.type in ("fence", "code_block"):
            yield "", 0, token.content.strip()


def by_python_docx(text: str, target: Path) -> None:
    from docx import Document

    document = Document()
    for kind, level, said in parts(text):
        if kind == "heading":
            document.add_heading(said, level)
        else:
            document.add_paragraph(
                said, style="List Bullet" if kind == "list" else None
            )
    document.save(target)


def by_python_pptx(text: str, target: Path) -> str:
    from pptx import Presentation

    deck, words, lines = Presentation(), [], []
    slide = None
    for kind, _, said in parts(text):
        if kind == "heading" or slide is None or len(lines) > 6:
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            lines = []
            if kind == "heading":
                slide.shapes.title.text = said
        if kind != "heading":
            lines.append(said)
            slide.placeholders[1].text = "\n".join(lines)
        words.append(said)
    deck.save(target)
    return "\n".join(words)


def main() -> None:
    shutil.rmtree(FILES, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        Pages(Path(sys.argv[1]), Path(folder)).write()
        sheets.write(Path(folder), keep, converted)


if __name__ == "__main__":
    main()
