# SPDX-License-Identifier: Apache-2.0
"""
Pairs to learn from: (a, b, same, weight, family). Written ones (questions-*.txt), made ones (frames over fillers, words exchanged,
dropped, misspelt), customers' questions of Banking77 (CC BY 4.0, half of its categories) and exam questions (Apache-2.0).
"""
import csv
import random
from itertools import combinations

import tables

ACTIONS = """learn guitar|play chess|bake bread|grow tomatoes|fix a leaking tap|clean a leather sofa|paint a wall|write a novel|train a puppy|swim
ride a bike|drive a car|meditate|do a handstand|knit a scarf|make cheese|brew beer|plant roses|sharpen a knife|tie a tie
iron a shirt|fold a towel|unclog a drain|repair a bicycle|build a shed|sew a button|sell a car|rent an apartment|buy a used car|move to Norway
get a work visa|pass the bar exam|study law|read faster|memorize names|speak Italian|learn Arabic|teach English|write an essay|give a speech
lead a team|manage stress|wake up early|drink less coffee|stop snoring|cure acne|treat a sunburn|lower cholesterol|build stamina|run faster
lose weight|gain muscle|earn money|save money|invest in bonds|pay off a loan|file a tax return|open a bank account|dispute a charge|transfer money abroad
freeze my card|change my PIN|top up my account|delete my account|recover my password|block a number|back up my phone|reset a router|install Linux|update drivers
write unit tests|parse JSON in Go|connect to MySQL in PHP|deploy a Django app|merge two branches in git|resize an image in Photoshop|merge cells in Excel|make a pivot table|convert a PDF to Word|print double sided
find a roommate|plan a wedding|raise a toddler|adopt a cat|talk to strangers|forgive a friend|impress an interviewer|negotiate a salary|start a bakery|market a product"""
THINGS = """gravity|osmosis|entropy|a mortgage|an index fund|a hedge fund|bitcoin|blockchain|a neural network|recursion|a pointer|polymorphism|a firewall|an API|Kubernetes
sarcasm|stoicism|karma|feminism|capitalism|socialism|a referendum|a trade deficit|venture capital|a balance sheet|depreciation|a dividend|an annuity|a deductible|a lien
photosynthesis|mitosis|a catalyst|an isotope|dark matter|a supernova|a quasar|plate tectonics|a tsunami|an enzyme|insulin|cholesterol|anemia|asthma|migraine
sourdough|umami|tempeh|kombucha|a sonnet|a haiku|a fugue|jazz|baroque music|cubism|a haiku stanza|the gold standard|net neutrality|phishing|a VPN"""
PLACES = """Norway|Portugal|Kenya|Peru|Vietnam|Toronto|Berlin|Madrid|Mumbai|Lagos|Texas|Ohio|Scotland|Turkey|Nepal|Chile|Oslo|Cairo|Seoul|Lima"""
CHOICES = """laptop for students|phone under 300 dollars|camera for beginners|book on economics|restaurant in Lisbon|hotel near the airport|bike for commuting|mattress for back pain|dog for apartments|coffee grinder
budget airline|university for physics|course on statistics|city for retirement|database for analytics|text editor|free antivirus|note taking app|vacuum cleaner|running shoe|headphone for travel|car for families|plant for dark rooms|podcast on history|gift for a teacher"""
FACTS = """capital|population|currency|area|official language|climate|minimum wage|president|flag|time zone|history|GDP|largest city|tax rate|national dish"""
RESTRICTIONS = """for free|in India|in Germany|without a degree|without tools|at home|at night|as a beginner|for beginners|for kids|for seniors|on Windows|on a Mac|in winter|in one week|with a partner
without money|while traveling|after surgery|during pregnancy|for a living|using Python|with a credit card|from scratch|online|by myself|in a small room|on a budget|before breakfast|at work"""
HOW = """how do I {}|how can I {}|how to {}|what is the best way to {}|how should I {}|how does one {}|what are some ways to {}|how do you {}|what should I do to {}|is there a way to {}|what is the easiest way to {}|how can one {}|best way to {}|what are good ways to {}|can you tell me how to {}|please tell me how to {}|how would I {}|I want to know how to {}"""
OTHER_ACTION = """why should I {}|when should I {}|should I {}|how long does it take to {}|is it hard to {}|how much does it cost to {}|where can I {}|what happens if I {}|is it safe to {}|why do people {}|who can help me {}|what do I need before I {}|is it legal to {}|how often should I {}|what are the benefits if I {}|how do I stop others who {}|how did you {}|what is it like to {}|how is it to {}|can I {}|do you {}|how did he {}|who wants to {}|what do people feel when they {}"""
DEFINE = """what is {}|what does {} mean|what is meant by {}|define {}|explain {}|can you explain {}|what exactly is {}|what is the meaning of {}|what is the definition of {}|could you explain what {} is"""
OTHER_THING = """what causes {}|who invented {}|why is {} important|how does {} work|what are the types of {}|what is the history of {}|when was {} discovered|what is an example of {}|is {} good|is {} dangerous|what are the disadvantages of {}|where is {} used|what is the opposite of {}|how is {} measured|how do I teach {}|what does {} do|what is your {}|how is my {}|what will {} be|what was {}|does {} exist|what is a good {}|which is the best {}|what are good uses of {}|what is the difference between {} and its alternatives"""
BEST = """what is the best {}|which is the best {}|which {} is the best|what is a good {}|can you recommend a good {}|can you suggest a {}|what are the best {}s|which is a good {}|best {}"""
OTHER_BEST = """what is the worst {}|what is the cheapest {}|how do I choose a {}|how much does a {} cost|why do I need a {}|who makes the best {}|where can I buy a {}|how do I sell a {}|what is the most expensive {}|how do I return a {}|how do I clean a {}"""
FACT = """what is the {1} of {0}|what is {0}'s {1}|tell me the {1} of {0}|{0} {1}|can you tell me the {1} of {0}|what's the {1} of {0}"""
TEMPLATES = """Write a short and friendly product description for an online shop. The product is: {}. Do not mention the price.
You are a helpful assistant of a shop. Classify the following product into a category and answer with one word: {}
Summarize the customer reviews of this product in three sentences, good and bad points alike: {}
Translate the following text into plain English and keep its meaning: {}
Is the following message spam? Answer yes or no. Message: {}
Write a polite email to a colleague about the following subject, at most one hundred words long: {}
Give me three ideas for a blog post about {} that would interest young readers and explain each in one sentence"""
ADJECTIVES = """medical|digital|electric|modern|free|small|private|public|foreign|national|personal|professional|simple|advanced|organic|female|male|young|old|wireless|black|white|cold|hot|daily
local|legal|black|industrial|chemical|academic|financial|military|sweet|fresh|domestic|portable|used|broken|large|secret|international|rural|emotional|social"""
PREPOSITIONS = """in the evening|for the evening|after the evening|before the evening|in ten years|after ten years|for ten years|within ten years|with a friend|for a friend|without a friend|at work|for work|after work|during work
in school|for school|after school|before school|with a child|for a child|like a child|on a table|under a table|with a table|near a table|from a phone|on a phone|with a phone|without a phone|for a phone"""
PERSON_VERBS = """wear a hat|like music|work on Sunday|feel tired|look like a star|hate spinach|believe in luck|fear spiders|study law|love rain|live alone|need a lawyer|dream of flying|trust the news|eat at night|go jogging|vote early|want more time"""
POLITE = ["please {}", "can you tell me {}", "{} thanks", "I was wondering {}", "hi {}", "{} please help", "could you please tell me {}", "quick question {}"]


def split(text):
    return [p.strip() for line in text.splitlines() for p in line.split("|") if p.strip()]


def misspell(rng, text):
    words = text.split()
    longer = [i for i, w in enumerate(words) if len(w) >= 6 and w.isalpha()]
    if not longer:
        return text
    i = rng.choice(longer)
    w, k = words[i], rng.randrange(1, len(words[i]) - 2)
    words[i] = rng.choice([w[:k] + w[k + 1:], w[:k] + w[k] + w[k:], w[:k] + w[k + 1] + w[k] + w[k + 2:]])
    return " ".join(words)


def drest(rng, text):
    """As people type it."""
    if rng.random() < .25:
        text = misspell(rng, text)
    if rng.random() < .2:
        text = rng.choice(POLITE).format(text)
    if rng.random() < .6:
        text = text[0].upper() + text[1:]
    return text + rng.choice(["?", "?", "", "."])


def written(here):
    out = []
    blocks = [line for n in (1, 2) for line in tables.lines(f"questions-{n}.txt")]
    parsed = []
    for number, line in enumerate(blocks):
        same, _, other = line.partition("!!")
        same, other = [[t.strip() for t in p.split("|") if t.strip()] for p in (same, other)]
        parsed.append(same)
        fold = number % 5
        rng = random.Random(line)
        out += [(drest(rng, a), drest(rng, b), 1, 2.0, f"written{fold}") for a, b in combinations(same, 2)]
        out += [(drest(rng, a), drest(rng, b), 0, 1.5, f"written{fold}") for a in same for b in other]
        out += [(drest(rng, a), drest(rng, b), 0, 1.0, f"written{fold}") for a, b in combinations(other, 2)]
        rng = random.Random(line + "restricted")
        for a in same[:3]:
            b = rng.choice(same).split()
            b.insert(-1 if len(b) < 5 else rng.choice([-1, -1, -2]), rng.choice(split(ADJECTIVES)))
            out.append((drest(rng, a), drest(rng, " ".join(b)), 0, 1.0, f"written{fold}"))
            one, two = rng.sample(["why", "when", "where", "what does it cost", "how long does it take", "is it legal", "what is best"], 2)
            out.append((drest(rng, a), drest(rng, rng.choice(same) + " and " + one), 0, 1.0, f"written{fold}"))
        for a in same:
            b = rng.choice(same) + " " + rng.choice(split(RESTRICTIONS))
            out.append((drest(rng, a), drest(rng, b), 0, 1.5, f"written{fold}"))
    return out


def synonym(rng, text, groups):
    words = text.split()
    places = [i for i, w in enumerate(words) if w in groups]
    if not places:
        return None
    i = rng.choice(places)
    words[i] = rng.choice(groups[words[i]])
    return " ".join(words)


def family(rng, fillers, frames, others, n, fold_name, groups):
    out = []
    for _ in range(n):
        x = rng.choice(fillers)
        fold = fillers.index(x) % 5
        name = f"{fold_name}{fold}"
        one, two = rng.sample(frames, 2)
        a = one.format(x)
        kind = rng.random()
        if kind < .3:
            out.append((drest(rng, a), drest(rng, two.format(x)), 1, 1.0, name))
        elif kind < .4:
            other = synonym(rng, x, groups)
            if other:
                out.append((drest(rng, a), drest(rng, two.format(other)), 1, .7, name))
        elif kind < .6:
            y = rng.choice([f for f in fillers if f != x])
            out.append((drest(rng, a), drest(rng, rng.choice([one, two]).format(y)), 0, 1.0, name))
        elif kind < .8:
            out.append((drest(rng, a), drest(rng, rng.choice(others).format(x)), 0, 1.0, name))
        else:
            r = rng.choice(split(RESTRICTIONS))
            b = rng.choice([one, two]).format(x) + " " + r
            if rng.random() < .3:
                a += " " + rng.choice([q for q in split(RESTRICTIONS) if q != r])
            out.append((drest(rng, a), drest(rng, b), 0, 1.0, name))
    return out


def made(groups):
    rng = random.Random(4)
    out = family(rng, split(ACTIONS), split(HOW), split(OTHER_ACTION), 6000, "made", groups)
    out += family(rng, split(THINGS), split(DEFINE), split(OTHER_THING), 2500, "made", groups)
    out += family(rng, split(CHOICES), split(BEST), split(OTHER_BEST), 2000, "made", groups)
    for _ in range(1500):
        p, q = rng.sample(split(PLACES), 2)
        f, g = rng.sample(split(FACTS), 2)
        one, two = rng.sample(split(FACT), 2)
        same = rng.random() < .4
        b = two.format(p, f) if same else two.format(*rng.choice([(q, f), (p, g)]))
        out.append((drest(rng, one.format(p, f)), drest(rng, b), int(same), .7, f"made{rng.randrange(5)}"))
    for _ in range(1500):
        x = rng.choice(split(ACTIONS))
        r = rng.choice(split(PREPOSITIONS))
        q = rng.choice([o for o in split(PREPOSITIONS) if o.split()[0] != r.split()[0] and o.split()[1:] == r.split()[1:]])
        one, two = rng.sample(split(HOW), 2)
        same = rng.random() < .3
        out.append((drest(rng, one.format(x) + " " + r), drest(rng, two.format(x) + " " + (r if same else q)), int(same), .7, f"made{split(ACTIONS).index(x) % 5}"))
    for _ in range(4000):
        verb, (p, q) = rng.choice(split(PERSON_VERBS)), rng.sample(["you", "I", "he", "they", "people"], 2)
        frame = rng.choice(["why do {0} {1}", "what do {0} {1}", "when do {0} {1}", "where do {0} {1}", "do {0} {1}", "who do {0} {1}"])
        same = rng.random() < .25
        out.append((drest(rng, frame.format(p, verb)), drest(rng, frame.format(p if same else q, verb)), int(same), 1.0, f"made{rng.randrange(5)}"))
    things = split(ACTIONS) + split(THINGS) + split(CHOICES)
    for _ in range(1500):
        t = rng.choice(TEMPLATES.splitlines())
        x, y = rng.sample(things, 2)
        if rng.random() < .3:
            y = x + " " + rng.choice(split(RESTRICTIONS))
        same = rng.random() < .25
        out.append((t.format(x), misspell(rng, t.format(x)) if same else t.format(y), int(same), 1.0, f"made{rng.randrange(5)}"))
    return out


def neighbours(texts, names, most, rng):
    """Texts that share words: candidates as the cache would meet them."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    m = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit_transform(texts)
    for at in range(0, m.shape[0], 1000):
        s = (m[at:at + 1000] @ m.T).toarray()
        for i, row in enumerate(s):
            row[at + i] = 0
            for j in np.argsort(-row)[:most]:
                if at + i < j or row[j] > 0:
                    yield at + i, int(j)


def banking(data, teacher, seed=5):
    """Same category and near to the teacher: the same question. Another category: another one. Between them: not used."""
    import numpy as np
    rng = random.Random(seed)
    rows = list(csv.DictReader(open(data / "pairs/banking77_train.csv")))
    keep = set(banking_categories(data))
    rows = [(" ".join(r["text"].split()), r["category"]) for r in rows if r["category"] in keep]
    texts, categories = zip(*rows)
    e = teacher(list(texts))
    out, seen = [], set()
    s = e @ e.T
    np.fill_diagonal(s, 0)
    for i, row in enumerate(s):
        fold = keep_fold(categories[i])
        for j in np.argsort(-row)[:25]:
            if (j, i) in seen or (i, j) in seen or texts[i] == texts[j]:
                continue
            seen.add((i, int(j)))
            c = row[j]
            if categories[i] != categories[j]:
                if .6 < c < .93:  # nearer ones are often one question that was filed twice
                    out.append((texts[i], texts[j], 0, 1.0, f"banking{fold}"))
            elif c > .93:
                out.append((texts[i], texts[j], 1, 1.0, f"banking{fold}"))
            elif c < .72:
                out.append((texts[i], texts[j], 0, .3, f"banking{fold}"))
    rng.shuffle(out)
    return out


def banking_categories(data):
    rows = csv.DictReader(open(data / "pairs/banking77_train.csv"))
    return sorted({r["category"] for r in rows})[0::2]


def keep_fold(category):
    return sum(category.encode()) % 5


def exams(data):
    rng = random.Random(6)
    rows = list(csv.DictReader(open(data / "router/mmlu_mixtral_gpt4.csv")))
    texts = sorted({" ".join(r["prompt"].split("\nA. ")[0].split())[:300] for r in rows})
    out = []
    for i, j in neighbours(texts, None, 2, rng):
        if texts[i] != texts[j]:
            out.append((texts[i], texts[j], 0, .5, f"exams{i % 5}"))
    rng.shuffle(out)
    words = sorted({w for t in texts for w in t.split() if w.isalpha() and len(w) > 3})
    for text in rng.sample(texts, 2500):
        w = text.split()
        places = [i for i, x in enumerate(w) if x.isalpha() and len(x) > 3]
        if places:
            i = rng.choice(places)
            w[i] = rng.choice(words)
            out.insert(0, (text, " ".join(w), 0, .5, f"exams{rng.randrange(5)}"))
    for text in rng.sample(texts, 1500):
        out.append((text, drest(rng, text), 1, .3, f"exams{rng.randrange(5)}"))
    return out[:6500] + out[-1500:]
