"""Whether an answer leaves its question open, whoever wrote it."""

import re

APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "´": "'"})
# How an agent says that it does not know, in every language of `phrases`.
OPEN = re.compile(
    r"\b(?:i (?:don't|do not) (?:know|have (?:any |enough |that )?information)|"
    r"i (?:couldn't|could not|can't|cannot) (?:find|answer)|i'm not sure about|"
    r"i found nothing|i have no (?:information|documents)|"
    r"(?:das weiß ich|weiß ich|ich weiß es) (?:leider )?nicht|weiß ich nichts|"
    r"ich habe (?:dazu |darüber )?(?:leider )?keine (?:informationen|dokumente)|"
    r"je ne sais pas|je n'ai pas d'informations?|"
    r"no lo sé|no tengo información|non lo so|non so nulla|non ho informazioni|"
    r"não sei|não tenho informaç(?:ão|ões)|"
    r"(?:dat weet ik|ik weet (?:dat|het)) (?:helaas )?niet|weet ik niets|"
    r"det vet jag (?:tyvärr )?inte|vet jag inget|"
    r"det ved jeg (?:desværre )?ikke|ved jeg intet|"
    r"det vet jeg (?:dessverre )?ikke|vet jeg ingenting|"
    r"en (?:valitettavasti )?tiedä|en osaa vastata)\b"
)
# What comes later in a long answer is a remark, not the answer.
HEARD = 2_000


def leaves_open(answer: str) -> bool:
    """Say whether an answer admits that it does not know, in whole or in part."""
    return bool(OPEN.search(answer[:HEARD].lower().translate(APOSTROPHES)))
