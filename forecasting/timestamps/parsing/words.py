"""Words of dates in seven languages: months, weekdays, and names of columns."""

import re
import unicodedata

MONTHS = (  # English, German, French, Spanish, Italian, Portuguese, Dutch
    "january januar janner janvier enero gennaio janeiro januari",
    "february februar feber fevrier febrero febbraio fevereiro februari",
    "march marz maerz mrz mars marzo marco maart mrt",
    "april avril abril aprile",
    "may mai mayo maggio maio mei",
    "june juni juno juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august aout agosto augustus",
    "september septembre septiembre setiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember decembre diciembre dicembre dezembro",
)
WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi sabato domenica "
    "segunda terca quarta quinta sexta "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"
)
SHORT_WEEKDAYS = "mo di mi do fr sa so"
MIN_ABBREVIATION = 3

COLUMN_WORDS = {  # the unit of time that a column's name says
    "year": "year yr jahr annee ano anno jaar",
    "month": "month mon mth monat mois mes mese maand",
    "quarter": "quarter qtr quartal trimestre kwartaal",
    "week": "week wk woche kw kalenderwoche isoweek semaine semana settimana",
    "day": "day tag jour dia giorno dag dom",
    "hour": "hour hr stunde heure hora ora uur uhrzeit time zeit tijd",
    "minute": "minute min",
    "second": "second sec sekunde",
    "date": "date datum datetime timestamp ds dt fecha data dato zeitpunkt "
    "zeitstempel horodatage epoch unix ts time zeit tijd tempo temps tiempo "
    "period periode periodo moment fy",
}
OF_YEAR = ("dayofyear", "yearday", "doy")
NO_DATES = ("dayofweek", "weekday", "dow", "wochentag")
SUFFIXES = ("start", "begin", "end", "utc", "local", "iso", "id", "code", "no", "nr")
COMPOUND = (  # Bestelldatum, orderdate; not update
    r"(?:datum|monat|woche|jahr|quartal|"
    r"(?<=order)date|(?<=sale)date|(?<=sales)date|(?<=start)date|(?<=trade)date)$"
)


def plain(text: str) -> str:
    """Return a text in small letters, without accents and rare kinds of spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
        text = text.replace("\u2013", "-").replace("\u2019", "'")
        text = re.sub(r"\s", " ", text)
    return text.lower()


def _abbreviations() -> dict[str, int]:
    """Return the month of each name, and of each beginning that only one has."""
    months: dict[str, set[int]] = {}
    for number, names in enumerate(MONTHS, start=1):
        for name in names.split():
            for end in range(MIN_ABBREVIATION, len(name) + 1):
                months.setdefault(name[:end], set()).add(number)
    return {name: min(numbers) for name, numbers in months.items() if len(numbers) == 1}


MONTH_NUMBERS = _abbreviations()
MONTH_PATTERN = "(?:" + "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True)) + ")"
_WEEKDAY_NAMES = {
    name[:end]
    for name in WEEKDAYS.split()
    for end in (2, 3, 4, len(name))
    if end >= MIN_ABBREVIATION
} | set(SHORT_WEEKDAYS.split())
WEEKDAY_PATTERN = "(?:" + "|".join(sorted(_WEEKDAY_NAMES, key=len, reverse=True)) + ")"
_UNITS_BY_WORD: dict[str, list[str]] = {}
for _unit, _words in COLUMN_WORDS.items():
    for _word in _words.split():
        _UNITS_BY_WORD.setdefault(_word, []).append(_unit)


def units_of_name(name: str) -> list[str]:
    """Return the units of time that a column's name says: the last word decides.

    ``order_date`` says a date and ``Kalenderwoche`` a week; ``monthly_revenue`` and
    ``month_sales`` say neither.
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    split = re.sub(r"\(.*?\)|\[.*?\]", " ", split)
    words = re.findall(r"[a-z]+", plain(split))
    joined = "".join(words)
    if joined in OF_YEAR:
        return ["yearday"]
    if not words or joined in NO_DATES:
        return []
    if words[-1] in SUFFIXES:
        words = words[:-1] or words
    if "of" in words[1:]:  # week of year
        words = words[: words.index("of", 1)]
    compound = re.search(COMPOUND, words[-1])
    default = _UNITS_BY_WORD[compound[0]] if compound else []
    return _UNITS_BY_WORD.get(words[-1], default)


def says_date(name: str) -> bool:
    """Test if a column's name says that it holds dates or parts of them."""
    return bool(units_of_name(name))
