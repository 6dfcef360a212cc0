/*
 * Proves src/text/demand_language.c and demand_speech.c: which words ask for a language, and that an answer is at fault only where it
 * is long enough to tell.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_help.h"

#include "../../src/text/demand_parts.h"

#define NOTHING "nothing in particular"

static void
languages_are_asked_for(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "What is rain? Answer in French.", "french" },
		{ "Please respond in German.", "german" },
		{ "Reply only in Spanish, please.", "spanish" },
		{ "Please write in English language.", "english" },
		{ "Write a poem in Italian.", "italian" },
		{ "Translate this to Japanese: \"How are you?\"", "japanese" },
		{ "Translate the following text into Russian:\n\nIt rains.", "cyrillic script" },
		{ "Translate from French to English: \"bonjour\"", "english" },
		{ "Was ist Regen? Antworte auf Deutsch.", "german" },
		{ "Réponds en français.", "french" },
		{ "Responde en español, por favor.", "spanish" },
		{ "Rispondi in italiano.", "italian" },
		{ "Responda em português.", "portuguese" },
		{ "Ответь на русском.", "cyrillic script" },
		{ "雨とは何ですか。日本語で答えてください。", "japanese" },
		{ "什么是雨？请用中文回答。", "chinese" },
	};
	all_read(CASES(cases));
}

static void
speaking_of_languages_is_no_demand(void **state)
{
	(void)state;
	static const struct demand_reading cases[] = {
		{ "How do you say good evening in French?", NOTHING },
		{ "Explain the difference between ser and estar in Spanish.", NOTHING },
		{ "Write a story about life in French Polynesia.", NOTHING },
		{ "List irregular verbs in Spanish.", NOTHING },
		{ "Respond in the user's language.", NOTHING },
		{ "If they write in French, answer in French.", NOTHING },
		{ "Answer in French. Answer in German.", NOTHING },
		{ "Translate this to Japanese, in romaji.", NOTHING },
		{ "The film is in English.", NOTHING },
		{ "Translate to French and German: \"rain\"", NOTHING },
		{ "Do not answer in French.", NOTHING },
	};
	all_read(CASES(cases));
}

/* The same in each language, long enough to tell. Written for this test. */
static const struct {
	enum speech language;
	const char *text;
} texts[] = {
	{ SPEECH_ENGLISH, "Rain is water that falls from the clouds when the air can no longer hold it. It "
			  "is good for the fields and for the rivers, but there are "
			  "places where it has not been seen for many years." },
	{ SPEECH_FRENCH, "La pluie est de l'eau qui tombe des nuages quand l'air ne peut plus la retenir. "
			 "Elle est bonne pour les champs et les rivières, mais il y a des "
			 "lieux où elle ne tombe pas pendant des années." },
	{ SPEECH_GERMAN, "Regen ist Wasser, das aus den Wolken fällt, wenn die Luft es nicht mehr halten "
			 "kann. Er ist gut für die Felder und die Flüsse, aber es gibt Orte, "
			 "an denen er seit vielen Jahren nicht gefallen ist." },
	{ SPEECH_SPANISH, "La lluvia es el agua que cae de las nubes cuando el aire ya no puede con ella. Es "
			  "buena para los campos y para los ríos, pero hay lugares donde no "
			  "se ve desde hace muchos años." },
	{ SPEECH_ITALIAN, "La pioggia è acqua che cade dalle nuvole quando l'aria non può più tenerla. È "
			  "buona per i campi e per i fiumi, ma ci sono luoghi dove non cade da "
			  "molti anni e la gente la aspetta con pazienza." },
	{ SPEECH_PORTUGUESE, "A chuva é a água que cai das nuvens quando o ar já não a pode segurar. É boa "
			     "para os campos e para os rios, mas há lugares onde não cai há muitos "
			     "anos e as pessoas esperam por ela." },
	{ SPEECH_DUTCH, "Regen is water dat uit de wolken valt als de lucht het niet meer kan houden. Het is "
			"goed voor de velden en de rivieren, maar er zijn plaatsen waar het "
			"al jaren niet is gevallen." },
	{ SPEECH_POLISH, "Deszcz to woda, która spada z chmur, kiedy powietrze nie może jej już utrzymać. "
			 "Jest dobry dla pól i rzek, ale są miejsca, w których nie padało od "
			 "wielu lat i ludzie na niego czekają." },
	{ SPEECH_SWEDISH, "Regn är vatten som faller från molnen när luften inte längre kan hålla det. Det "
			  "är bra för åkrarna och för floderna, men det finns platser där det "
			  "inte har regnat på många år." },
	{ SPEECH_DANISH, "Regn er vand, der falder fra skyerne, når luften ikke længere kan holde på det. "
			 "Det er godt for markerne og for floderne, men der er steder, hvor det "
			 "ikke har regnet i mange år." },
	{ SPEECH_FINNISH, "Sade on vettä, joka putoaa pilvistä, kun ilma ei enää voi pitää sitä. Se on "
			  "hyväksi pelloille ja joille, mutta on myös paikkoja, joissa ei ole satanut "
			  "moneen vuoteen, ja ihmiset odottavat sitä." },
	{ SPEECH_RUSSIAN,
	    "Дождь - это вода, которая падает из облаков, когда воздух больше не может её держать." },
	{ SPEECH_GREEK,
	    "Η βροχή είναι νερό που πέφτει από τα σύννεφα όταν ο αέρας δεν μπορεί πια να το κρατήσει." },
	{ SPEECH_JAPANESE, "雨とは、空気が水分を保てなくなったときに雲から落ちてくる水のことです。畑や川には"
			   "良いものですが、何年も降っていない場所もあります。" },
	{ SPEECH_CHINESE, "雨是空气再也无法容纳水分时从云中落下的水。它对田野和河流都有好处，但有些地方已经多"
			  "年没有下过雨了，人们一直在等待着它的到来。" },
	{ SPEECH_KOREAN, "비는 공기가 더 이상 물을 머금을 수 없을 때 구름에서 떨어지는 물입니다. 밭과 강에는 "
			 "좋지만 몇 년 동안 비가 오지 않은 곳도 있습니다." },
};
enum { TEXTS = sizeof texts / sizeof *texts };

static void
a_text_is_in_its_own_language_and_no_other(void **state)
{
	(void)state;
	size_t wrong = 0;
	for (size_t i = 0; i < TEXTS; i++)
		for (size_t k = 0; k < TEXTS; k++) {
			/* What Japanese writes with Chinese signs passes for Chinese. */
			if (texts[i].language == SPEECH_JAPANESE && texts[k].language == SPEECH_CHINESE)
				continue;
			bool is_not = speech_is_not(str_from(texts[i].text), texts[k].language);
			bool near =
			    (texts[i].language == SPEECH_SWEDISH || texts[i].language == SPEECH_DANISH) &&
			    (texts[k].language == SPEECH_SWEDISH || texts[k].language == SPEECH_DANISH) &&
			    i != k;
			if (is_not != (i != k) && !near) {
				print_message("%s is%s %s\n", speech_name(texts[i].language),
				    is_not ? " not" : "", speech_name(texts[k].language));
				wrong++;
			}
		}
	assert_int_equal(wrong, 0);
}

static void
only_what_is_certain_is_a_fault(void **state)
{
	(void)state;
	static const struct demand_case cases[] = {
		{ "What is rain? Answer in French.",
		    "Rain is water that falls from the clouds when the air can no longer hold it, and it is "
		    "good for the fields.",
		    DEMAND_LANGUAGE },
		{ "What is rain? Answer in French.", "Rain is water.", NONE },
		{ "What is rain? Answer in French.",
		    "雨とは、空気が水分を保てなくなったときに雲から落ちてくる水のことです。畑や川には良いもの"
		    "です。",
		    DEMAND_LANGUAGE },
		{ "Translate this to Japanese: \"How are you?\"", "お元気ですか？", NONE },
		{ "Translate this to Japanese: \"How are you?\"", "The translation is: お元気ですか？",
		    NONE },
		{ "Translate this to Japanese: \"How are you?\"",
		    "I would be glad to translate it for you as soon as you tell me what it is.",
		    DEMAND_LANGUAGE },
		{ "Translate to French: \"rain\"",
		    "```\nthe rain is that which is of the clouds and that it is what there is to be\n``` "
		    "Pluie",
		    NONE },
	};
	all_judged(CASES(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(languages_are_asked_for),
		cmocka_unit_test(speaking_of_languages_is_no_demand),
		cmocka_unit_test(a_text_is_in_its_own_language_and_no_other),
		cmocka_unit_test(only_what_is_certain_is_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
