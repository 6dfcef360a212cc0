/*
 * The rules are those of OpenAI's guide "Images and vision", section "Calculating costs", as of 2026-07:
 *
 *   tiles    low detail: the base. Else the picture is fitted into 2048 x 2048 and shrunk until its shorter side is 768; base, and
 *            a price for each tile of 512 x 512 begun. At most 4 x 2 tiles.
 *   patches  the patches of 32 x 32 that cover it, 1536 at most, times a factor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image.h"

enum {
	TILE = 512,
	TILES_FIT = 2048,
	TILES_SHORT = 768,
	MOST_TILES = TILES_FIT / TILE * 2,
	PATCH = 32,
	MOST_PATCHES = 1536,
	/* The newest models: 2500 patches in high detail, 10,000 in the original's */
	NEWEST_PATCHES = 2500,
	NEWEST_ORIGINAL = 10000,
};

/* One byte of what base64 text stands for, -1 behind its end or where it is no base64. */
static int
byte_at(struct str base64, size_t i)
{
	size_t at = i / 3 * 4;
	uint32_t bits = 0;
	if (at + 4 > base64.n)
		return -1;
	for (size_t k = 0; k < 4; k++) {
		char c = base64.p[at + k];
		uint32_t six = 0;
		if (c >= 'A' && c <= 'Z')
			six = (uint32_t)(c - 'A');
		else if (c >= 'a' && c <= 'z')
			six = (uint32_t)(c - 'a' + 26);
		else if (c >= '0' && c <= '9')
			six = (uint32_t)(c - '0' + 52);
		else if (c == '+' || c == '-')
			six = 62;
		else if (c == '/' || c == '_')
			six = 63;
		else if (c != '=' || k <= i % 3 + 1)
			return -1;
		bits = bits << 6 | six;
	}
	return (int)(bits >> (16 - 8 * (i % 3)) & 0xff);
}

/* n bytes as a number, 0 where they are missing */
static uint32_t
number_at(struct str base64, size_t at, int n, bool big_end)
{
	uint32_t v = 0;
	for (int i = 0; i < n; i++) {
		int b = byte_at(base64, at + (size_t)(big_end ? i : n - 1 - i));
		if (b < 0)
			return 0;
		v = v << 8 | (uint32_t)b;
	}
	return v;
}

static bool
is_at(struct str base64, size_t at, const char *bytes)
{
	for (; *bytes != '\0'; at++, bytes++)
		if (byte_at(base64, at) != (unsigned char)*bytes)
			return false;
	return true;
}

/* A row of segments, | ff | kind | length, 2 bytes | ... |; the size stands in the first frame header. */
static struct image_size
jpeg_size(struct str b)
{
	enum { MOST_SEGMENTS = 512 };
	size_t at = 2;
	for (int i = 0; i < MOST_SEGMENTS; i++) {
		int kind;
		if (byte_at(b, at) != 0xff)
			break;
		while ((kind = byte_at(b, at + 1)) == 0xff)
			at++; /* fill bytes */
		bool frame = kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
		if (frame)
			return (struct image_size){ number_at(b, at + 7, 2, true),
				number_at(b, at + 5, 2, true) };
		uint32_t length = number_at(b, at + 2, 2, true);
		if (length < 2)
			break;
		at += 2 + length;
	}
	return (struct image_size){ 0, 0 };
}

static struct image_size
webp_size(struct str b)
{
	if (is_at(b, 12, "VP8X"))
		return (struct image_size){ number_at(b, 24, 3, false) + 1, number_at(b, 27, 3, false) + 1 };
	if (is_at(b, 12, "VP8L")) {
		uint32_t bits = number_at(b, 21, 4, false);
		return (struct image_size){ (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1 };
	}
	if (is_at(b, 12, "VP8 "))
		return (struct image_size){ number_at(b, 26, 2, false) & 0x3fff,
			number_at(b, 28, 2, false) & 0x3fff };
	return (struct image_size){ 0, 0 };
}

struct image_size
image_size_of(struct str url)
{
	struct image_size none = { 0, 0 }, size = none;
	ptrdiff_t lead = str_find((struct str){ url.p, url.n < 128 ? url.n : 128 }, STR(";base64,"));
	if (!str_starts(url, STR("data:")) || lead < 0)
		return none;
	size_t from = (size_t)lead + strlen(";base64,");
	struct str b = { url.p + from, url.n - from };
	if (is_at(b, 0, "\x89PNG\r\n\x1a\n"))
		size = (struct image_size){ number_at(b, 16, 4, true), number_at(b, 20, 4, true) };
	else if (is_at(b, 0, "GIF8"))
		size = (struct image_size){ number_at(b, 6, 2, false), number_at(b, 8, 2, false) };
	else if (is_at(b, 0, "RIFF") && is_at(b, 8, "WEBP"))
		size = webp_size(b);
	else if (is_at(b, 0, "\xff\xd8"))
		size = jpeg_size(b);
	return size.width == 0 || size.height == 0 ? none : size;
}

struct rule {
	struct str family;
	int base, tile; /* tile 0: patches */
	int percent;    /* of the patches */
};

/* The first that fits: longer names stand before what they begin with. */
static const struct rule *
rule_of(struct str model)
{
#define RULE(name, base, tile, percent)                         \
	{                                                       \
		{ name, sizeof(name) - 1 }, base, tile, percent \
	}
	static const struct rule rules[] = {
		RULE("gpt-4o-mini", 2833, 5667, 0), RULE("gpt-4o", 85, 170, 0),
		RULE("chatgpt-4o", 85, 170, 0), RULE("gpt-4.1-mini", 0, 0, 162),
		RULE("gpt-4.1-nano", 0, 0, 246), RULE("gpt-4.1", 85, 170, 0), RULE("gpt-4.5", 85, 170, 0),
		RULE("gpt-4-turbo", 85, 170, 0), RULE("gpt-4-1106-vision", 85, 170, 0),
		RULE("gpt-4-vision", 85, 170, 0), RULE("o4-mini", 0, 0, 172), RULE("o1", 75, 150, 0),
		RULE("o3", 75, 150, 0), RULE("gpt-5-mini", 0, 0, 162), RULE("gpt-5-nano", 0, 0, 246),
		RULE("gpt-5-", 70, 140, 0), /* gpt-5-chat-latest and dated names */
	};
	static const struct rule gpt5 = RULE("gpt-5", 70, 140, 0);
	/* Later ones of that family: not all of their factors are published, so the highest that is */
	static const struct rule newest = RULE("gpt-5.", 0, 0, 246);
#undef RULE
	if (str_starts(model, STR("ft:")))
		model = (struct str){ model.p + 3, model.n - 3 };
	if (str_eq(model, gpt5.family))
		return &gpt5;
	if (str_starts(model, newest.family))
		return &newest;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (str_starts(model, rules[i].family))
			return &rules[i];
	return NULL;
}

static int64_t
covers(double length, int unit)
{
	int64_t n = (int64_t)(length / unit);
	return n + ((double)(n * unit) < length - 1e-6);
}

/* grow: a small picture too is brought to a shorter side of 768 pixels, as far as it fits; the guide can be read so. */
static int64_t
tiles_of(struct image_size size, bool grow)
{
	double width = size.width, height = size.height;
	if (size.width == 0)
		return MOST_TILES;
	double shorter = width < height ? width : height, longer = width < height ? height : width;
	double scale = longer > TILES_FIT ? TILES_FIT / longer : 1;
	if (shorter * scale > TILES_SHORT || grow)
		scale = TILES_SHORT / shorter;
	if (longer * scale > TILES_FIT)
		scale = TILES_FIT / longer;
	int64_t tiles = covers(width * scale, TILE) * covers(height * scale, TILE);
	return tiles < 1 ? 1 : tiles < MOST_TILES ? tiles : MOST_TILES;
}

static int64_t
patches_of(struct image_size size, int64_t most)
{
	if (size.width == 0)
		return most;
	int64_t patches = covers(size.width, PATCH) * covers(size.height, PATCH);
	return patches < most ? patches : most; /* a larger one is shrunk until it fits */
}

struct image_cost
image_cost_of(struct str model, struct image_size size, enum image_detail detail)
{
	const struct rule *r = rule_of(model);
	struct image_size largest = { 0, 0 };
	if (r == NULL)
		return (struct image_cost){ 0, -1 };
	if (r->tile == 0) {
		bool newest = str_eq(r->family, STR("gpt-5."));
		int64_t most = !newest                    ? MOST_PATCHES
			       : detail == IMAGE_ORIGINAL ? NEWEST_ORIGINAL
							  : NEWEST_PATCHES;
		int64_t tokens = (patches_of(size, most) * r->percent + 99) / 100;
		return (struct image_cost){ tokens, tokens };
	}
	if (detail == IMAGE_LOW)
		return (struct image_cost){ r->base, r->base };
	if (detail == IMAGE_ORIGINAL)
		size = largest;
	return (struct image_cost){ r->base + tiles_of(size, false) * r->tile,
		r->base + tiles_of(size, true) * r->tile };
}
