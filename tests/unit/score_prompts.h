/*
 * What a shop asks for, by the tier that it should have: written for these tests, in many wordings.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_SCORE_PROMPTS_H
#define FARTHING_TESTS_SCORE_PROMPTS_H

#include <stddef.h>

struct asked {
	const char *system, *prompt;
	int max_output;
};

static const struct asked simple[] = {
	{ NULL, "Write a product title for a red leather wallet with 8 card slots.", -1 },
	{ NULL,
	    "Create a short title (max 60 characters) for this item: cordless drill, 18 V, two batteries, "
	    "case.",
	    -1 },
	{ NULL, "Generate 5 product titles for a bamboo toothbrush set.", -1 },
	{ NULL, "Suggest a product name for our new oat milk.", -1 },
	{ NULL, "Title: ceramic mug, 350 ml, blue glaze, dishwasher safe", -1 },
	{ NULL, "Classify this product into a category: 'USB-C hub 7 in 1 with HDMI 4K'.", -1 },
	{ NULL, "Assign tags to the following product: linen shirt, men, slim fit, white.", -1 },
	{ NULL, "Label the sentiment of this review: 'Arrived late but works fine.'", -1 },
	{ NULL, "Extract brand, colour and size from: Adidas Terrex Swift, black, EU 43.", -1 },
	{ NULL, "Translate this product title into German: Waterproof hiking boots for women", -1 },
	{ NULL, "Which category does this belong to: shoes, bags or jackets? Trail runner GTX low.", -1 },
	{ NULL, "Fix the spelling in this title: 'Womans runing shoos sz 39'", -1 },
	{ NULL, "Is this review positive or negative? 'Great fabric, but the zip broke after a week.'", -1 },
	{ NULL, "Give me the colour of the product: 'Cotton tee, heather grey, organic'.", -1 },
	{ NULL,
	    "Shorten this title to 50 characters: Stainless steel vacuum insulated water bottle with straw "
	    "lid, 1 litre, matte black",
	    -1 },
	{ NULL, "Write alt text for a photo of a green backpack on a rock.", -1 },
	{ NULL, "I need a catchy title for an Etsy listing: macrame wall hanging, 60 cm, natural cotton.",
	    -1 },
	{ NULL, "Come up with three listing titles for a vintage brass desk lamp. Max 80 characters each.",
	    -1 },
	{ "Return only a product title, nothing else.", "Steel bike bell, 22 mm clamp, loud, black", 30 },
	{ "You label products with one category from: outerwear, footwear, accessories, base layers. Answer "
	  "with the category only.",
	    "Men's fleece jacket, navy, size L, recycled polyester", 5 },
	{ NULL, "Categorize: 'Garden hose 20 m with spray nozzle'", -1 },
	{ NULL,
	    "Tag this support ticket with one of refund, shipping, product, other: 'Where is my package?'",
	    -1 },
	{ NULL,
	    "Pull out the order number and the date from this message: 'Order 88213 from 3 May has not "
	    "arrived.'",
	    -1 },
	{ NULL, "What colour is this item? 'Suede ankle boots, tan, block heel'", -1 },
	{ NULL, "Convert these sizes from US to EU: 7, 8.5, 10", -1 },
};
static const struct asked moderate[] = {
	{ NULL, "Write a product description for a handmade ceramic mug, 350 ml, blue glaze.", -1 },
	{ NULL,
	    "Write a product description of 150 words for wireless noise cancelling headphones with 30 hours "
	    "of battery life. Friendly tone.",
	    -1 },
	{ NULL,
	    "Describe this product for our online shop: bamboo cutting board, 40 x 30 cm, juice groove, made "
	    "in Vietnam.",
	    -1 },
	{ NULL,
	    "Create an engaging product description with three bullet points for a yoga mat, 6 mm, non-slip, "
	    "natural rubber.",
	    -1 },
	{ NULL,
	    "Optimise this product description for SEO with the keywords 'trail running shoes' and "
	    "'waterproof'.",
	    -1 },
	{ NULL, "Write a meta description and an SEO title for a category page about garden furniture.", -1 },
	{ NULL, "Improve this product text for search engines: 'Nice lamp for your desk. Good light. USB.'",
	    -1 },
	{ NULL, "Write SEO-optimised copy for the landing page of our coffee subscription, about 200 words.",
	    -1 },
	{ NULL, "Write an email to customers announcing our summer sale, 20 percent off all tents.", -1 },
	{ NULL, "Draft a blog post intro about choosing the right sleeping bag.", -1 },
	{ NULL,
	    "Rewrite this product description in a more premium tone: 'Leather belt. Brown. 3 cm wide. Good "
	    "quality.'",
	    -1 },
	{ NULL, "Answer this customer: my parcel says delivered but I did not get it. What now?", -1 },
	{ NULL, "Write an FAQ with five questions and answers about returns for our shop.", -1 },
	{ NULL,
	    "We sell a foldable camping chair, 2.4 kg, holds 120 kg, cup holder, carry bag. Please write the "
	    "text for its product page.",
	    -1 },
	{ NULL,
	    "Write an engaging description for our new line of scented soy candles, highlighting natural "
	    "ingredients and burn time.",
	    -1 },
	{ NULL, "Product copy for a waterproof phone pouch: two paragraphs, then a bullet list of features.",
	    -1 },
	{ NULL,
	    "Optimize the title tag, H1 and first paragraph of this page for the query 'kids rain boots': "
	    "'Boots. Our boots keep kids dry.'",
	    -1 },
	{ NULL,
	    "Suggest ten long-tail keywords and write an SEO intro paragraph for a page on standing desks.",
	    -1 },
	{ NULL, "Write three variants of a Facebook ad for a leather tote bag, each under 40 words.", -1 },
	{ NULL, "Draft a polite reply to a customer who wants to return worn shoes after 45 days.", -1 },
	{ NULL,
	    "Turn these specs into a persuasive product description: 4K monitor, 27 inch, 144 Hz, HDR10, "
	    "USB-C 90 W.",
	    -1 },
	{ NULL, "Write a newsletter paragraph introducing our spring collection of linen dresses.", -1 },
};
static const struct asked complex[] = {
	{ NULL,
	    "Analyse the market for electric bikes in Germany: segments, competitors, pricing and trends "
	    "over the last five years.",
	    -1 },
	{ NULL,
	    "Perform a market analysis for sustainable children's clothing in Europe and identify the main "
	    "opportunities and threats.",
	    -1 },
	{ NULL,
	    "Conduct a competitor analysis of the three largest online pet food retailers and assess their "
	    "strengths and weaknesses.",
	    -1 },
	{ NULL,
	    "Develop a strategic plan for expanding our handmade candle shop into two new countries next "
	    "year, with budget, risks and milestones.",
	    -1 },
	{ NULL,
	    "Create a go-to-market strategy for a smart water bottle in the US, including positioning, "
	    "pricing and channels.",
	    -1 },
	{ NULL,
	    "Design a pricing strategy for our subscription boxes considering churn, acquisition cost and "
	    "competitor prices.",
	    -1 },
	{ NULL,
	    "Prepare a SWOT analysis for an online shop that sells refurbished phones and derive strategic "
	    "priorities for 2025.",
	    -1 },
	{ NULL,
	    "Forecast demand for winter jackets next season based on the figures below and explain your "
	    "assumptions. 2021: 1200, 2022: 1450, 2023: 1390.",
	    -1 },
	{ NULL,
	    "Evaluate whether we should launch in France or Poland first. Compare market size, competition, "
	    "logistics and margins.",
	    -1 },
	{ NULL,
	    "Our conversion rate fell from 3.1 to 2.4 percent while traffic grew by 20 percent. Analyse "
	    "possible causes and propose a plan to recover within two quarters.",
	    -1 },
	{ NULL,
	    "What strategy should we follow to compete with Amazon in home office furniture over the next "
	    "three years?",
	    -1 },
	{ NULL,
	    "Build a three-year roadmap for our marketplace: growth targets, investments, risks and how to "
	    "prioritise them.",
	    -1 },
	{ NULL,
	    "Compare subscription and one-time purchase business models for our coffee brand and recommend "
	    "one, with the reasoning.",
	    -1 },
	{ NULL,
	    "Give me a full market analysis of the meal kit sector in Scandinavia: size, growth, main "
	    "players, customer segments and barriers to entry.",
	    -1 },
	{ NULL,
	    "How should we position ourselves against cheaper Chinese competitors in the e-bike accessories "
	    "market? Weigh the options and recommend a course.",
	    -1 },
	{ NULL, "Draft a three year strategic plan for a mid-size online bookstore facing declining margins.",
	    -1 },
	{ NULL,
	    "Analyze the competitive landscape for handmade jewelry on Etsy and identify underserved niches.",
	    -1 },
	{ NULL,
	    "Assess the risks and opportunities of moving our fulfilment to a third-party logistics "
	    "provider, with a cost comparison and a decision matrix.",
	    -1 },
	{ NULL,
	    "Plan our Q4 strategy: budget allocation across channels, inventory, promotions and contingency "
	    "scenarios.",
	    -1 },
	{ NULL,
	    "Evaluate the impact of a 10 percent price increase on revenue and churn for our three customer "
	    "segments, and state your assumptions.",
	    -1 },
	{ NULL,
	    "Our share of the dog food market has dropped two years in a row. Find out why and propose a "
	    "strategy to win it back.",
	    -1 },
	{ NULL,
	    "Which of our five product lines should we discontinue? Analyse contribution margin, growth and "
	    "strategic fit, and justify your choice.",
	    -1 },
	{ NULL,
	    "Devise an international expansion roadmap for a cosmetics brand: which countries first, which "
	    "entry mode, what milestones and what budget.",
	    -1 },
};

static const struct asked foreign_titles[] = {
	{ NULL, "Schreibe einen Produkttitel für eine rote Lederbrieftasche mit acht Kartenfächern.", -1 },
	{ NULL, "Écris un titre de produit pour une gourde en acier inoxydable.", -1 },
	{ NULL, "Escribe un título de producto para una mochila de cuero marrón.", -1 },
	{ NULL, "Scrivi un titolo per questo prodotto: borsa in pelle, nera, manico lungo.", -1 },
	{ NULL, "Übersetze diesen Titel ins Englische: Wasserdichte Wanderschuhe für Damen", -1 },
};

static const struct asked foreign_texts[] = {
	{ NULL, "Schreibe eine Produktbeschreibung für eine Trinkflasche aus Edelstahl, 750 ml.", -1 },
	{ NULL, "Rédigez une description de produit pour une bougie parfumée à la lavande.", -1 },
	{ NULL, "Redacta una descripción de producto para una silla de camping plegable.", -1 },
	{ NULL, "Scrivi una descrizione del prodotto per una lampada da tavolo in ottone.", -1 },
	{ NULL, "Schrijf een productbeschrijving voor een houten snijplank.", -1 },
};

static const struct asked foreign_studies[] = {
	{ NULL,
	    "Analysiere den Markt für Elektrofahrräder in Deutschland: Segmente, Wettbewerber, Preise und "
	    "Trends der letzten fünf Jahre.",
	    -1 },
	{ NULL,
	    "Analysez le marché des vélos électriques en France : segments, concurrents, prix et tendances.",
	    -1 },
	{ NULL,
	    "Analiza el mercado de bicicletas eléctricas en España: segmentos, competidores, precios y "
	    "tendencias.",
	    -1 },
	{ NULL,
	    "Analizza il mercato delle biciclette elettriche in Italia: segmenti, concorrenti, prezzi e "
	    "tendenze.",
	    -1 },
	{ NULL,
	    "Entwickle eine Strategie für den Markteintritt in zwei neue Länder mit Budget, Risiken und "
	    "Meilensteinen.",
	    -1 },
};

static const struct asked foreign_unknown[] = {
	{ NULL, "Обобщи этот текст и назови основные причины падения продаж в последнем квартале.", -1 },
	{ NULL, "请分析中国市场的竞争对手和定价策略。", -1 },
	{ NULL, "この商品の説明文を書いてください。ステンレスの水筒、容量は750ミリリットルです。", -1 },
	{ NULL, "اكتب وصفًا لمنتج: زجاجة ماء من الفولاذ المقاوم للصدأ", -1 },
	{ NULL, "이 제품에 대한 설명을 작성해 주세요: 스테인리스 물병, 750ml", -1 },
	{ NULL, "Napisz opis produktu: stalowa butelka na wodę, 750 ml.", -1 },
	{ NULL, "Kirjoita tuotekuvaus teräksisestä juomapullosta.", -1 },
	{ NULL, "Viết mô tả sản phẩm cho bình nước thép không gỉ.", -1 },
};

#endif
