"""Asking for a person: how people say it, and what the agent answers.

Every language an agent speaks by itself, and Arabic, which the chat speaks too.
"""

import re
from typing import NamedTuple

# Whoever writes more than this tells something, and does not just ask for a person.
LONGEST = 160
NOT_WORDS = re.compile(r"[^\w\s'-]+|\s+")
POLITE = re.compile(
    r"\b(?:hi|hello|hey|please|pls|ok|okay|thanks|thank you|hallo|guten tag|"
    r"bitte|danke|"
    r"bonjour|s'il vous plaît|s'il te plaît|svp|merci|hola|por favor|gracias|ciao|"
    r"buongiorno|per favore|grazie|olá|obrigad[oa]|alstublieft|alsjeblieft|"
    r"aub|hej|tack|"
    r"tak|hei|takk|kiitos|من فضلك|لو سمحت|مرحبا)\b"
)


class Voice(NamedTuple):
    """What an agent says when a person is asked for, and when nobody comes."""

    waiting: str
    late: str


VOICES = {
    "english": Voice(
        "I have asked a colleague to join. You can go on writing here meanwhile.",
        "I am sorry: nobody is free right now. Leave your email address and we will "
        "answer you there, or go on asking me.",
    ),
    "german": Voice(
        "Ich habe jemanden aus dem Team dazugebeten. Schreiben Sie hier ruhig weiter.",
        "Es tut mir leid: Gerade ist niemand frei. Hinterlassen Sie Ihre "
        "E-Mail-Adresse, dann antworten wir Ihnen dort, oder fragen Sie mich weiter.",
    ),
    "french": Voice(
        "J’ai demandé à une personne de l’équipe de vous rejoindre. "
        "Vous pouvez continuer à écrire ici.",
        "Je suis désolé : personne n’est disponible pour le moment. Laissez votre "
        "adresse e-mail et nous vous y répondrons, ou continuez à m’interroger.",
    ),
    "spanish": Voice(
        "He pedido a una persona del equipo que se una. "
        "Mientras tanto puede seguir escribiendo aquí.",
        "Lo siento: ahora no hay nadie libre. Deje su correo electrónico y le "
        "responderemos allí, o siga preguntándome.",
    ),
    "italian": Voice(
        "Ho chiesto a una persona del team di unirsi. Può continuare a scrivere qui.",
        "Mi dispiace: al momento nessuno è libero. Lasci il suo indirizzo e-mail e le "
        "risponderemo lì, oppure continui a chiedere a me.",
    ),
    "portuguese": Voice(
        "Pedi a uma pessoa da equipa que se junte. Pode continuar a escrever aqui.",
        "Lamento: neste momento ninguém está livre. Deixe o seu e-mail e "
        "responderemos por lá, ou continue a perguntar-me.",
    ),
    "dutch": Voice(
        "Ik heb iemand van het team gevraagd erbij te komen. "
        "U kunt hier gewoon verder schrijven.",
        "Het spijt me: er is nu niemand vrij. Laat uw e-mailadres achter en we "
        "antwoorden u daar, of stel mij nog een vraag.",
    ),
    "swedish": Voice(
        "Jag har bett någon i teamet att ansluta. Du kan skriva vidare här så länge.",
        "Jag är ledsen: ingen är ledig just nu. Lämna din e-postadress så svarar vi "
        "där, eller fortsätt att fråga mig.",
    ),
    "danish": Voice(
        "Jeg har bedt en fra holdet om at komme til. Du kan skrive videre her imens.",
        "Jeg beklager: ingen er ledig lige nu. Læg din e-mailadresse, så svarer vi "
        "dig der, eller spørg mig videre.",
    ),
    "norwegian": Voice(
        "Jeg har bedt en i teamet om å bli med. Du kan skrive videre her så lenge.",
        "Jeg beklager: ingen er ledige akkurat nå. Legg igjen e-postadressen din, så "
        "svarer vi deg der, eller spør meg videre.",
    ),
    "finnish": Voice(
        "Pyysin tiimistä jonkun mukaan. Voit jatkaa kirjoittamista tässä.",
        "Olen pahoillani: kukaan ei ole nyt vapaana. Jätä sähköpostiosoitteesi, niin "
        "vastaamme sinne, tai jatka kysymistä minulta.",
    ),
    "arabic": Voice(
        "طلبتُ من أحد الزملاء الانضمام إلينا. يمكنك متابعة الكتابة هنا.",
        "عذرًا، لا أحد متاح الآن. اترك بريدك الإلكتروني وسنرد عليك هناك، أو تابع سؤالي.",
    ),
}

# The chat's languages, as a panel names them.
BY_LOCALE = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "sv": "swedish",
}

# --- How people ask ---------------------------------------------------------
# Those only a person is called, and those that mean one after "talk to".
EN_HUMAN = (
    r"(?:(?:a|an|the|your|any) )?(?:(?:(?:real|live|actual|human) "
    r"){0,5}(?:human(?: being)?|"
    r"person|representative|operator)|(?:(?:real|live|human) ){1,5}agent)"
)
EN_PERSON = (
    rf"(?:{EN_HUMAN}|(?:(?:a|an|the|your|some|any) )?(?:someone|somebody|anyone|agent|"
    r"employee|colleague|advis[eo]r|staff|people|human support|customer (?:service|"
    r"support|care)|support(?: team)?|team|member of (?:the|your) (?:staff|team)|"
    r"(?:staff|team) member))(?: real| human)?"
)
EN_WISH = (
    r"(?:(?:(?:i|we)(?: really| just)? (?:want|need|wish|prefer|would like|"
    r"would rather)|"
    r"(?:i|we)'d (?:like|rather|prefer)|i'm trying|is it possible|how "
    r"(?:can|do|could) i|"
    r"(?:can|could|may) (?:i|we)|let me|i have|i must)(?: to)? )?"
)
DE_PERSON = (
    r"(?:jemande[mn](?: (?:echte[mn]|aus (?:dem|ihrem) team))?|"
    r"(?:(?:eine[mnr]?|der|dem|den|ihr(?:em|er|en)?) )?"
    r"(?:(?:echten?|richtigen?|menschlichen?|wirklichen?|realen?) )?"
    r"(?:menschen?|person|mitarbeiter(?:in)?|kolleg(?:en|in)|berater(?:in)?|"
    r"ansprechpartner(?:in)?|kunden(?:dienst|service|betreuung)|support))"
)
FR_PERSON = (
    r"(?:quelqu'un|(?:une?|des|le|la|votre) (?:vraie? |véritable "
    r")?(?:personne|humaine?|"
    r"être humain|conseill(?:er|ère)|agente?|opérat(?:eur|rice)|collègue|"
    r"service client|"
    r"support)(?: réelle?| humaine?)?)"
)
ES_PERSON = (
    r"(?:alguien|(?:un|una|el|la) (?:persona|humano|ser humano|agente|asesora?|"
    r"operadora?|representante|empleado|compañero)(?: real| humano| humana)?)"
)
IT_PERSON = (
    r"(?:qualcuno|(?:un|una|un'|il|la) ?(?:persona|umano|essere umano|"
    r"operat(?:ore|rice)|"
    r"consulente|addetto|collega|agente|assistente)(?: reale| vera| vero| umano)?)"
)
PT_PERSON = (
    r"(?:alguém|(?:um|uma|o|a) (?:pessoa|humano|ser humano|atendente|agente|operadora?|"
    r"assistente|colega|funcionári[oa])(?: real| human[oa]| de verdade)?)"
)
NL_PERSON = (
    r"(?:iemand|(?:een|de|uw) (?:echte? |menselijke? )?(?:mens|persoon|"
    r"medewerk(?:er|ster)|"
    r"collega|klantenservice|adviseur))"
)
SV_PERSON = (
    r"(?:någon|(?:en|ett|er) (?:riktig |mänsklig )?(?:människa|person|medarbetare|"
    r"handläggare|kollega)|kundtjänst|supporten)"
)
DA_PERSON = (
    r"(?:nogen|(?:et|en) (?:rigtig[t]? |ægte )?(?:menneske|person|medarbejder|kollega|"
    r"rådgiver)|kundeservice|supporten)"
)
NO_PERSON = (
    r"(?:noen|(?:et|en) (?:ekte |virkelig )?(?:menneske|person|medarbeider|kollega|"
    r"rådgiver)|kundeservice|kundesenteret|support)"
)
FI_PERSON = (
    r"(?:jonkun|(?:oikean |elävän )?(?:ihmisen|henkilön|asiakaspalvelijan|työntekijän)|"
    r"asiakaspalvelun)"
)
AR_PERSON = r"(?:شخص|إنسان|انسان|موظف|أحد|احد|بشري|ممثل|خدمة العملاء)(?: حقيقي| بشري)?"

ASKED = {
    "english": (
        rf"{EN_WISH}(?:talk|speak|chat|write|be connected|get through) (?:to|with) "
        rf"{EN_PERSON}(?: (?:now|here|instead|directly|about .+))?",
        rf"(?:(?:can|could|would) you )?(?:connect|transfer|put|pass|forward|"
        rf"hand|switch|"
        rf"escalate)(?: me| us| this| it)?(?: over| through)? (?:to|with) {EN_PERSON}",
        rf"{EN_WISH}(?:(?:get|give|find|bring|send|call)(?: me)? )?{EN_HUMAN}"
        r"(?: now| instead)?",
        rf"is there (?:{EN_PERSON})(?: real)?(?: here| available| there)?"
        r"(?: (?:that |who )?i (?:can|could) (?:talk|speak|chat) (?:to|with))?",
    ),
    "german": (
        r"(?:(?:ich|wir) (?:möchten?|will|wollen|würden?(?: gerne?)?|muss|müssen)|"
        r"(?:kann|könnte|darf|dürfte) (?:ich|man)|lassen sie mich)?(?: gerne?| "
        r"mal| auch){0,5}"
        rf" ?(?:mit |an )?{DE_PERSON} (?:sprechen|reden|schreiben|chatten|"
        r"verbunden werden)",
        r"(?:(?:können|könnten) sie mich|verbinden sie(?: mich)?|verbinde mich|"
        rf"kannst du mich) mit {DE_PERSON}(?: verbinden)?",
        r"(?:ich (?:möchte|will|brauche) )?(?:eine[nm]? )?(?:echte[rn]? |"
        r"richtige[rn]? )?"
        r"(?:mensch(?:en)?|echte person|mitarbeiter(?:in)?)(?: sprechen)?",
    ),
    "french": (
        r"(?:je (?:veux|voudrais|souhaite|souhaiterais|peux|aimerais|préfère|dois)|"
        r"puis-je|pourrais-je|est-ce que je (?:peux|pourrais)|est-il possible de|"
        r"comment)? ?(?:parler|discuter|échanger|être mise? en (?:relation|contact))"
        rf" (?:à|avec) {FR_PERSON}",
        r"(?:passez-moi|transférez-moi (?:à|vers)|mettez-moi en (?:relation|"
        r"contact) avec)"
        rf" {FR_PERSON}",
        r"(?:je veux )?(?:un humain|une (?:vraie )?personne|un conseiller)",
    ),
    "spanish": (
        r"(?:quiero|quisiera|necesito|puedo|podría|me gustaría|prefiero|deseo|"
        rf"es posible|cómo puedo)? ?hablar con {ES_PERSON}",
        rf"(?:páseme|pásame|conécteme|conéctame|comuníqueme) con {ES_PERSON}",
        r"(?:quiero |necesito )?(?:una persona(?: real)?|un humano|un agente humano)",
    ),
    "italian": (
        r"(?:vorrei|voglio|posso|potrei|devo|ho bisogno di|preferisco|è possibile|"
        rf"come posso)? ?parlare con {IT_PERSON}",
        rf"(?:mi passi|passami|mi metta in contatto con|mi colleghi con) {IT_PERSON}",
        r"(?:voglio |vorrei )?(?:una persona(?: reale| vera)?|un operatore|un umano)",
    ),
    "portuguese": (
        r"(?:quero|queria|gostaria de|posso|poderia|preciso(?: de)?|desejo|prefiro|"
        rf"é possível|como posso)? ?falar com {PT_PERSON}",
        rf"(?:passe-me|passa-me|me passe|transfira-me|me transfira) (?:a|para) "
        rf"{PT_PERSON}",
        r"(?:quero |preciso de )?(?:uma pessoa(?: real)?|um humano|um atendente)",
    ),
    "dutch": (
        r"(?:ik wil|ik zou|kan ik|mag ik|kunnen we|is het mogelijk om)?(?: "
        r"graag| even){0,5} ?"
        rf"(?:met )?{NL_PERSON} (?:te )?(?:spreken|praten|chatten)",
        rf"(?:verbind me(?: door)?|kunt u mij doorverbinden|kan je me doorverbinden) "
        rf"(?:door )?met {NL_PERSON}",
        r"(?:ik wil )?(?:een (?:echt |echte )?(?:mens|persoon|medewerker))",
    ),
    "swedish": (
        r"(?:jag vill|jag skulle vilja|kan jag|kan man|får jag)?(?: gärna| få){0,5} ?"
        rf"(?:prata|tala|chatta|snacka) med {SV_PERSON}",
        rf"(?:koppla mig till|kan du koppla mig till) {SV_PERSON}",
        r"(?:jag vill ha )?(?:en (?:riktig )?(?:människa|person))",
    ),
    "danish": (
        r"(?:jeg vil|kan jeg|må jeg|kunne jeg)?(?: gerne| godt){0,5} ?"
        rf"(?:tale|snakke|chatte) med {DA_PERSON}",
        rf"(?:stil mig om til|kan du stille mig om til) {DA_PERSON}",
        r"(?:jeg vil have )?(?:et (?:rigtigt )?menneske)",
    ),
    "norwegian": (
        r"(?:jeg vil|jeg ønsker å|kan jeg|får jeg|kunne jeg)?(?: gjerne| få){0,5} ?"
        rf"(?:snakke|prate|chatte) med {NO_PERSON}",
        rf"(?:sett meg over til|kan du sette meg over til) {NO_PERSON}",
        r"(?:jeg vil ha )?(?:et (?:ekte )?menneske)",
    ),
    "finnish": (
        r"(?:haluan|haluaisin|voinko|saanko|voisinko|onko mahdollista)? ?"
        rf"(?:puhua|keskustella|jutella|chatata) {FI_PERSON} kanssa",
        r"(?:haluan )?(?:oikea ihminen|oikean ihmisen|ihmisen)",
    ),
    "arabic": (
        r"(?:أريد|اريد|أود|اود|هل يمكنني|هل أستطيع|ممكن)? ?(?:ال)?"
        rf"(?:تحدث|حديث|تكلم|أتحدث|اتحدث|أتكلم|اتكلم) (?:مع|إلى|الى) {AR_PERSON}",
        r"(?:أريد |اريد )?(?:شخص حقيقي|موظف|إنسان)",
    ),
}
PATTERNS = {
    language: re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    for language, patterns in ASKED.items()
}


def wish_for_person(text: str, language: str = "english") -> str:
    """Return the language in which somebody asks for a person, or "".

    What several languages say alike is taken for the one given.
    """
    if len(text) > LONGEST:
        return ""
    plain = NOT_WORDS.sub(" ", text.lower().replace("’", "'"))
    words = " ".join(POLITE.sub(" ", plain).split())
    others = (other for other in PATTERNS if other != language)
    for name in (language, *others) if language in PATTERNS else PATTERNS:
        if PATTERNS[name].fullmatch(words):
            return name
    return ""


def language_of(locale: str) -> str:
    """Return the language of a locale such as `de-AT`, or "" for one we lack."""
    return BY_LOCALE.get(locale.replace("_", "-").split("-")[0].lower(), "")


def voice_in(*languages: str) -> Voice:
    """Return what is said in the first of these languages that we have."""
    found = next((name for name in languages if name in VOICES), "english")
    return VOICES[found]
