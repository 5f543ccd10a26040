"""What an agent without a model says itself, in every language a pack can have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    hello: str
    ask_about: str
    ask: str
    either: str
    well: str
    welcome: str
    goodbye: str
    identity: str
    refusal: str
    unknown: str
    unknown_part: str
    unread: str


ENGLISH = Phrases(
    hello="Hello! I’m {name}.",
    ask_about="You can ask me about {topics}.",
    ask="How can I help you?",
    either="or",
    well="I’m well, thank you.",
    welcome="You’re welcome!",
    goodbye="Goodbye, and thank you for stopping by!",
    identity="I’m {name}, an AI assistant. I answer from the documents I was given.",
    refusal="I can’t share or change my instructions.",
    unknown="I don’t know. I found nothing about that in my documents.",
    unknown_part="About “{question}” I don’t know: I found nothing in my documents.",
    unread="I don’t know. I have no documents to answer from yet.",
)
GERMAN = Phrases(
    hello="Hallo! Ich bin {name}.",
    ask_about="Sie können mich zu {topics} fragen.",
    ask="Wie kann ich Ihnen helfen?",
    either="oder",
    well="Mir geht es gut, danke.",
    welcome="Gern geschehen!",
    goodbye="Auf Wiedersehen und danke für Ihren Besuch!",
    identity=(
        "Ich bin {name}, ein KI-Assistent. "
        "Ich antworte aus den Dokumenten, die man mir gegeben hat."
    ),
    refusal="Meine Anweisungen kann ich weder zeigen noch ändern.",
    unknown="Das weiß ich nicht. In meinen Dokumenten steht nichts dazu.",
    unknown_part="Zu „{question}“ weiß ich nichts: In meinen Dokumenten steht nichts.",
    unread="Das weiß ich nicht. Ich habe noch keine Dokumente.",
)
FRENCH = Phrases(
    hello="Bonjour ! Je suis {name}.",
    ask_about="Vous pouvez m’interroger sur {topics}.",
    ask="Comment puis-je vous aider ?",
    either="ou",
    well="Je vais bien, merci.",
    welcome="Je vous en prie !",
    goodbye="Au revoir et merci de votre visite !",
    identity=(
        "Je suis {name}, un assistant IA. "
        "Je réponds à partir des documents que l’on m’a donnés."
    ),
    refusal="Je ne peux ni montrer ni modifier mes instructions.",
    unknown="Je ne sais pas. Mes documents n’en disent rien.",
    unknown_part=(
        "Pour « {question} », je ne sais pas : mes documents n’en disent rien."
    ),
    unread="Je ne sais pas. Je n’ai pas encore de documents.",
)
SPANISH = Phrases(
    hello="¡Hola! Soy {name}.",
    ask_about="Puede preguntarme sobre {topics}.",
    ask="¿En qué puedo ayudarle?",
    either="o",
    well="Estoy bien, gracias.",
    welcome="¡De nada!",
    goodbye="¡Adiós y gracias por su visita!",
    identity=(
        "Soy {name}, un asistente de IA. "
        "Respondo a partir de los documentos que me dieron."
    ),
    refusal="No puedo mostrar ni cambiar mis instrucciones.",
    unknown="No lo sé. Mis documentos no dicen nada sobre eso.",
    unknown_part="Sobre «{question}» no lo sé: mis documentos no dicen nada.",
    unread="No lo sé. Todavía no tengo documentos.",
)
ITALIAN = Phrases(
    hello="Buongiorno! Sono {name}.",
    ask_about="Può chiedermi di {topics}.",
    ask="Come posso aiutarla?",
    either="o",
    well="Sto bene, grazie.",
    welcome="Prego!",
    goodbye="Arrivederci e grazie della visita!",
    identity=(
        "Sono {name}, un assistente IA. Rispondo in base ai documenti che ho ricevuto."
    ),
    refusal="Non posso mostrare né cambiare le mie istruzioni.",
    unknown="Non lo so. I miei documenti non ne parlano.",
    unknown_part="Su «{question}» non so nulla: i miei documenti non ne parlano.",
    unread="Non lo so. Non ho ancora documenti.",
)
PORTUGUESE = Phrases(
    hello="Olá! Sou {name}.",
    ask_about="Pode perguntar-me sobre {topics}.",
    ask="Como posso ajudar?",
    either="ou",
    well="Estou bem, obrigado.",
    welcome="De nada!",
    goodbye="Até logo e obrigado pela visita!",
    identity=(
        "Sou {name}, um assistente de IA. "
        "Respondo a partir dos documentos que me deram."
    ),
    refusal="Não posso mostrar nem alterar as minhas instruções.",
    unknown="Não sei. Os meus documentos não dizem nada sobre isso.",
    unknown_part="Sobre «{question}» não sei: os meus documentos não dizem nada.",
    unread="Não sei. Ainda não tenho documentos.",
)
DUTCH = Phrases(
    hello="Hallo! Ik ben {name}.",
    ask_about="U kunt mij vragen stellen over {topics}.",
    ask="Hoe kan ik u helpen?",
    either="of",
    well="Het gaat goed, dank u.",
    welcome="Graag gedaan!",
    goodbye="Tot ziens en bedankt voor uw bezoek!",
    identity=(
        "Ik ben {name}, een AI-assistent. "
        "Ik antwoord uit de documenten die ik heb gekregen."
    ),
    refusal="Ik kan mijn instructies niet tonen of wijzigen.",
    unknown="Dat weet ik niet. In mijn documenten staat daar niets over.",
    unknown_part=(
        "Over “{question}” weet ik niets: mijn documenten zeggen er niets over."
    ),
    unread="Dat weet ik niet. Ik heb nog geen documenten.",
)
SWEDISH = Phrases(
    hello="Hej! Jag är {name}.",
    ask_about="Du kan fråga mig om {topics}.",
    ask="Hur kan jag hjälpa dig?",
    either="eller",
    well="Jag mår bra, tack.",
    welcome="Varsågod!",
    goodbye="Hej då och tack för besöket!",
    identity="Jag är {name}, en AI-assistent. Jag svarar utifrån mina dokument.",
    refusal="Jag kan varken visa eller ändra mina instruktioner.",
    unknown="Det vet jag inte. Mina dokument säger inget om det.",
    unknown_part="Om ”{question}” vet jag inget: mina dokument säger inget.",
    unread="Det vet jag inte. Jag har inga dokument än.",
)
DANISH = Phrases(
    hello="Hej! Jeg er {name}.",
    ask_about="Du kan spørge mig om {topics}.",
    ask="Hvordan kan jeg hjælpe dig?",
    either="eller",
    well="Jeg har det godt, tak.",
    welcome="Det var så lidt!",
    goodbye="Farvel og tak for besøget!",
    identity="Jeg er {name}, en AI-assistent. Jeg svarer ud fra mine dokumenter.",
    refusal="Jeg kan hverken vise eller ændre mine instruktioner.",
    unknown="Det ved jeg ikke. Mine dokumenter siger intet om det.",
    unknown_part="Om “{question}” ved jeg intet: mine dokumenter siger intet.",
    unread="Det ved jeg ikke. Jeg har ingen dokumenter endnu.",
)
NORWEGIAN = Phrases(
    hello="Hei! Jeg er {name}.",
    ask_about="Du kan spørre meg om {topics}.",
    ask="Hvordan kan jeg hjelpe deg?",
    either="eller",
    well="Jeg har det bra, takk.",
    welcome="Bare hyggelig!",
    goodbye="Ha det bra og takk for besøket!",
    identity="Jeg er {name}, en KI-assistent. Jeg svarer ut fra dokumentene mine.",
    refusal="Jeg kan verken vise eller endre instruksjonene mine.",
    unknown="Det vet jeg ikke. Dokumentene mine sier ingenting om det.",
    unknown_part="Om «{question}» vet jeg ingenting: dokumentene mine sier ingenting.",
    unread="Det vet jeg ikke. Jeg har ingen dokumenter ennå.",
)
FINNISH = Phrases(
    hello="Hei! Olen {name}.",
    ask_about="Voit kysyä minulta näistä: {topics}.",
    ask="Miten voin auttaa?",
    either="tai",
    well="Kiitos, hyvää kuuluu.",
    welcome="Ole hyvä!",
    goodbye="Näkemiin ja kiitos käynnistä!",
    identity="Olen {name}, tekoälyavustaja. Vastaan saamieni asiakirjojen pohjalta.",
    refusal="En voi näyttää enkä muuttaa ohjeitani.",
    unknown="En tiedä. Asiakirjoissani ei ole siitä mitään.",
    unknown_part=(
        "Kysymykseen ”{question}” en osaa vastata: asiakirjoissani ei ole mitään."
    ),
    unread="En tiedä. Minulla ei ole vielä asiakirjoja.",
)

BY_LANGUAGE = {
    "danish": DANISH,
    "dutch": DUTCH,
    "english": ENGLISH,
    "finnish": FINNISH,
    "french": FRENCH,
    "german": GERMAN,
    "italian": ITALIAN,
    "norwegian": NORWEGIAN,
    "portuguese": PORTUGUESE,
    "spanish": SPANISH,
    "swedish": SWEDISH,
}


def phrases_in(language: str) -> Phrases:
    """Return the phrases of a language; English where it is any language."""
    return BY_LANGUAGE.get(language, ENGLISH)


def listed(topics: tuple[str, ...], either: str) -> str:
    """Join titles as one says them: a, b or c."""
    if len(topics) < 2:
        return "".join(topics)
    return f"{', '.join(topics[:-1])} {either} {topics[-1]}"
