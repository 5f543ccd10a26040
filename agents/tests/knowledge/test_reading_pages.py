"""Pages of every make are read whole, without the menus around them."""

import pytest

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind, kind_of


def read(body: str, head: str = ""):
    page = f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"
    return read_file(page.encode(), Kind.HTML, url="https://a.b/c/", is_split=True)


def text_of(body: str) -> str:
    return read(body).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            '<form method="post" id="aspnetForm"><input type="hidden" value="abc">'
            '<div id="main"><h1>Lost cards</h1><p>A new card costs 12 euros.</p></div>'
            "<button>Send</button></form>",
            "# Lost cards\n\nA new card costs 12 euros.",
        ),
        (
            "<main><article><header><h1>Charging</h1><p>Takes four hours.</p></header>"
            '<aside class="note"><p>Never below zero.</p></aside>'
            "<footer>Seen in May.</footer></article></main>",
            "# Charging\n\nTakes four hours.\n\nNever below zero.\n\nSeen in May.",
        ),
        (
            "<h1>Ask</h1><details><summary>How long?</summary>Two days.</details>"
            '<h2><button aria-expanded="false" aria-controls="a">Where?</button></h2>'
            '<div id="a" hidden style="display:none" aria-hidden="true">In Graz.</div>'
            '<button data-bs-toggle="collapse">Who?</button><div>We do.</div>',
            "# Ask\n\nHow long?\n\nTwo days.\n\n"
            "## Where?\n\nIn Graz.\n\nWho?\n\nWe do.",
        ),
        (
            "<p>Run:</p><pre><code>a b\n\n  c</code></pre><pre>x<br>y</pre>",
            "Run:\n\n```\na b\n\n  c\n```\n\n```\nx\ny\n```",
        ),
        (
            "<dl><dt>Fee</dt><dd>9 euros</dd><dt>Hours</dt><dd><p>9 to 5</p></dd>"
            "<dt>Pets?</dt><dd>Yes.</dd><dt>Key</dt><dt>Card</dt><dd>One</dd></dl>",
            "- Fee: 9 euros\n\n- Hours: 9 to 5\n\nPets?\n\nYes.\n\n- Key, Card: One",
        ),
        (
            '<p>Press <img src="s.png" alt="Save"> now.</p><img alt="A map of Graz">'
            '<img alt=""><img alt="IMG_12.JPG">',
            "Press Save now.\n\n(A map of Graz)",
        ),
        (
            "<ol start=3><li>Open<ul><li>a</li><li>b</li></ul></li><li><p>Close</p>"
            "<pre>x</pre></li><li value=9>End</li></ol>",
            "3. Open\n- a\n- b\n4. Close\n```\nx\n```\n9. End",
        ),
        ("<p>Main St 1<br>1010 Wien</p>", "Main St 1\n1010 Wien"),
        ("<h2>Ship <a href='#s'>¶</a></h2><p>a</p>", "## Ship\n\na"),
        ("<ul><li><h3>Fee</h3><p>Nine.</p></li></ul>", "### Fee\n\nNine."),
        ("<p>can&shy;cel&#8203;la&shy;tion</p>", "cancellation"),
    ],
)
def test_what_a_page_shows_is_read_in_order(body, text):
    assert text_of(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "<table><thead><tr><th>Feature<th>Basic<th>Team</thead>"
            "<tr><td><p>Seats</p><td><p>3</p><td><p>25</p></tr>"
            "<tr><td>Storage<td>10 GB<td>500 GB</table>",
            "| Feature | Basic | Team |\n| Seats | 3 | 25 |\n"
            "| Storage | 10 GB | 500 GB |",
        ),
        (
            "<table><tr><th>Seats<td>25</tr><tr><th>Price<td>9</table>",
            "- Seats: 25\n- Price: 9",
        ),
        (
            "<table><tr><th rowspan=2>Land<th colspan=2>Price</tr><tr><th>now<th>then"
            "</tr><tr><td rowspan=2>Peru<td>1<td>2</tr><tr><td>3<td>4</table>",
            "| Land | Price now | Price then |\n| Peru | 1 | 2 |\n| Peru | 3 | 4 |",
        ),
        (
            "<table><tr><td><ul><li>menu</li></ul></td><td><h1>Help</h1><p>Call us.</p>"
            "<table><tr><th>a<th>b</tr><tr><td>1<td>2</table></td></tr></table>",
            "- menu\n\n# Help\n\nCall us.\n\n| a | b |\n| 1 | 2 |",
        ),
        (
            "<table><tr><th>Plan<th>Parts</tr><tr><td>Team<td>"
            "<table><tr><td>x<td>1</tr><tr><td>y<td>2</table></tr></table>",
            "| Plan | Parts |\n| Team | x, 1; y, 2 |",
        ),
        (
            "<table><tr><th>Plan<th>Has</tr><tr><td>Team"
            "<td><ul><li>a</li><li>b</li></ul></table>",
            "| Plan | Has |\n| Team | a; b |",
        ),
    ],
)
def test_a_table_is_read_by_rows(body, text):
    assert text_of(body) == text


def test_a_row_of_a_page_is_said_with_its_columns_and_is_no_heading():
    reading = read(
        "<h1>Plans</h1><table><tr><th>Feature<th>Team</tr><tr><td>Seats<td>25</table>"
    )
    assert [(piece.heading, piece.text) for piece in reading.pieces] == [
        ("Plans", "Feature Seats: Team 25")
    ]


def test_menus_are_left_out_and_named():
    reading = read(
        '<a class="skip-link" href="#m">Skip</a><header><a href="/">Home</a> '
        '<a href="/a">About</a></header><div class="side-menu"><a href="/b">Pens</a>'
        '<a href="/c">Ink</a></div><div id="m"><h1>Pens</h1><p>They write.</p>'
        '<img src="a.png"><iframe src="/map"></iframe></div>'
        "<footer>Imprint</footer><nav>Top</nav>"
    )
    assert reading.text == "# Pens\n\nThey write."
    assert reading.left_out == [
        "menus",
        "the page's footer",
        "1 picture without a description",
        "1 part from elsewhere (a film, a map)",
    ]


def test_a_list_of_links_is_text_where_nothing_calls_it_a_menu():
    links = "".join(f"<li><a href='/{n}'>Question {n}</a></li>" for n in range(3))
    text = text_of(f"<div class='toc-wrapper'><h1>Help</h1><ul>{links}</ul></div>")
    assert text == "# Help\n\n- Question 0\n- Question 1\n- Question 2"


def test_a_page_says_where_it_leads_and_what_its_own_address_is():
    reading = read(
        "<p>a</p>",
        '<meta http-equiv="Refresh" content="0; URL=\'../new\'">'
        '<link rel="canonical" href="/own">',
    )
    assert (reading.leads_to, reading.canonical) == (
        "https://a.b/new",
        "https://a.b/own",
    )


def test_a_page_that_leads_on_after_a_minute_is_meant_to_be_read():
    assert not read("a", '<meta http-equiv=refresh content="60;url=/new">').leads_to


def test_a_sitemap_may_be_a_text():
    raw = b"\xef\xbb\xbfhttps://a.b/c\r\nhttps://a.b/d\r\n"
    assert kind_of(raw, "sitemap.txt") is Kind.SITEMAP
    links = read_file(raw, Kind.SITEMAP, url="https://a.b/sitemap.txt").links
    assert links == ["https://a.b/c", "https://a.b/d"]
