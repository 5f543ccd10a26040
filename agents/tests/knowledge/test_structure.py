"""What belongs together is never cut apart, and no word is lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.knowledge.blocks import HEADING_LENGTH
from agents.knowledge.chunks import LARGEST, LARGEST_WHOLE, split_text

WORD = re.compile(r"w\d+x")
FILLING = "Choose it in the menu at the top of the page, and then wait for the light."


def pieces(text):
    return [(piece.heading, piece.text) for piece in split_text(text)]


def texts(text):
    return [text for _, text in pieces(text)]


def steps(count):
    return [f"{n}. Step w{n}x. {FILLING}" for n in range(1, count + 1)]


# --- Lists --------------------------------------------------------------------
def test_steps_stay_with_their_introduction_and_their_numbers():
    text = "\n".join(["# Closing", "", "To close an account:", "", *steps(5)])
    lines = ["To close an account:", *steps(5)]
    assert pieces(text) == [("Closing", "\n".join(lines))]


def test_steps_stay_whole_where_a_paragraph_would_be_cut():
    text = "\n".join(["To close an account:", "", *steps(12)])
    assert LARGEST < len(text) < LARGEST_WHOLE
    assert len(texts(text)) == 1


def test_a_list_does_not_lose_its_introduction_to_the_passage_before():
    before = f"{FILLING} " * 8
    text = f"{before}\n\nYou need these:\n\n- A w1x.\n- A w2x.\n- A w3x. {FILLING * 3}"
    assert "You need these:\n- A w1x.\n- A w2x.\n- A w3x." in texts(text)[-1]


def test_a_long_list_repeats_its_introduction_and_goes_on_counting():
    found = texts("\n".join([f"{FILLING} {FILLING} Then:", *steps(40)]))
    assert len(found) > 3
    assert all(text.startswith(f"{FILLING} {FILLING} Then:\n") for text in found)
    assert all(len(text) <= LARGEST for text in found)
    told = [line for text in found for line in text.split("\n")[1:]]
    assert told == steps(40)


def test_only_the_last_sentence_of_a_long_introduction_is_repeated():
    found = texts("\n".join([f"{FILLING} " * 6 + "Do this.", "", *steps(30)]))
    assert found[0].startswith(FILLING)
    assert all(text.startswith("Do this.\n") for text in found[1:])


def test_items_keep_the_items_code_and_paragraphs_in_them():
    text = (
        "1. Open it:\n\n   ```\n   cd here\n     make\n   ```\n\n   Then wait.\n"
        "2. Close it.\n   - w1x\n   - w2x\n"
    )
    assert texts(text) == [
        "1. Open it:\ncd here\n  make\nThen wait.\n2. Close it.\n  - w1x\n  - w2x"
    ]


def test_a_list_whose_first_number_is_not_one_is_a_list():
    assert texts("Go on:\n4. Wait.\n5. Leave.") == ["Go on:\n4. Wait.\n5. Leave."]


# --- Tables -------------------------------------------------------------------
@pytest.mark.parametrize(
    "table",
    [
        "| Plan | Seats |\n|---|---|\n| Team | 25 |",
        "Plan | Seats\n--- | ---\nTeam | 25",
        "| Plan | Seats |\n| Team | 25 |",
    ],
)
def test_a_table_is_known_in_any_of_its_forms(table):
    assert texts(f"Our plans\n{table}\nSee below.") == [
        "Our plans\nPlan Team: Seats 25\nSee below."
    ]


def test_every_row_of_a_divided_table_has_its_column_names():
    rows = "\n".join(f"| w{n}x | {n} seats | {FILLING} |" for n in range(40))
    found = texts(f"The plans:\n\n| Plan | Size | What |\n|--|--|--|\n{rows}")
    assert len(found) > 3
    for text in found:
        lead, *lines = text.split("\n")
        assert lead == "The plans:"
        assert all(re.match(r"Plan w\d+x: Size \d+ seats, What", x) for x in lines)


def test_cells_beyond_the_header_and_bars_in_cells_are_kept():
    text = "| Mug | Price |\n|---|---|\n| Blue \\| red | 9 | only in Lisbon |"
    assert texts(text) == ["Mug Blue | red: Price 9, only in Lisbon"]


# --- Code ---------------------------------------------------------------------
@pytest.mark.parametrize("mark", ["```", "~~~"])
def test_code_keeps_its_lines_with_what_introduces_it(mark):
    code = "\n".join(f"if w{n}x:\n    run {n} --with everything\n" for n in range(30))
    text = f"{FILLING} Run these:\n\n{mark}\n{code}{mark}\n\nThen restart."
    assert LARGEST < len(code) < LARGEST_WHOLE
    assert texts(text)[0] == f"{FILLING} Run these:\n{code.rstrip()}"


def test_indented_code_keeps_its_lines():
    text = "Run these:\n\n    cd here\n      make all\n\nThen restart."
    assert texts(text) == ["Run these:\ncd here\n  make all\nThen restart."]


def test_endless_code_is_cut_between_lines():
    lines = [f"run w{n}x --and-wait-for everything" for n in range(200)]
    found = texts("\n".join(["```", *lines, "```"]))
    assert all(len(text) <= LARGEST_WHOLE for text in found)
    assert "\n".join(found).split("\n") == lines


def test_an_indented_first_line_is_no_code():
    text = "    Once upon a time there\nwas a king. He had a daughter."
    assert texts(text) == ["Once upon a time there was a king. He had a daughter."]


# --- Questions ----------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "**Q:** How long?\n\n**A:** Three days.\n\n**Q:** How much?\n\n**A:** Nothing.",
        "**Q: How long?**\nA: Three days.\n\n**Q: How much?**\nA: Nothing.",
        "Q1. How long?\nA1. Three days.\nThe end.\n\nQ2. How much?\nA2. Nothing.",
        "Frage: How long?\nAntwort: Three days.\n\nFrage: How much?\nAntwort: Nothing.",
        "## How long?\nThree days.\n## How much?\nNothing.",
        "How long？\nThree days.\n\nHow much？\nNothing.",
    ],
)
def test_an_answer_stands_below_its_question(text):
    (first, long), (second, much) = pieces(text)
    assert (first.rstrip("?？"), second.rstrip("?？")) == ("How long", "How much")
    assert long.startswith("Three days.")
    assert much == "Nothing."


def test_a_mark_without_an_answer_is_text():
    assert pieces("Q: is a letter.\n\nAnd more.") == [
        ("", "Q: is a letter.\nAnd more.")
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"**Q:** Who pays?\n\n**A:** {FILLING * 2} {f'{FILLING} ' * 30}",
        f"- Who pays?: Answer {f'{FILLING} ' * 30}",
        f"| Question | Answer |\n|--|--|\n| Who pays? | {f'{FILLING} ' * 30} |",
    ],
)
def test_every_part_of_a_long_answer_has_its_question(text):
    found = pieces(text)
    assert len(found) > 2
    assert all("Who pays?" in heading or "Who pays?" in text for heading, text in found)


# --- Headings -----------------------------------------------------------------
def test_a_passage_has_the_path_of_its_headings():
    text = "# Help\n\n## Shipping\n\n### Abroad\n\nFive days.\n\n## Returns\n\nThirty."
    assert pieces(text) == [
        ("Help > Shipping > Abroad", "Five days."),
        ("Help > Returns", "Thirty."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# A\n\nText.\n\n## B\n\n## C\n\nMore.",
            [("A", "Text.\nB"), ("A > C", "More.")],
        ),
        ("# A\n\n# B\n\nText.", [("B", "A\nText.")]),
        ("# A\n\nText.\n\n# B", [("A", "Text.\nB")]),
        ("# A\n\n## B\n\n# C\n\nText.", [("C", "A\nB\nText.")]),
    ],
)
def test_a_heading_with_nothing_below_it_is_no_passage(text, expected):
    assert pieces(text) == expected


def test_what_is_cut_off_a_path_stands_in_the_text():
    title = " ".join(f"w{n}x" for n in range(130))
    ((heading, text),) = pieces(f"# {title}\n\nText.")
    assert heading == title[:HEADING_LENGTH]
    assert text == f"{title}\nText."


def test_a_paragraph_over_a_rule_is_no_heading():
    text = "We ship to many countries,\nand to the sea.\n---\nMore."
    heading, found = pieces(text)[0]
    assert heading == ""
    assert "We ship to many countries, and to the sea." in found


def test_a_row_and_a_picture_are_no_headings():
    assert {h for h, _ in pieces("Plan | Seats\n\n![Steps](a.png)\n\nText.")} == {""}


def test_a_short_section_stays_whole():
    text = f"## How?\n\n{FILLING * 9}\n\n{FILLING}\n\nThe end."
    assert len(text) < LARGEST
    assert len(texts(text)) == 1


# --- Sentences ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("sentence", "joint"),
    [
        ("送料は無料ですから{}日かかります。", ""),
        ("डिलीवरी में {} दिन लगते हैं और यह घर तक आती है।", " "),
        ("ትዕዛዝ ቍጥር {} ዛሬ ይላካል።", " "),
        ("ہم {} دن میں بھیجتے ہیں۔", " "),
        ("هل يصل الطلب {} اليوم؟", " "),
        ("Es dauert {} Tage.", " "),
    ],
)
def test_paragraphs_are_divided_between_sentences(sentence, joint):
    given = [sentence.format(f"w{n}x") for n in range(200)]
    found = texts(joint.join(given))
    assert len(found) > 3
    assert all(text.endswith(sentence[-4:]) for text in found)
    assert all(text.startswith(sentence[:3]) for text in found)


# --- Nothing is lost ----------------------------------------------------------
BEFORE = ("", " ", "\n", "\n", "\n\n", "\n\n  ", "\n    ")
MARKS = (
    *("\n", "\n\n", " ", ". ", "# ", "## ", "- ", "1. ", "7) ", "  - ", "    ", "> "),
    *("| ", " |", "|---|", "---\n", "===\n", "\n```\n", "\n~~~\n", "**", "__", "`"),
    *(
        "Q: ",
        "A: ",
        "?",
        ":",
        "• ",
        "<b>",
        "<!-- ",
        "[",
        "](a)",
        "]: ",
        "![",
        "\t",
        "\\",
    ),
    *("Word ", FILLING, "。"),
)


@pytest.mark.parametrize("depth", range(15, 25))
@pytest.mark.parametrize("mark", ["> ", "- ", "1. "])
def test_no_word_is_lost_however_deep_it_stands(mark, depth):
    assert "w1x" in " ".join(texts(f"{mark * depth}w1x\n\n## End\n\nDone."))


def test_short_lines_in_great_number_keep_their_headings():
    text = "".join(f"# Plan {n}\n\nw{n}x.\n\n" for n in range(4_000))
    assert pieces(text)[7] == ("Plan 7", "w7x.")


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BEFORE), st.sampled_from(MARKS))))
def test_every_word_is_in_some_passage(marks):
    text = "".join(f"{''.join(mark)}w{n}x" for n, mark in enumerate(marks))
    found = split_text(text)
    told = set(WORD.findall(" ".join(f"{each.heading} {each.text}" for each in found)))
    assert set(WORD.findall(text)) <= told
    assert all(each.text.strip() for each in found)
