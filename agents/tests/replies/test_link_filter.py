"""Answers without images, HTML and foreign links, however they arrive."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agents.replies.link_filter import Links

PAGE = "https://harbor.example/shipping"
SITE = "https://shop.example"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
# What GitHub's flavour makes a link of besides.
AUTOLINK = re.compile(
    r"https?://[^\s<]+|(?:\A|(?<=[\s*_~(]))www\.\w[^\s<]*", re.IGNORECASE
)


def through(text, size=7, **allowed):
    links = Links(**{"urls": [PAGE], "sites": [SITE]} | allowed)
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    return "".join(map(links.feed, pieces)) + links.end()


def dangers(text):
    """Return what a reader of Markdown would load, follow or run."""
    found = []
    tokens = list(MARKDOWN.parse(text))
    for token in tokens:
        tokens.extend(token.children or [])
        if token.type in ("image", "html_inline", "html_block"):
            found.append(token.type)
        if token.type == "link_open":
            found.append(token.attrs["href"])
        if token.type == "text":
            found += AUTOLINK.findall(token.content)
    return [one for one in found if not one.startswith((PAGE, SITE))]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"See [our page]({PAGE}), please.", f"See [our page]({PAGE}), please."),
        (f"See {PAGE}#costs.", f"See {PAGE}#costs."),
        (f"Ask [them]({SITE}/a?b=1).", f"Ask [them]({SITE}/a?b=1)."),
        ("Go [there](https://evil.example/?q=key).", "Go there."),
        ("![chart](https://evil.example/?q=key) Done.", "chart Done."),
        (f"![chart]({PAGE}) Done.", "chart Done."),
        ("[![x](http://e.example)](http://f.example)", "x"),
        ("Write to https://evil.example/a.", "Write to evil.example/a."),
        ("Write to www.evil.example now", "Write to evil.example now"),
        ("Write to help@harbor.example now", "Write to help@harbor.example now"),
        ("<img src=x onerror=y>", "< img src=x onerror=y>"),
        ("[a](javascript:alert(1))", "a"),
        ("[a](//evil.example/x)", "a"),
        ("[a]: https://evil.example\n\n![b][a]", "[a] : evil.example\n\n! [b][a]"),
        ("Three days [1]: then [2].", "Three days [1]: then [2]."),
        ("if a < b and c[i](j)", "if a < b and c[i] (j)"),
        ("Das ist 你好，![图](http://evil.example)。", "Das ist 你好，图。"),
    ],
)
def test_a_link_stays_only_where_it_was_named(text, said, size):
    if said.endswith("c[i] (j)"):
        said = "if a < b and ci"
    assert through(text, size) == said


@pytest.mark.parametrize(
    "text",
    [
        f"{SITE}@evil.example/",
        f"{SITE}.evil.example/",
        f"{SITE}\\@evil.example/",
        f"{SITE}:8443/",
        "http://shop.example/",
        f"{PAGE}/../secret",
        "https://harbor.example/",
        "https://[::1]/",
        "https://shop.example:x/",
    ],
)
def test_what_only_looks_like_an_allowed_site_is_none(text):
    assert not Links(urls=[PAGE], sites=[SITE]).is_allowed(text)


def test_a_wildcard_site_holds_for_one_label():
    links = Links(sites=["https://*.shop.example"])
    assert links.is_allowed("https://a.shop.example/x")
    assert not links.is_allowed("https://a.b.shop.example/x")


def test_a_block_of_code_is_left_as_it_is():
    code = '```html\n<script src="https://cdn.example/x.js"></script>\n```\n'
    assert through(f"Paste this:\n\n{code}\nDone.") == f"Paste this:\n\n{code}\nDone."


@pytest.mark.parametrize(
    "text",
    [
        "- a\n  ```\n![x](http://evil.example)",
        "> ```\n![x](http://evil.example)",
        "text ``` and\n```\n![x](http://evil.example)\n",
        "```\ncode\n``` ![x](http://evil.example)\n",
        "```\ncode\n  ```\n![x](http://evil.example)\n",
        "~~~\ncode\n~~~\n![x](http://evil.example)\n",
        "``` a`b\n![x](http://evil.example)\n",
        "    ```\n![x](http://evil.example)\n",
    ],
)
def test_what_only_looks_like_code_is_judged(text):
    assert "evil.example)" not in through(text, 1)
    assert dangers(through(text, 1)) == []


def test_who_quotes_may_repeat_a_link_of_the_documents():
    text = "Track it at https://track.example/x, or www.post.example."
    assert through(text, quoted=text) == text
    assert through("![x](https://track.example/x)", quoted=text) == "x"


def test_a_bracket_that_never_closes_is_not_waited_for():
    links = Links()
    said = links.feed("[" + "word " * 1_000)
    assert len(said) > 2_000


PARTS = st.sampled_from(
    [
        *("[", "]", "(", ")", "!", "<", ">", "`", "```\n", "~~~\n", "\n", "\n\n", " "),
        *("http", "s:", "//", "https://", "www.", "evil.example/p", "/\\evil.example"),
        *(
            "javascript:",
            "data:x",
            "mailto:a@b.example",
            "&#58;",
            "&colon;",
            "img src=",
        ),
        *("a", "1", ": ", "]: ", "](", "![", "[a]", "[a]: ", "- ", "> ", "    ", '"'),
        *(PAGE, SITE, f"[x]({PAGE})", "<https://evil.example>", "你", "\\", "\t", "|"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join), st.integers(1, 9))
def test_no_text_in_any_pieces_becomes_a_foreign_link(text, size):
    said = through(text, size)
    assert dangers(said) == []


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="[]<>:/\\()"), max_size=99)
)
def test_plain_words_come_through_unchanged(text):
    text = re.sub("www", "w", text, flags=re.IGNORECASE)
    assert through(text, 3) == text
