"""Texts of every script are found, whatever wrote them, through the API."""

from pathlib import Path

import pytest

from agents.knowledge.embedding_jobs import embed_pack
from agents.knowledge.indexing import index_document
from agents.tests import files

pytestmark = pytest.mark.django_db
PACKS = "/api/v1/knowledge-packs/"
TEXTS = Path(__file__).parent / "texts"
# How long delivery takes, what it costs, when the shop is open, what comes back.
ASKED = [
    ("typographic-quotes.txt", "english", "When does the priority lane open?", "nine"),
    ("typographic-quotes.txt", "english", "What do children's passes cost?", "two"),
    ("typographic-quotes.txt", "simple", "What do children’s passes cost?", "two"),
    ("spanish.txt", "spanish", "¿Cuánto tarda el envío?", "tres a cinco"),
    ("spanish.txt", "spanish", "“gastos de envio”", "cuatro euros"),
    ("ligatures.txt", "english", "When does the office close?", "five"),
    ("ligatures.txt", "english", "Where do staff find lost keys?", "affected"),
    ("soft-hyphen-zero-width.html", "english", "cancellation fee", "nine euros"),
    ("soft-hyphen-zero-width.html", "english", "parking permit", "twelve euros"),
    ("arabic.txt", "arabic", "كم يستغرق الشحن؟", "خمسة أيام"),
    ("arabic.txt", "arabic", "كم رسوم الشّحن؟", "عشرون"),
    ("arabic.txt", "arabic", "متى يفتح المتجر؟ هل هو مفتوح السبت؟", "التاسعة"),
    ("arabic.txt", "arabic", "هل يمكنني ارجاع المنتجات؟", "ثلاثين"),
    ("hindi.txt", "hindi", "डिलीवरी में कितने दिन लगते हैं?", "पाँच दिन"),
    ("hindi.txt", "hindi", "डिलीवरी का शुल्क कितना है?", "पचास रुपये"),
    ("hindi.txt", "hindi", "क्या मैं सामान वापस कर सकता हूँ?", "तीस दिनों"),
    ("turkish.txt", "turkish", "Kargo kaç günde gelir?", "beş iş günü"),
    ("turkish.txt", "turkish", "KARGO ÜCRETİ NE KADAR?", "kırk lira"),
    ("turkish.txt", "turkish", "Mağaza ne zaman açık?", "dokuzdan"),
    ("turkish.txt", "turkish", "Ürünü iade edebilir miyim?", "otuz gün"),
    ("thai.txt", "thai", "การจัดส่งใช้เวลากี่วัน", "สามถึงห้าวัน"),
    ("thai.txt", "thai", "ค่าจัดส่งเท่าไหร่", "สี่สิบบาท"),
    ("thai.txt", "thai", "ร้านเปิดกี่โมง", "เก้าโมงเช้า"),
    ("thai.txt", "thai", "คืนสินค้าได้ไหม", "สามสิบวัน"),
    ("chinese.txt", "chinese", "配送需要几天？", "三到五个工作日"),
    ("chinese.txt", "chinese", "运费是多少？", "十元"),
    ("chinese.txt", "chinese", "商店几点营业？", "九点"),
    ("chinese.txt", "chinese", "可以退货吗？", "三十天"),
    ("japanese.txt", "japanese", "通常配送は何日かかりますか？", "三日から五日"),
    ("japanese.txt", "japanese", "送料はいくらですか？", "五百円"),
    ("japanese.txt", "japanese", "店は何時に開いていますか？", "午前九時"),
    ("japanese.txt", "japanese", "返品できますか？", "三十日"),
    ("korean.txt", "korean", "배송은 얼마나 걸립니까?", "5일"),
    ("korean.txt", "korean", "배송비는 얼마입니까?", "삼천 원"),
    ("korean.txt", "korean", "매장은 몇 시에 엽니까?", "오전 9시"),
    ("korean.txt", "korean", "반품할 수 있나요?", "30일"),
]


def pack_with(api, content, language, name="text.txt"):
    """Return the address of a pack that holds just this file, indexed."""
    made = api.post(PACKS, {"name": "One", "language": language}, format="json")
    assert made.status_code == 201, made.content
    url = f"{PACKS}{made.json()['id']}/"
    body = {"file": files.named(name, content)}
    sent = api.post(f"{url}documents/", body, format="multipart")
    assert sent.status_code == 201, sent.content
    document = index_document(sent.json()["id"])
    assert document.status == "done", document.cause
    embed_pack(made.json()["id"])
    return url


def found_in(api, url, question):
    found = api.get(f"{url}search/", {"q": question})
    assert found.status_code == 200, found.content
    return found.json()["results"]


@pytest.mark.parametrize(("name", "language", "question", "answer"), ASKED)
def test_what_answers_is_found_first_and_by_its_words(
    api, name, language, question, answer
):
    url = pack_with(api, (TEXTS / name).read_bytes(), language, name)
    first = found_in(api, url, question)[0]
    assert answer in first["text"]
    assert first["word_rank"] == 1


# Each in a paragraph of its own, so that the right one must win.
@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("greek", "Η παράδοση διαρκεί τρεις ημέρες.", "ΠΟΤΕ ΓΙΝΟΝΤΑΙ ΟΙ ΠΑΡΑΔΟΣΕΙΣ;"),
        ("hebrew", "הַמִּשְׁלוֹחַ אורך שלושה ימים.", "כמה זמן המשלוח?"),
        ("khmer", "ការដឹកជញ្ជូនចំណាយពេលបីថ្ងៃ។", "តើការដឹកជញ្ជូនយូរប៉ុណ្ណា?"),
        ("burmese", "ပို့ဆောင်ခ သုံးရက်ကြာသည်။", "ပို့ဆောင်ခဘယ်လောက်လဲ"),
        ("lao", "ການຈັດສົ່ງໃຊ້ເວລາສາມມື້.", "ການຈັດສົ່ງດົນປານໃດ?"),
        ("persian", "هزینهٔ ارسال ۲۰ ریال است.", "هزينه ارسال 20 ريال؟"),
        ("ukrainian", "Доставка п’ять днів.", "п'ять днів"),
        ("vietnamese", "Giao hàng mất ba ngày.", "giao hàng mấy ngày?"),
        ("tamil", "விநியோகம் மூன்று நாட்கள்.", "விநியோகம் எத்தனை?"),
        ("polish", "Dostawa trwa „trzy” dni.", "trzy"),
        ("estonian", "Tarneaeg on kolm päeva.", "Mis on tarneaeg?"),
        ("french", "L’envoi coûte quatre euros.", "Combien coûte l'envoi ?"),
        ("english", "Ask for part AB-1234 at info@shop.example.", "AB1234"),
        ("english", "It came with version v2.1.3 of the app.", "version 2.1.3"),
        ("english", "You can write us an e‑mail any day.", "email"),
        ("german", "Die Ｗｉ－Ｆｉ-Box kostet 1.000 €.", "Was kostet die WiFi Box?"),
    ],
)
def test_a_text_is_found_among_others_however_it_is_written(
    api, language, text, question
):
    others = ("Zorb quux flim.", "Gnat wibble 77.", "Plugh xyzzy frob 9.9.9.")
    content = "\n\n".join(
        f"# {at}\n\n{each}" for at, each in enumerate((*others, text))
    )
    url = pack_with(api, content, language, "text.md")
    first, *rest = found_in(api, url, question)
    assert first["text"] == text
    assert first["word_rank"] == 1
    assert not [each for each in rest if each["word_rank"]]


def test_passages_are_shown_as_they_are_written_apart_from_what_nobody_sees(api):
    name = "soft-hyphen-zero-width.html"
    url = pack_with(api, (TEXTS / name).read_bytes(), "english", name)
    texts = {each["text"] for each in found_in(api, url, "cancellation parking")}
    assert "The cancellation fee is nine euros." in " ".join(texts)
    quoted = (TEXTS / "typographic-quotes.txt").read_text().strip()
    other = api.post(f"{url}documents/", {"title": "Q", "content": quoted}, "json")
    index_document(other.json()["id"])
    assert found_in(api, url, "priority lane")[0]["text"] == quoted
