/*
 * The language that an answer is to be in: "answer in French", "translate ... into Japanese", "auf Deutsch". Read where the order is to
 * answer or to translate; what is merely about a language ("how do you say it in French") demands nothing, and neither do two
 * languages, or the user's own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

static const struct {
	const char *english; /* the name in English */
	const char *own;     /* behind a preposition of its own: "auf deutsch" */
	enum speech language;
} languages[] = {
	{ "english", "englisch|anglais|inglés|inglese|inglês", SPEECH_ENGLISH },
	{ "french", "français|francais|französisch|francés|francese|francês", SPEECH_FRENCH },
	{ "german", "deutsch|allemand|alemán|tedesco|alemão", SPEECH_GERMAN },
	{ "spanish", "español|espanol|spanisch|espagnol|spagnolo|castellano|espanhol", SPEECH_SPANISH },
	{ "italian", "italiano|italienisch|italien", SPEECH_ITALIAN },
	{ "portuguese", "português|portugues|portugiesisch|portugais|portugués", SPEECH_PORTUGUESE },
	{ "dutch", "nederlands|niederländisch", SPEECH_DUTCH },
	{ "polish", "polsku|polnisch", SPEECH_POLISH },
	{ "swedish", "svenska|schwedisch", SPEECH_SWEDISH },
	{ "danish|norwegian", "dansk|norsk", SPEECH_DANISH },
	{ "finnish", "suomeksi", SPEECH_FINNISH },
	{ "czech", "česky|češtině", SPEECH_CZECH },
	{ "turkish", "türkçe", SPEECH_TURKISH },
	{ "romanian", "română", SPEECH_ROMANIAN },
	{ "hungarian", "magyarul", SPEECH_HUNGARIAN },
	{ "russian|ukrainian|bulgarian", "русском|русски", SPEECH_RUSSIAN },
	{ "greek", "ελληνικά", SPEECH_GREEK },
	{ "arabic|persian|farsi|urdu", "بالعربية", SPEECH_ARABIC },
	{ "hebrew", "בעברית", SPEECH_HEBREW },
	{ "hindi|marathi|nepali", "हिंदी", SPEECH_HINDI },
	{ "bengali", "বাংলায়", SPEECH_BENGALI },
	{ "tamil", "தமிழில்", SPEECH_TAMIL },
	{ "thai", "ภาษาไทย", SPEECH_THAI },
	{ "chinese|mandarin|cantonese", "chinesisch|chinois|chino", SPEECH_CHINESE },
	{ "japanese", "japanisch|japonais|japonés", SPEECH_JAPANESE },
	{ "korean", "koreanisch|coréen|coreano", SPEECH_KOREAN },
};
enum { LANGUAGES = sizeof languages / sizeof *languages };

/* Orders of languages that do not part words. */
static const struct {
	const char *text;
	enum speech language;
} phrases[] = { { "日本語で答え", SPEECH_JAPANESE }, { "日本語で回答", SPEECH_JAPANESE },
	{ "日本語で書", SPEECH_JAPANESE }, { "日本語で説明", SPEECH_JAPANESE },
	{ "日本語に翻訳", SPEECH_JAPANESE }, { "用中文回答", SPEECH_CHINESE }, { "请用中文", SPEECH_CHINESE },
	{ "請用中文", SPEECH_CHINESE }, { "翻译成中文", SPEECH_CHINESE }, { "翻译成英文", SPEECH_ENGLISH },
	{ "用英文回答", SPEECH_ENGLISH }, { "用英语回答", SPEECH_ENGLISH }, { "英語で答え", SPEECH_ENGLISH },
	{ "英語に翻訳", SPEECH_ENGLISH }, { "한국어로 답", SPEECH_KOREAN },
	{ "한국어로 대답", SPEECH_KOREAN }, { "한국어로 작성", SPEECH_KOREAN },
	{ "한국어로 번역", SPEECH_KOREAN } };

const char *
speech_name(enum speech language)
{
	static const char *const names[SPEECHES] = { "english", "french", "german", "spanish", "italian",
		"portuguese", "dutch", "polish", "swedish", "danish", "finnish", "czech", "turkish",
		"romanian", "hungarian", "cyrillic script", "greek", "arabic script", "hebrew",
		"devanagari script", "bengali", "tamil", "thai", "chinese", "japanese", "korean" };
	return names[language];
}

static void
add(struct language_demand *d, enum speech language)
{
	d->several = d->several || (d->asked && d->language != language);
	d->asked = true;
	d->language = language;
}

/* "respond in French", "write me a poem in French", "translate this into French" */
static bool
is_ordered(const struct asked *a, uint32_t i)
{
	uint32_t verb, end = asked_end(a, i);
	if (i == 0 || !asked_in(a, i - 1, "in|into|to|using") || !asked_orders(a, i, &verb) ||
	    asked_in(a, i + 1, "or|and|polynesia|speaking|style|literature|history"))
		return false;
	if (asked_in(a, verb, "translate"))
		return !asked_in(a, i - 1, "using") && !asked_has(a, verb, i, "how|word|phrase|explain");
	if (!asked_in(a, i - 1, "in|using"))
		return false;
	bool ends = i + 1 == end || asked_in(a, i + 1, "only|please|language|no|and|with") ||
		    (a->words[i + 1].flags & (ASKED_COMMA | ASKED_COLON)) != 0;
	if (asked_in(a, verb, "respond|answer|reply|speak"))
		return ends && i - verb <= 6 && !asked_has(a, verb, i, "not|don't|never");
	if (asked_in(a, verb,
		"write|compose|draft|rewrite|summarize|summarise|tell|give|output|provide|return|generate|"
		"create"))
		return ends && i - verb <= 8 &&
		       !asked_has(a, verb, i,
			   "about|of|on|how|words|word|verbs|phrases|names|list|example|examples|sentences|"
			   "difference|that|which|rules|grammar");
	return false;
}

/* "Antworte auf Deutsch", "Réponds en français" */
static bool
is_ordered_in_its_own(const struct asked *a, uint32_t i)
{
	static const char verbs[] = "antworte|antworten|schreibe|schreib|schreiben|übersetze|übersetzen|"
				    "beantworte|réponds|répondez|répondre|écris|écrivez|traduis|"
				    "traduisez|responde|responda|contesta|conteste|escribe|escriba|escreva|"
				    "traduce|traduza|traduzca|rispondi|scrivi|traduci|antwoord|"
				    "schrijf|vertaal|svara|skriv|översätt|svar|oversæt|oversett|odpowiedz|"
				    "napisz|przetłumacz|ответь|ответьте|отвечай|отвечайте|напиши|"
				    "напишите|переведи|переведите|odpověz|napiš|přelož|vastaa|kirjoita|"
				    "käännä|yanıtla|cevapla|yaz|válaszolj|írj|răspunde|scrie|tradu";
	uint32_t first = a->words[i].first;
	for (uint32_t k = first; k < i && k < first + 5; k++)
		if ((a->words[k].flags & ASKED_QUOTED) == 0 && asked_in(a, k, verbs))
			return i - k <= 8;
	return false;
}

void
language_demand_of(struct language_demand *d, const struct asked *a)
{
	int tries = 0;
	d->several = d->several || (a->triggers & TRIGGER_SPELLING) != 0;
	for (uint32_t i = (a->triggers & TRIGGER_LANGUAGE) != 0 ? a->count : 0;
	     i-- > 1 && tries < TRIES_MAX;) {
		if ((a->words[i].triggers & TRIGGER_LANGUAGE) == 0)
			continue;
		bool english = asked_in(a, i - 1, "in|into|to|using");
		bool own = asked_in(a, i - 1, "auf|ins|en|in|em|para|på|po|til|till|на|по|het|al|au|do|w|v");
		tries += english || own;
		for (size_t k = 0; k < LANGUAGES && (english || own); k++) {
			if (english && asked_in(a, i, languages[k].english) && is_ordered(a, i))
				add(d, languages[k].language);
			else if (own && asked_in(a, i, languages[k].own) && is_ordered_in_its_own(a, i))
				add(d, languages[k].language);
		}
	}
	/* These languages do not part words: only a text that has their letters is looked through. */
	bool wide = false;
	for (uint32_t i = 0; i < a->count && !wide; i++)
		wide = (unsigned char)a->text[a->words[i].at] >= 0xE3;
	if (!wide)
		return;
	struct str head = { a->whole.p, a->whole.n < 4096 ? a->whole.n : 4096 };
	for (size_t k = 0; k < sizeof phrases / sizeof *phrases; k++) {
		ptrdiff_t at = str_find(head, str_from(phrases[k].text));
		bool quoted = at > 0 && (str_find((struct str){ head.p, (size_t)at }, STR("「")) >= 0 ||
					    str_find((struct str){ head.p, (size_t)at }, STR("“")) >= 0);
		if (at >= 0 && !quoted)
			add(d, phrases[k].language);
	}
}

const char *
language_demand_fault(const struct language_demand *d, struct str answer)
{
	bool wrong = d->asked && !d->several && speech_is_not(answer, d->language);
	return wrong ? "it is in another language than asked for" : NULL;
}
