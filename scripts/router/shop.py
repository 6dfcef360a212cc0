# SPDX-License-Identifier: Apache-2.0
"""
shop.py: what a shop asks, written for the training of the router. No outcome was seen on such requests: the tier that they belong to is
a shop's (titles and labels simple, descriptions and search texts moderate, market analysis and strategy complex). Every third wording is
held back by `wordings`, to see whether the tiers hold in words that were not learned.
"""
import random

BANDS = {"simple": (-2.5, -1.3), "moderate": (-0.45, 0.45), "complex": (1.3, 2.5), "foreign": (-9, 9)}  # of the sum before it is squeezed: 0.3 is -0.85

WORDINGS = {
    "simple": """
Write a product title for {p}.
Give me a short title for {p}
Product name in at most eight words: {p}.
Create a catchy title for this item: {p}, {f}.
Title for the listing of {p}, at most 60 characters
Suggest a name for {p}.
Headline for {p}, {f}, under 50 characters
Generate one product title. Data: {p}; {f}.
Which category does this belong to: {p}? Answer with one word.
Classify this product as one of: clothing, kitchen, garden, toys. {p}
Label the sentiment of this review as positive, negative or neutral: "{r}"
Tag this product with up to three labels: {p}, {f}
Is this review about delivery or about quality? One word. "{r}"
Extract the colour and the size from: {p}, {f}
List the materials named in this text: {p}, {f}.
Return the brand name only: {p} by Solvang
Translate into German: {p}, {f}
Translate this label into French: {f}
Correct the spelling: {r}
Convert to title case: {p}
Tell me the size of this item: {p}, {f}
Give me the brand and the size: {p}, {f}
Name the material of {p}: {f}
Give me the weight of this: {f}
State the length of the item: {p}, {f}
What colour is it? {p}, {f}
Pull out the weight from this text: {p}; {f}. Just the number.
What is the return period in days? Policy: goods may be returned within 30 days.
Alt text for a picture of {p}, ten words at most
Yes or no: does this text mention a discount? "{r}"
Brand only, please: {p} by Solvang
German for "{f}"?
Good or bad review? "{r}"
Put into lower case: {p}
Which department does {p} go to: bath, garden or sports?
Hello, thanks for your help!""",
    "moderate": """
Write a product description for {p}, {f}.
Write a product description of about 120 words for {p}. Key facts: {f}.
Describe {p} for our online shop in two short paragraphs; mention {f}.
Describe the item for the catalogue: {p}, {f}.
Please describe this article: {p}. {f}. It is sold in our web shop.
Product description wanted: {p}, {f}.
Draft the text of a product page for {p}: {f}. Friendly voice, no superlatives.
Create a compelling description that highlights the benefits of {p} ({f}).
We need copy for {p}. Say who it is for and why {f} matters.
Produce a description with three bullet points and a closing line for {p}; {f}.
Improve the SEO of this product page: meta description and headings for {p}.
Optimise this listing for search engines: {p}, {f}. Meta title, meta description, three bullet points.
Write an SEO text of 150 words for the category page of {p}.
Rewrite this description so that it ranks for the keyword {p}: {f}.
Suggest search keywords and a meta description for {p}, {f}.
Write a blog introduction about choosing {p}, with attention to {f}.
Write a newsletter paragraph that announces {p} to our regular customers; mention {f}.
Write an advertisement of 80 words for {p}: {f}.
Meta title, meta description and six search phrases for {p}. Facts: {f}.
SEO text wanted. Article: {p}. Facts: {f}. No superlatives, British spelling, at most 90 words.
I bought {p} a year ago and now it is broken. Must I prove that I did nothing wrong, and who pays for the parcel?
Answer this customer politely: "{r}" She wants her money back for {p}.
My order of {p} has not arrived. What should I do?
Translate this text into French and keep its tone: {p} is made for years of use. {f}. Care for it and it stays with you.""",
    "complex": """
Analyse the market for {p} in {c}: segments, competitors, prices and trends over the last five years.
Provide a market analysis of {p} in {c}, with the main competitors and their pricing strategies.
Carry out a competitive analysis for our range of {p}: strengths, weaknesses, opportunities and threats in {c}.
Compare the markets of {c} and Poland for {p}: demand, channels, margins, risks. Recommend where to start, and why.
Evaluate whether we should enter {c} with {p}. Weigh costs, competitors and regulation, and state your assumptions.
Predict sales of {p} for the coming season from these figures: 2019: 900, 2020: 1100, 2021: 1240. Give the reasons for your assumptions.
Perform a study of the market for {p} in {c} and name the main risks and chances.
Develop a strategic plan for selling {p} in {c} over the next three years, with budget, risks and milestones.
Lay out a strategy for the next four quarters: reduce returns of {p}, then enter {c}. Margin 41 percent.
Design a pricing strategy for {p} against cheaper rivals in {c}, and explain the trade-offs.
Plan the launch of {p} in {c}: positioning, channels, budget by quarter, measures of success, and what could go wrong.
Our sales of {p} fell by 18 percent in {c}. Analyse possible causes and propose a plan with priorities.
Forecast demand for {p} in {c} for next year and derive a purchasing strategy from it; discuss the uncertainty.
Assess the long-term positioning of our brand of {p} in {c} and develop three strategic options with their consequences.
Work out a business case for a second warehouse in {c} for {p}: costs, savings, break-even, risks.
Which of our product lines should we drop? Analyse margins, returns and growth of {p} in {c} and recommend a portfolio strategy.
Which strategy lets us compete with larger sellers of {p} in {c}?
How should we position {p} in {c} over the next five years?
What should our strategy for {p} be if two rivals in {c} merge?
Orders for {p} in {c} rose by 30 percent but profit did not. What explains this, and what would you change first?
What would it mean for profit if our supplier of {p} raised prices by 8 percent and we passed on half? State your assumptions.
Does it pay to sell {p} by subscription in {c}? Costs per parcel 4.20, margin 31 percent.
How dependent are we on {c} for {p}, and how could we spread that risk?
We have 200,000 euros for next year: more stock of {p}, a second brand, or advertising in {c}. Rank these and say why.
Name the groups of customers that buy {p}, what each is worth to us and how to keep them.
How many of {p} shall we order for the winter? Sold: 410, 520, 480. Explain the range and the risk of too much stock.
Half of our buyers of {p} never come back. Find out why and draw up measures by effect and cost.
Write a strategy paper for the board: growth of {p} in {c} until 2030, with scenarios and investments.""",
    "foreign": """
Napisz krótki opis: {p}
Proszę przygotować tekst o produkcie, kolor czarny, waga 2 kg
Jaki jest stan mojego zamówienia?
Potrzebny jest opis: dzbanek szklany, 1,5 l
Przygotuj opis towaru: koc wełniany, 140 x 200 cm
Scrivi una descrizione breve per il negozio: tazza di ceramica, 300 ml
Quanto costa la spedizione in Svizzera?
Beschreibe die Lampe in zwei Sätzen: Höhe 40 cm, aus Holz, warmes Licht
Wann kommt mein Paket an?
Schrijf een tekst over deze jas, waterdicht, maat M
Opisz produkt: lampa stołowa z drewna, 40 cm
Écris un texte de présentation pour un sac à dos de 20 litres
Où est ma commande ?
Escribe una descripción de una botella térmica de 500 ml
Skriv en beskrivelse af en stol i egetræ
Jak mohu vrátit zboží?""",
}
PRODUCTS = """a red leather wallet|merino base layers|a stainless steel water bottle|electric bikes|a cast iron pan|handmade candles|running shoes|a wireless mouse|bamboo
towels|a camping stove|children's raincoats|a desk lamp|organic coffee|garden furniture|a yoga mat|phone cases|a winter jacket|dog food|a kitchen knife|sunglasses""".replace("\n", " ").split("|")
FACTS = """eight card slots, full grain leather|long sleeve, charcoal, 210 g/m2|750 ml, keeps drinks cold for 24 hours|28 cm, fits induction, lifetime warranty|made in
Portugal, machine wash at 30 degrees|waterproof, size M, two pockets|soy wax, burns for 40 hours|2.4 GHz, battery for 12 months""".replace("\n", " ").split("|")
REVIEWS = "The cup broke on day two.|Arrived late but the quality is great|Too small, had to send it back|Lovely colour, would buy again|the zip is stuck and nobody answers".split("|")
COUNTRIES = "Germany|the Nordic countries|France|Japan|the United States|Spain".split("|")
SYSTEMS = {
    "simple": ["", "", "You write product titles for an online shop. At most 70 characters, brand first.", "Answer with one word."],
    "moderate": ["", "", "You write product descriptions for an online shop: two short paragraphs, facts first.", "You write texts for the pages of an online shop.",
                 "You write meta titles and meta descriptions. Never more than 60 and 150 characters, no word twice, no promises; always name the material.",
                 "You answer letters of customers. Be polite and short, at most five sentences. Never promise a date; returns within 14 days only."],
    "foreign": [""] * 4,
    "complex": ["", "", "You advise the management of an online shop.", "You are an analyst of an online retailer."],
}


def wordings(held=None):
    """[(request, tier)] by all wordings; held False: those that are learned, True: those that are held back"""
    lot = random.Random(5)
    rows = []
    for tier, text in WORDINGS.items():
        for number, line in enumerate(text.strip().split("\n")):
            for turn in range(12):
                pick = {"p": lot.choice(PRODUCTS), "f": lot.choice(FACTS), "r": lot.choice(REVIEWS), "c": lot.choice(COUNTRIES)}
                request = {"prompt": line.format(**pick), "system": SYSTEMS[tier][turn % len(SYSTEMS[tier])]}
                if held is None or held == (number % 3 == 2):
                    rows.append((request, tier))
    return rows
