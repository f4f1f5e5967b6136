"""Labelled comments made up for tests: news articles, readers who discuss them, and people who do not. Deterministic."""

import json
import random

PLACES = "Lisbon Oslo Lyon Kraków Ghent Turin Porto Malmö Leeds Bonn Split Graz Vigo Kaunas Brno Galway Trier Bergen".split()
TOPICS = {
    "politics": "budget minister parliament coalition reform tax vote deputies pension opposition debate committee law".split(),
    "sport": "keeper referee season striker league penalty coach transfer stadium derby goal injury bench captain".split(),
    "transport": "tram bus ticket timetable line driver station delay depot tunnel bridge cyclists lane traffic".split(),
    "energy": "wind turbine grid heating gas storage insulation price meter cable solar battery winter tariff".split(),
    "culture": "theatre museum choir festival director stage exhibition novel orchestra premiere curtain audience".split(),
    "health": "clinic nurses waiting vaccine ward surgery doctors beds patients insurance pharmacy flu emergency".split(),
}
FINE = [
    "The {a} was promised years ago and the {b} in {place} still waits for it",
    "I take that {a} every day and the {b} has never been this bad",
    "If the {a} pays for it, who looks after the {b} in {place}?",
    "Good piece, but it leaves out what the {a} means for the {b}",
    "My sister works with the {a} in {place}; she says the {b} is the real trouble",
    "Nobody in {place} asked for this {a}, and now the {b} is blamed",
    "They said the same of the {a} in {place} and look at the {b} now",
    "A fair point on the {a}. The numbers about the {b} do not add up though",
    "The {a} should resign and let somebody else sort out the {b}",
    "Thank you for explaining the {a}, I finally understand the {b}",
    "Strange that the {a} gets money while the {b} in {place} falls apart",
    "Let us wait for the {b} before judging the {a}",
]
SPAM = [
    "Earn {n} a day from home with {brand}, no skills, join at {link}",
    "{brand} bonus {n} free spins today only {link}",
    "I doubled my savings with {brand} in {m} days, message me on {link}",
    "Cheap {goods} original quality {n} off, order {link}",
    "My uncle got a loan of {n} in {m} minutes from {brand} {link}",
    "Hot deals on {goods}!!! {link} {link2}",
    "Dr {brand} cast a spell and my ex came back after {m} days, contact {link}",
    "Invest with {brand} and get {n} percent every week {link}",
]
LOW = ["lol", "first", "ok", "whatever {x}", "hahaha {x}", "so what", "{x} {x} {x}", "meh", "bla bla {x}", "no comment", "yes {x}", "asdf {x}"]
ABUSE = [
    "You are a complete idiot if you believe that about the {a}",
    "Shut up you stupid clown, go back to {place}",
    "People like you are filth and should be thrown out of {place}",
    "What a pathetic moron wrote this about the {b}",
    "The {a} is run by disgusting vermin and you are one of them",
]
BRANDS = "GoldenRush LuckyNova ApexTrade VeloCash MintWheel StarPayout BetHarbor CoinForge QuickLend HexaWin".split()
GOODS = "watches handbags sneakers pills followers diplomas sunglasses phones perfumes supplements".split()
NOISE = "hm tja xd nah yep k zzz eh brr wow".split()


def articles():
    """One article per topic and a handful of places."""
    found = []
    for topic, words in TOPICS.items():
        for place in PLACES[:6]:
            text = " ".join(
                f"The {a} in {place} and the {b} were discussed on Monday; the {c} said more would follow."
                for a, b, c in zip(words, words[1:], words[2:]))
            found.append(dict(id=f"{topic}-{place.lower()}", title=f"{place}: {words[0]} and {words[1]} under pressure",
                              text=text, section=topic, lang="en"))
    return found


def lines(count, seed, bad=0.4):
    """Labelled comments; the text of each is new, its kind is drawn."""
    chance, under = random.Random(seed), articles()
    for n in range(count):
        article = chance.choice(under)
        a, b = chance.sample(TOPICS[article["section"]], 2)
        fill = dict(a=a, b=b, place=chance.choice(PLACES), n=chance.randint(2, 99) * 50, m=chance.randint(2, 60),
                    brand=chance.choice(BRANDS), goods=chance.choice(GOODS), x=chance.choice(NOISE),
                    link=f"https://{chance.choice(BRANDS).lower()}{chance.randint(1, 99)}.example/{chance.randint(100, 999)}",
                    link2=f"t.me/{chance.choice(BRANDS).lower()}{chance.randint(1, 99)}")
        label = None
        if chance.random() < bad:
            label = chance.choices(["spam", "low_content", "abuse"], [5, 2, 3])[0]
        text = chance.choice({None: FINE, "spam": SPAM, "low_content": LOW, "abuse": ABUSE}[label]).format(**fill)
        if label is None and chance.random() < 0.6:
            c, d = chance.sample(TOPICS[article["section"]], 2)
            text += ". " + chance.choice(FINE).format(**{**fill, "a": c, "b": d})
        known = {} if label else dict(spam=0, low_content=0, off_topic=0, abuse=0)
        yield dict(id=f"s{seed}-{n}", text=text, article_id=article["id"], author=f"reader{chance.randint(1, 900)}",
                   labels={label: 1} if label else known)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
