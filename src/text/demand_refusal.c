/*
 * Refusals: a short answer that begins with saying that it cannot or will not, in the words that models use for it, in English and
 * other large languages. One that goes on to help is none, so length counts, and "but here is" and its like.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

enum { REFUSAL_MAX = 600 /* bytes; one that is longer says something besides */, HEAD_MAX = 240 };

/* Where the answer begins with one of these, apology aside, and goes on with what an assistant is asked for, it is a refusal: not
 * "I'm unable to attend", which may be a letter that was asked for. */
static const char *const openings[] = { "i can't ", "i cannot ", "i can not ", "i won't ", "i will not ",
	"i won't be able to ", "i'm unable to ", "i am unable to ", "i'm not able to ", "i am not able to ",
	"i'm not going to ", "we can't ", "we cannot " };
static const char *const services[] = { "help with", "help you", "assist", "provide", "fulfill", "fulfil ",
	"comply", "do that", "create", "generate", "engage in", "participate in", "answer that",
	"answer this", "respond to", "discuss", "process this", "process that", "write that", "write this",
	"complete this request", "complete that request", "support that", "support this request",
	"continue with this", "browse", "access external", "open links", "open urls", "share that",
	"share this" };
static const char *const declines[] = { "i must decline", "i have to decline", "i must refuse",
	"i'm not comfortable ", "i am not comfortable ", "this request violates", "your request violates",
	"i'm here to help, but i can't", "it is not appropriate for me to",
	"it would not be appropriate for me to", "it would be inappropriate for me to" };

/* A model that speaks of being one, and says in the same breath what it does not do */
static const char *const selves[] = { "as an ai", "as a language model", "as a large language model",
	"as an artificial intelligence", "as an assistant", "as a responsible ai" };
static const char *const cannots[] = { "i can't", "i cannot", "i don't have the ability",
	"i do not have the ability", "i'm not able", "i am not able", "i'm unable", "i am unable", "i won't",
	"i will not", "i must decline", "not programmed to", "i'm not programmed", "i don't have access",
	"i do not have access", "i don't have the capability" };

/* The same in other languages, small letters where they have such. */
static const char *const others[] = {
	/* German */ "es tut mir leid, aber ich kann", "es tut mir leid, ich kann",
	"tut mir leid, aber ich kann", "tut mir leid, ich kann", "entschuldigung, aber ich kann",
	"leider kann ich", "ich kann dir dabei nicht helfen", "ich kann ihnen dabei nicht helfen",
	"ich kann diese anfrage nicht", "ich kann dabei nicht helfen",
	/* French */ "je suis désolé, mais je ne peux pas", "je suis désolée, mais je ne peux pas",
	"désolé, mais je ne peux pas", "désolé, je ne peux pas", "je ne peux pas vous aider",
	"je ne peux pas répondre à cette demande", "je ne suis pas en mesure de",
	"je suis dans l'impossibilité",
	/* Spanish */ "lo siento, pero no puedo", "lo siento, no puedo", "no puedo ayudarte con",
	"no puedo ayudarle con", "no puedo cumplir", "no puedo proporcionar", "lamento, pero no puedo",
	/* Portuguese */ "desculpe, mas não posso", "desculpe, não posso", "sinto muito, mas não posso",
	"lamento, mas não posso", "não posso ajudar com", "desculpe, mas não consigo", "não posso fornecer",
	/* Italian */ "mi dispiace, ma non posso", "mi dispiace, non posso", "non posso aiutarti con",
	"non posso fornire", "spiacente, ma non posso",
	/* Dutch */ "het spijt me, maar ik kan", "sorry, maar ik kan", "ik kan je daar niet mee helpen",
	"ik kan u daar niet mee helpen",
	/* Polish */ "przykro mi, ale nie mogę", "przepraszam, ale nie mogę", "nie mogę pomóc w",
	/* Swedish, Danish */ "jag är ledsen, men jag kan inte", "tyvärr kan jag inte",
	"jeg beklager, men jeg kan ikke", "beklager, men jeg kan ikke",
	/* Russian */ "извините, но я не могу", "к сожалению, я не могу", "я не могу помочь с",
	"простите, но я не могу",
	/* Turkish */ "üzgünüm, ancak", "üzgünüm, ama bu",
	/* Chinese, Japanese, Korean */ "对不起，我无法", "抱歉，我无法", "很抱歉，我无法", "抱歉，我不能",
	"对不起，我不能", "很抱歉，我不能", "我无法提供", "我无法协助", "申し訳ありませんが、",
	"申し訳ございませんが、", "죄송하지만", "죄송합니다만"
};
/* Of those that say sorry first, the ones that go on to something else: "leider kann ich ... nicht" needs its no. */
static const char *const nos[] = { "nicht", "kein", "niet", "geen", "inte", "ikke", "ne peux pas", "no puedo",
	"não", "non posso", "nie mog", "не могу", "mam", "无法", "不能", "できません", "できない", "ません",
	"없습니다", "어렵습니다", "suis pas", "impossibilité", "lamento" };

/* It goes on to help. */
static const char *const helps[] = { "but here", "however, here", "but i can ", "however, i can",
	"but i could", "here's a", "here is a", "here are", "instead, i can provide", "i can, however",
	"that said,", "```" };

/* In lower case with straight apostrophes and single spaces; ASCII and Latin-1 and Cyrillic capitals only. Returns its length. */
static size_t
fold(struct str s, char *out, size_t room)
{
	size_t n = 0;
	bool space = true;
	for (size_t i = 0; i < s.n && n + 3 < room; i++) {
		unsigned char c = (unsigned char)s.p[i], d = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
		if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '*' || c == '"' || c == '_' ||
		    c == '#') {
			if (!space)
				out[n++] = ' ';
			space = true;
			continue;
		}
		space = false;
		if (c == 0xE2 && d == 0x80 && i + 2 < s.n && ((unsigned char)s.p[i + 2] | 1) == 0x99) {
			out[n++] = '\'';
			i += 2;
		} else if (c == 0xC3 && d >= 0x80 && d <= 0x9E) {
			out[n++] = (char)c;
			out[n++] = (char)(d + 0x20);
			i++;
		} else if (c == 0xD0 && d >= 0x90 && d <= 0xAF) {
			out[n++] = (char)(d < 0xA0 ? 0xD0 : 0xD1);
			out[n++] = (char)(d < 0xA0 ? d + 0x20 : d - 0x20);
			i++;
		} else
			out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
	}
	return n;
}

static bool
holds_one(struct str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_find(s, str_from(list[i])) >= 0)
			return true;
	return false;
}

static bool
begins_with_one(struct str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (s.n > 0 && s.p[0] == list[i][0] && str_starts(s, str_from(list[i])))
			return true;
	return false;
}

#define LIST(table) (table), sizeof(table) / sizeof(*(table))

/* Without "I'm sorry, but" and its like. */
static struct str
without_apology(struct str s)
{
	static const char *const apologies[] = { "i'm sorry", "i am sorry", "i'm very sorry", "sorry",
		"i apologize", "i apologise", "my apologies", "apologies", "unfortunately", "i'm afraid",
		"i regret", "thank you for your request" };
	static const char *const joints[] = { ", but ", ". ", ", ", " but ", "; ", "! ", " that ",
		" for the inconvenience", " for any confusion", " to say", " to inform you", "," };
	bool more = true;
	for (int rounds = 0; more && rounds < 6; rounds++) {
		more = false;
		for (size_t i = 0; i < sizeof apologies / sizeof *apologies && rounds < 2; i++)
			if (str_starts(s, str_from(apologies[i]))) {
				s = (struct str){ s.p + strlen(apologies[i]), s.n - strlen(apologies[i]) };
				more = true;
				break;
			}
		for (size_t i = 0; i < sizeof joints / sizeof *joints; i++)
			if (str_starts(s, str_from(joints[i]))) {
				s = (struct str){ s.p + strlen(joints[i]), s.n - strlen(joints[i]) };
				more = true;
				break;
			}
	}
	return s;
}

bool
is_refusal(struct str answer)
{
	char folded[REFUSAL_MAX + 8];
	if (answer.n > REFUSAL_MAX || answer.n < 8)
		return false;
	struct str s = { folded, fold(answer, folded, sizeof folded) };
	struct str head = { s.p, s.n < HEAD_MAX ? s.n : HEAD_MAX };
	if (s.n == 0 || holds_one(s, LIST(helps)))
		return false;
	if (begins_with_one(s, LIST(others)))
		return holds_one(head, LIST(nos));
	if (begins_with_one(s, LIST(selves)))
		return holds_one(head, LIST(cannots));
	s = without_apology(s);
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		size_t n = strlen(openings[i]);
		if (str_starts(s, str_from(openings[i])) &&
		    begins_with_one((struct str){ s.p + n, s.n - n }, LIST(services)))
			return true;
	}
	return begins_with_one(s, LIST(declines));
}
