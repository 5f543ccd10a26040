"""Words that do not tell one question from another, by language."""

# Words of questions that say little of what a question is about, as stems. Where
# the language is not known nothing is stemmed, and nothing left out before.
FILLERS = {
    "simple": frozenset(
        """
        about and any are can could das del der des did die dies does een een est for
        from get give has have het how ich ist las les long los make many may much need
        next our pour qual quand que qui see should sie some take tell that the their
        there they this und use van von was wat what when where which who why wie will
        with would you your
        """.split()
    ),
    "english": frozenset(
        """
        abl actual ad ago also ani anyon anyth ask avail back best bit bought bring buy
        come condit could day detail differ dont either els ever everi everyth exact
        explain fast find first follow get give go good got happen hello help hey hi
        hour info inform instruct item kind know last let like long look lot made make
        mani may mayb mean method might mine minut month much must need never new noth
        number offer often okay option pleas polici possibl problem process product
        provid purchas put question quick realli receiv regard right rule run say see
        sell send servic show simpl someon someth soon start still stuff sure take tell
        thank thing think time today tri type understand usual valu via want way week
        welcom well whether wish wonder work would year yes yesterday yet
        """.split()
    ),
    "german": frozenset(
        """
        anbiet angebot bekomm bitt brauch dank darf dauert dau eigent find frag geb geht
        genau gern gibt hallo hatt hilf info information koenn könn kann kauf lang mach
        mocht möcht muss sag schon soll tun verkauf viel weiss weiß welch wer wiss woll
        wurd würd
        """.split()
    ),
    "spanish": frozenset(
        """
        com cual cuand cuant dec digam dond favor graci hac hol inform necesit podr
        pued quien quier quis sab ser
        """.split()
    ),
}
# They tell one statement from another, but are rarely what a question is about.
NUMBERS = frozenset(
    """
    one two three four five six seven eight nine ten eins zwei drei vier fünf sech
    sieb acht neun zehn
    """.split()
)
