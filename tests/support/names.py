"""Many different names, the same in every run: first names and surnames made of syllables as people
have them."""

import random
from collections.abc import Iterator

_FIRST = (
    "Ann Maria John Peter Paul Laura Emma Noah Liam Olivia Mia Lucas Leon Sofia Elena Marco Luca"
    " Giulia Hugo Louis Alice Jules Chloe Lea Nina Tim Jonas Felix Clara Ida Oskar Emil Freya Nora"
    " Erik Lars Ingrid Astrid Sven Olga Irina Sergei Boris Vera Tamara Pavel Anton Mila Milan Petra"
    " Zofia Marek Piotr Agata Ahmed Omar Layla Salma Karim Nadia Hassan Amina Tariq Samir Wei Jing"
    " Hua Ming Lin Yan Chen Bo Hiro Kenji Akira Yumi Sakura Naoki Priya Raj Arjun Anita Vikram"
    " Sunil Kofi Ama Kwame Abena Chidi Ngozi Tunde Bisi Diego Carlos Lucia Carmen Pablo Rosa Miguel"
    " Ines"
)
_BEGIN = "Ba Be Bo Bra Ca Cha Co Da De Do Dra Fa Fe Fo Ga Ge Go Gra Ha He Ho Ja Jo Ka Ke Ko Kra La"
_MIDDLE = "la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so ta te ti to va ve vi vo"
_END = (
    "ck der feld ger hart holm ini kins ley man mann ner no nov off ova sen ski son ston ter witz"
)
COMPANIES = ("Ltd", "GmbH", "Holdings", "Industries", "& Partners", "Logistics", "Systems")


def many(count: int, seed: int = 7) -> Iterator[str]:
    """People, and a company every ninth."""
    chance = random.Random(seed)
    first, begin, middle, end = (one.split() for one in (_FIRST, _BEGIN, _MIDDLE, _END))
    for number in range(count):
        inner = "".join(chance.choices(middle, k=chance.choice((0, 1, 1, 2))))
        surname = chance.choice(begin) + inner + chance.choice(end)
        if number % 9 == 0:
            yield f"{surname} {chance.choice(COMPANIES)}"
        else:
            yield f"{chance.choice(first)} {surname}"
