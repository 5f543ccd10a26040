"""What was read is answered from: the way from a file to a sentence, whole."""

import pytest

from agents.grounded.provider import compose
from agents.knowledge import uploads
from agents.knowledge.indexing import index_document
from agents.tests import files
from agents.tests.factories import KnowledgePackFactory
from agents.tests.grounded.test_grounded import reader_of, turn_of
from agents.tests.knowledge.office import paragraph, table, word

pytestmark = pytest.mark.django_db
BATTERY = (
    "<article><header><h1>Charging</h1><p>Charging takes four hours.</p></header>"
    "<aside>Never charge the battery below zero degrees.</aside></article>"
)
PLANS = (
    "<h1>Plans</h1><table><tr><th>Feature<th>Basic<th>Team</tr><tr><td>Seats<td>3<td>25"
    "</tr><tr><td>Storage<td>10 GB<td>500 GB</table>"
)
BACKUPS = (
    "# Backups\n\nNightly.\n\n![Steps for restoring a backup](/a.png)\n\nOpen Settings."
)
KEYS = "# Keys\n\nPress <Key mod='ctrl' k='d' /> to duplicate an entry.\n"
LOANS = word(
    "<w:p><w:r><w:t>Books may be kept for </w:t></w:r><w:ins><w:r><w:t>twenty-one</w:t>"
    "</w:r></w:ins><w:r><w:t> days.</w:t></w:r></w:p>"
    + paragraph("Fees are due each year.")
    + table("Group|Fee", "Adults|30 euros", "Students|18 euros")
)


@pytest.mark.parametrize(
    ("name", "content", "question", "words"),
    [
        ("a.html", BATTERY, "May I charge the battery below zero?", "Never charge"),
        ("a.html", BATTERY, "How long does charging take?", "four hours"),
        ("a.html", PLANS, "How many seats does Team have?", "25"),
        ("a.html", PLANS, "How much storage is in Basic?", "10 GB"),
        ("a.md", BACKUPS, "How do I restore a backup?", "Open Settings"),
        ("a.mdx", KEYS, "How do I duplicate an entry?", "Ctrl+D"),
        ("a.csv", "sep=;\nLand;Preis\nPeru;9\nOman;12\n", "Preis Oman?", "12"),
        ("a.csv", "Item,Price\nMug,9,only in Lisbon\n", "Where is the mug?", "Lisbon"),
        ("a.docx", LOANS, "How long may books be kept?", "twenty-one days"),
        ("a.docx", LOANS, "What is the fee of students?", "18 euros"),
        ("a.txt", "Key desk.\n\nThe oﬃce closes at ﬁve.", "office closes?", "five"),
    ],
)
def test_a_question_is_answered_from_what_a_file_shows(name, content, question, words):
    document, _ = uploads.upload_document(
        knowledge_pack=KnowledgePackFactory(),
        file=files.named(name, content),
        created_by=None,
    )
    index_document(str(document.pk))
    turn = turn_of(reader_of(document.knowledge_pack), question)
    assert words in compose(turn)[0]
