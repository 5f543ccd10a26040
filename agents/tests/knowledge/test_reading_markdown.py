"""Markdown is read as the page that a documentation site makes of it."""

import pytest

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind


def text_of(source: str) -> str:
    return read_file(source.encode(), Kind.MARKDOWN).text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('Press <Key mod="ctrl" k="d" /> now.', "Press Ctrl+D now."),
        ("<kbd>Ctrl</kbd>+<kbd>Z</kbd>", "Ctrl+Z"),
        (
            'import A from "a";\nexport const b = {\n  c: 1,\n};\n\nText.\n{/* no */}',
            "Text.",
        ),
        (
            '<Tabs><TabItem value="mac" label="macOS">Hold Option.</TabItem></Tabs>',
            "macOS: Hold Option.",
        ),
        (
            "<Tabs>\n  <TabItem\n    value='a'\n    label='Mac'\n  >\n\n    Hold.\n\n"
            "    1. one\n    2. two\n\n  </TabItem>\n</Tabs>\n\nEnd.",
            "Mac\n\nHold.\n\n1. one\n2. two\n\nEnd.",
        ),
        ('<Card title="Fees" href="/f" />', "Fees"),
        ("a{' '}b {\"c\"} <B />", "a b c"),
        (":::warning\nNot these.\n:::\n\nEnd.", "Warning: Not these.\n\nEnd."),
        ("::: tip Be quick\n\n- a\n:::", "Be quick:\n\n- a"),
        (":::note[Mind]\nIt is hot.\n:::", "Mind: It is hot."),
        ("::::{danger}\nHot.\n::::", "Danger: Hot."),
        (
            '!!! note "Mind"\n    It is hot.\n\n    !!! tip\n        Wait.\n\nEnd.',
            "Mind: It is hot.\n\nTip: Wait.\n\nEnd.",
        ),
        ('=== "Linux"\n\n    ```\n    apt\n    ```', "Linux:\n\n```\napt\n```"),
        ("!!! Read this, all of you", "!!! Read this, all of you"),
        ("/// note | Mind\nHot.\n///", "Mind: Hot."),
        ("> [!NOTE]\n> Useful.", "Note: Useful."),
        ("> [!tip]- Ask first\n> Us.", "Ask first: Us."),
        ('{% hint style="info" %}\nHot.\n{% endhint %}', "Hot."),
        ('{% include note.html content="Hot." %}', "Hot."),
        ('{{< alert title="Mind" >}}Hot.{{< /alert >}}', "Mind Hot."),
        ("By {{ site.name }} and {{first_name}}.", "By and {{first_name}}."),
        ("`{{ a }} {% b %} <C />`", "{{ a }} {% b %} <C />"),
        ("# Fees {#fees}\n\na{: .b }", "# Fees\n\na"),
        ("## Fees {: #fees .rule }\n\na", "## Fees\n\na"),
        ("See[^1].\n\n[^1]: Word", "See.\n\nWord"),
        ("Term\n:   What it means.", "Term: What it means."),
        ("- [ ] todo\n- [x] done", "- todo\n- done"),
        ("[[Page|Words]] and [[Other]] ![[a.png]]", "Words and Other"),
        ("<!-- a\nb -->Text.", "Text."),
        ('```js title="a.js"\n:::note\n\n<Key k="x"/>\n```', None),
        (
            "# Backups\n\nNightly.\n\n![Steps for restoring](/r.png)\n\nOpen Settings.",
            "# Backups\n\nNightly.\n\n(Steps for restoring) Open Settings.",
        ),
        ("1. a\n\n   ```\n   x\n   ```\n\n2. **b**\n10. c", None),
    ],
)
def test_marks_of_sites_become_what_their_visitors_read(source, text):
    expected = text or {
        "`": 'a.js:\n\n```\n:::note\n\n<Key k="x"/>\n```',
        "1": "1. a\n```\nx\n```\n2. b\n3. c",
    }.get(source[0])
    assert text_of(source) == expected


def test_front_matter_names_the_document():
    for matter in ('---\nTitle: "Fees"\n---\n', "+++\ntitle = 'Fees'\n+++\n"):
        reading = read_file(f"{matter}# Costs\n\na".encode(), Kind.MARKDOWN)
        assert (reading.title, reading.text) == ("Fees", "# Costs\n\na")


def test_a_picture_is_no_heading_of_what_follows():
    source = b"# Backups\n\nNightly.\n\n![Steps](/r.png)\n\nOpen Settings."
    pieces = read_file(source, Kind.MARKDOWN, is_split=True).pieces
    assert [piece.heading for piece in pieces] == ["Backups"]
