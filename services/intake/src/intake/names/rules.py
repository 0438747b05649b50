"""When two names may be one, and why. Pure.

A name is folded to Latin words without marks, titles and legal forms, and to how it sounds; two
names are compared word by word. Better one hit too many, which a partner reads, than one too few.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from anyascii import anyascii
from rapidfuzz.distance import JaroWinkler

Kind = Literal["person", "company"]
Role = Literal["client", "prospect", "related", "adverse", "staff", "interest"]

ENOUGH = 0.83
_WORD_ENOUGH = 0.8
_SURE = 0.9


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _listed(
    "mr mrs ms miss mx dr prof professor sir dame lord lady rev hon herr frau hr fr dipl ing phd md"
    " med jr sr ii iii iv esq mag mme mlle monsieur madame senor senora don dona sri shri smt van"
    " von de der den del della dos los al el bin ibn bint ben the and und et of af av zu zur"
)
_LEGAL_FORMS = _listed(
    "ltd limited inc incorporated corp corporation co company llc llp lp plc pllc pc gmbh ag kg ohg"
    " ug kgaa mbh se sa sas sarl sprl srl spa snc bv nv vof oy oyj ab as asa aps kk gk pty pte sdn"
    " bhd jsc ojsc oao ooo zao pao doo dd sl slu ltda eirl cv sc ev eg gbr holding holdings group"
    " gruppe groupe gesellschaft aktiengesellschaft kaisha kabushiki yugen gaisha gongsi youxian"
    " zhushi hoesa jusik"
)
_SHORTENED = {
    "intl": "international", "int": "international", "natl": "national", "mfg": "manufacturing",
    "bros": "brothers", "assoc": "associates", "assn": "association", "univ": "university",
    "dept": "department", "svcs": "services", "svc": "services", "serv": "services",
    "tech": "technologies", "technology": "technologies", "sys": "systems", "eng": "engineering",
    "mgmt": "management", "ind": "industries", "indus": "industries", "inds": "industries",
    "const": "construction", "constr": "construction", "bldg": "building", "bldrs": "builders",
    "prop": "properties", "props": "properties", "property": "properties", "fin": "financial",
    "st": "saint", "ste": "sainte", "chas": "charles", "wm": "william", "geo": "george",
    "jas": "james", "jno": "john", "thos": "thomas", "robt": "robert", "ctr": "centre",
    "center": "centre", "hosp": "hospital", "med": "medical", "pharm": "pharmaceuticals",
    "pharma": "pharmaceuticals", "lab": "laboratories", "labs": "laboratories",
    "trans": "transport", "transp": "transport", "logist": "logistics",
}  # fmt: skip
_SAME_FIRST_NAMES = (
    "william will bill billy willie liam wilhelm guillaume guillermo guglielmo",
    "robert rob bob bobby bert roberto rupert", "richard rick dick ricky ricardo",
    "elizabeth liz beth betty eliza lisa elisabeth isabel elspeth lizzie",
    "margaret maggie peggy meg greta margarita marguerite",
    "james jim jimmy jamie diego iago jacques jakob jacob jack",
    "john jack johnny jon ivan juan jean johann johannes giovanni ioannis yiannis sean ian jan"
    " yohan hans joao ivo",
    "alexander alex sasha sandy alejandro aleksandr alessandro aleksander iskandar",
    "michael mike mick mikhail miguel michel michele mikael mihai",
    "joseph joe josef jose giuseppe yusuf yosef youssef", "edward ed eddie ted ned eduardo edoardo",
    "charles charlie chuck carlos karl carl carlo",
    "henry harry hank henri enrico enrique heinrich",
    "katherine kate katie kathy catherine kathryn ekaterina katarina katia katja cathy",
    "thomas tom tommy tomas", "daniel dan danny", "david dave davy dawid daud",
    "peter pete pedro pierre pietro pyotr petr petros piotr",
    "george georg jorge giorgio georgios jurgen yuri georgi",
    "stephen steven steve stefan esteban etienne stefano stephan istvan",
    "susan sue susie suzanne susanna", "patricia pat patty tricia trish",
    "anthony tony antonio antoine anton", "andrew andy drew andre andreas andrei andrzej",
    "christopher chris kit christoph cristobal",
    "nicholas nick nicolas nikolai nikolaos nikos klaus",
    "matthew matt matteo matthias mateo", "benjamin ben benny", "samuel sam sammy shmuel",
    "mary maria marie molly maryam miriam", "ann anna anne annie hannah anya ana",
    "helen helena elena eleni ellen", "paul pavel pablo paolo pavlos",
    "louis lewis luis luigi ludwig",
    "frederick fred freddy friedrich federico", "francis frank francisco franz francesco",
    "lawrence larry laurence lorenzo lars", "deborah deb debbie", "jennifer jen jenny",
    "muhammad mohammed mohamed muhammed mehmet mohammad mhmd", "abraham abe ibrahim avraham",
    "solomon suleiman salomon suleyman", "theodore ted teddy teodor fyodor", "gregory greg grigori",
    "timothy tim timofei", "eugene gene yevgeny evgeny eugenio", "vincent vince vincenzo vicente",
    "catarina caterina", "rebecca becky rivka rebekah rivkah",
)  # fmt: skip
_ALIASES: dict[str, frozenset[int]] = {}
for _number, _line in enumerate(_SAME_FIRST_NAMES):
    for _word in _line.split():
        _ALIASES[_word] = _ALIASES.get(_word, frozenset()) | {_number}


@dataclass(frozen=True, slots=True)
class Folded:
    """A name as it is compared: its words, how each sounds, and all its letters in a row."""

    words: tuple[str, ...]
    sounds: tuple[str, ...]
    letters: str

    @property
    def form(self) -> str:
        return " ".join(sorted(self.words))

    @property
    def sound(self) -> str:
        return " ".join(sorted(self.sounds))

    @property
    def initials(self) -> str:
        """`ibm`; empty for names of fewer than three words."""
        return "".join(word[0] for word in self.words) if len(self.words) > 2 else ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near two names are (1 is the same), and in words why."""

    score: float
    because: str


def fold(written: str) -> Folded:
    """Never without words: a name that is all title or all legal form keeps them."""
    spoken = [_SHORTENED.get(word, word) for word in _latin_words(written)]
    telling = [word for word in spoken if word not in _TITLES and word not in _LEGAL_FORMS]
    words = tuple(telling or spoken)
    return Folded(words, tuple(_sound(word) for word in words), "".join(spoken))


def is_same(one: str, other: str) -> bool:
    """Whether both are one name: the same words in any order, case and accents, however divided,
    titles aside; in another script those that are heard the same. A name that is only like it is
    another's: a spouse's, a child's."""
    mine, theirs = fold(one), fold(other)
    if mine.form == theirs.form or mine.letters == theirs.letters:
        return bool(mine.words)
    if _scripts(one) == _scripts(other):
        return False
    return mine.sound == theirs.sound or "".join(mine.sounds) == "".join(theirs.sounds)


def _scripts(written: str) -> set[str]:
    return {unicodedata.name(one, "?").split()[0] for one in written if one.isalpha()}


def likeness(one: Folded, other: Folded) -> Likeness | None:
    """None unless the two may be one: every word of the shorter must be found in the longer."""
    if not one.words or not other.words:
        return None
    if sorted(one.words) == sorted(other.words):
        reordered = one.words != other.words
        return Likeness(1.0, "the same words in another order" if reordered else "the same name")
    if "".join(sorted(one.words)) == "".join(sorted(other.words)) or one.letters == other.letters:
        return Likeness(0.97, "the same letters, divided otherwise")
    return _abbreviation(one, other) or _joined(one, other) or _word_by_word(one, other)


def _abbreviation(one: Folded, other: Folded) -> Likeness | None:
    for short, long in ((one, other), (other, one)):
        if len(short.words) == 1 and short.words[0] == long.initials:
            return Likeness(0.9, f"“{short.words[0].upper()}” are the initials of the other")
    return None


def _joined(one: Folded, other: Folded) -> Likeness | None:
    """Syllables written apart or together, with another spelling: Li Xiaolong, Lee Xiao Long."""
    if len(one.words) == len(other.words) or max(len(one.words), len(other.words)) < 3:
        return None
    straight = JaroWinkler.similarity("".join(one.words), "".join(other.words))
    if straight > 0.93:
        return Likeness(straight * 0.95, "nearly the same letters")
    heard, other_heard = _consonants(one), _consonants(other)
    if len(heard) > 3 and JaroWinkler.similarity(heard, other_heard) > 0.93:
        return Likeness(0.86, "the same consonants, divided otherwise")
    return None


def _consonants(name: Folded) -> str:
    return "".join(sound.removeprefix("a") for sound in name.sounds)


def _word_by_word(one: Folded, other: Folded) -> Likeness | None:
    short, long = sorted((one, other), key=lambda name: len(name.words))
    free = list(range(len(long.words)))
    scores, reasons = [], []
    for place, word in enumerate(short.words):
        best, at, why = 0.0, -1, ""
        for candidate in free:
            score, reason = _words(
                word, short.sounds[place], long.words[candidate], long.sounds[candidate]
            )
            if score > best:
                best, at, why = score, candidate, reason
        if best < _WORD_ENOUGH:
            return None
        free.remove(at)
        scores.append((best, max(len(word), 2)))
        reasons += [why] if why else []
    return _verdict(short, long, scores, reasons)


def _verdict(
    short: Folded, long: Folded, scores: Sequence[tuple[float, int]], reasons: Iterable[str]
) -> Likeness | None:
    """A single word must be nearly the same; of several, one must be sure and not an initial."""
    score = sum(one * weight for one, weight in scores) / sum(weight for _, weight in scores)
    sure = any(one >= _SURE and weight > 2 for one, weight in scores)
    if len(short.words) == 1 and len(long.words) > 1:
        score -= 0.06
    elif len(short.words) < len(long.words):
        score -= 0.02
        reasons = [*reasons, "the other name has more words"]
    both_vague = not sure and score < 0.86
    if score < ENOUGH or both_vague:
        return None
    return Likeness(round(score, 3), "; ".join(dict.fromkeys(reasons)) or "the same words")


def _words(word: str, sound: str, other: str, other_sound: str) -> tuple[float, str]:
    if word == other:
        return 1.0, ""
    if min(len(word), len(other)) == 1:
        initial = word[0] == other[0]
        return (
            (0.84, f"“{min(word, other, key=len).upper()}.” may be an initial")
            if initial
            else (0, "")
        )
    if _ALIASES.get(word, frozenset()) & _ALIASES.get(other, frozenset()):
        return 0.95, f"“{word}” and “{other}” are forms of one name"
    spelling = JaroWinkler.similarity(word, other)
    if len(sound) > 1 and sound == other_sound:
        clear = len(sound) > 2 or spelling >= 0.75
        return (0.93 if clear else 0.84), f"“{word}” sounds like “{other}”"
    unvoiced, other_unvoiced = sound.removeprefix("a"), other_sound.removeprefix("a")
    if len(unvoiced) > 1 and unvoiced == other_unvoiced:
        return 0.86, f"“{word}” and “{other}” have the same consonants"
    shorter = min(len(word), len(other))
    if shorter > 2 and sound == other_sound and spelling >= 0.8:
        return 0.85, f"“{word}” sounds like “{other}”"
    if (shorter > 3 and spelling >= 0.86) or (shorter == 3 and spelling >= 0.9):
        return spelling * 0.98, f"“{word}” is spelt nearly like “{other}”"
    if min(len(word), len(other)) > 2 and (word.startswith(other) or other.startswith(word)):
        return 0.85, f"“{min(word, other, key=len)}” may be short for “{max(word, other, key=len)}”"
    if min(len(sound), len(other_sound)) > 2 and JaroWinkler.similarity(sound, other_sound) > 0.9:
        return 0.84, f"“{word}” may sound like “{other}”"
    return 0.0, ""


def _latin_words(written: str) -> list[str]:
    """Latin, lower case, without marks; syllables of Han and Hangul are words of their own."""
    plain = unicodedata.normalize("NFKC", written).replace("’", "'").replace("&", " ")
    plain = _NATIVE_FORMS.sub(" ", plain)
    plain = re.sub(r"\bال(?=\w)", "", plain)  # the Arabic article
    plain = _HEBREW_VAV.sub("", plain).replace("ב", "b")
    plain = re.sub(r"['`´ʿʾ]", "", plain)
    plain = re.sub(r"(?<=\b[^\W\d_])\.(?=[^\W\d_]\b)", "", plain)  # I.B.M. → IBM
    latin = " ".join(_latin(run) for _, run in _by_script(plain))
    return re.findall(r"[a-z0-9]+", latin.lower())


def _by_script(text: str) -> Iterable[tuple[bool, str]]:
    for syllabic, letters in groupby(text, key=_is_syllabic):
        yield syllabic, "".join(letters)


def _latin(run: str) -> str:
    latin = re.sub(r"['`]", "", anyascii(run))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", latin) if _is_syllabic(run[0]) else latin


def _is_syllabic(letter: str) -> bool:
    """Han or Hangul."""
    return "\u3400" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3"


# Legal forms in their own script, which nothing separates from the name.
_NATIVE_FORMS = re.compile(
    "株式会社|有限会社|合同会社|股份有限公司|有限公司|公司|주식회사|유한회사|شركة"
)
# Within a Hebrew word vav is mostly a vowel, which others write o, u, or not at all.
_HEBREW_VAV = re.compile(r"(?<=[\u0590-\u05ff])ו(?=[\u0590-\u05ff]{2})")


# What one ear hears and another writes otherwise; the longer spellings come first.
_HEARD = (
    ("tsch", "c"), ("tch", "c"), ("tsh", "c"), ("sch", "s"), ("sh", "s"), ("ch", "k"), ("cz", "c"),
    ("cs", "c"), ("zh", "s"), ("kh", "k"), ("gh", "k"), ("ph", "f"), ("th", "t"), ("ts", "s"),
    ("tz", "s"), ("ck", "k"), ("dj", "j"), ("dz", "s"), ("qu", "k"), ("ks", "x"), ("sz", "s"),
    ("oy", "u"), ("c", "k"), ("q", "k"), ("z", "s"), ("w", "v"), ("y", "i"), ("j", "i"), ("g", "k"),
    ("h", ""),
)  # fmt: skip


def _sound(word: str) -> str:
    """Its consonants as they are heard, doubled ones once; a vowel counts at the beginning."""
    heard = word
    for spelt, said in _HEARD:
        heard = heard.replace(spelt, said)
    vowels = "aeiou"
    if word[0] == "h":  # some scripts write the vowels after it, others do not
        heard = heard.lstrip(vowels) or heard
    first = "a" if heard[:1] in tuple(vowels) else heard[:1]
    rest = "".join(letter for letter in heard[1:] if letter not in vowels)
    return "".join(letter for letter, _ in groupby(first + rest)) or word[:1]
