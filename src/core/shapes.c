/*
 * The tables: OpenAI's request bodies, as its typings describe them. Null is allowed where they allow it, and means the same as
 * leaving the field out. Strings that name a choice ("auto", "high", ...) are not listed: new ones appear too often.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "fields.h"

#define NAME(text) .name = { "" text, sizeof(text) - 1 }
#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define SHAPE(list)                                  \
	{                                            \
		.fields = list, .count = COUNT(list) \
	}
#define SHAPE_BY(list, member, cases)                                                  \
	{                                                                              \
		.fields = list, .count = COUNT(list), .by = member, .variants = cases, \
		.variant_count = COUNT(cases)                                          \
	}

#define TEXT MAY_STRING
#define TEXT_OR_NULL (MAY_STRING | MAY_NULL)
#define BOOL_OR_NULL (MAY_BOOL | MAY_NULL)
#define OBJECT_OR_NULL (MAY_OBJECT | MAY_NULL)
#define NUMBER_OR_NULL (MAY_NUMBER | MAY_NULL)

/* Tokens fit 31 bits: budgets multiply them by prices, and no model comes near. */
#define TOKENS .flags = FIELD_WHOLE, .min = 1, .max = INT32_MAX

/* clang-format off */
static const struct field string_element = { .types = MAY_STRING };
static const struct field bias_element = { .types = MAY_NUMBER, .min = -100, .max = 100 };
static const struct field token_element = { .types = MAY_NUMBER, .flags = FIELD_WHOLE, .min = 0, .max = INT32_MAX };
static const struct field text_or_tokens_element = {
	.types = MAY_STRING | MAY_NUMBER | MAY_ARRAY, .flags = FIELD_WHOLE, .min = 0, .max = INT32_MAX,
	.element = &token_element,
};

/* Chat: what a message is made of. */
static const struct field image_url_fields[] = {
	{ NAME("url"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("detail"), .types = TEXT },
};
static const struct shape image_url_shape = SHAPE(image_url_fields);

static const struct field input_audio_fields[] = {
	{ NAME("data"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("format"), .types = TEXT, .flags = FIELD_REQUIRED },
};
static const struct shape input_audio_shape = SHAPE(input_audio_fields);

static const struct field file_fields[] = {
	{ NAME("file_data"), .types = TEXT },
	{ NAME("file_id"), .types = TEXT },
	{ NAME("filename"), .types = TEXT },
};
static const struct shape file_shape = SHAPE(file_fields);

static const struct field part_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("text"), .types = TEXT },
	{ NAME("image_url"), .types = MAY_OBJECT, .members = &image_url_shape },
	{ NAME("input_audio"), .types = MAY_OBJECT, .members = &input_audio_shape },
	{ NAME("file"), .types = MAY_OBJECT, .members = &file_shape },
	{ NAME("refusal"), .types = TEXT },
};
static const struct variant part_variants[] = {
	{ "text", "text" }, { "image_url", "image_url" }, { "input_audio", "input_audio" }, { "file", "file" },
	{ "refusal", "refusal" },
};
static const struct shape part_shape = SHAPE_BY(part_fields, "type", part_variants);
static const struct field part_element = { .types = MAY_OBJECT, .members = &part_shape };

static const struct field called_fields[] = {
	{ NAME("name"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("arguments"), .types = TEXT },
	{ NAME("input"), .types = TEXT },
};
static const struct shape called_shape = SHAPE(called_fields);

static const struct field tool_call_fields[] = {
	{ NAME("id"), .types = TEXT },
	{ NAME("type"), .types = TEXT },
	{ NAME("function"), .types = MAY_OBJECT, .members = &called_shape },
	{ NAME("custom"), .types = MAY_OBJECT, .members = &called_shape },
};
static const struct variant tool_call_variants[] = { { "function", "function" }, { "custom", "custom" } };
static const struct shape tool_call_shape = SHAPE_BY(tool_call_fields, "type", tool_call_variants);
static const struct field tool_call_element = { .types = MAY_OBJECT, .members = &tool_call_shape };

static const struct field message_fields[] = {
	{ NAME("role"), .types = TEXT, .flags = FIELD_REQUIRED | FIELD_FILLED },
	{ NAME("content"), .types = TEXT_OR_NULL | MAY_ARRAY, .element = &part_element },
	{ NAME("name"), .types = TEXT },
	{ NAME("refusal"), .types = TEXT_OR_NULL },
	{ NAME("audio"), .types = OBJECT_OR_NULL },
	{ NAME("function_call"), .types = OBJECT_OR_NULL, .members = &called_shape },
	{ NAME("tool_calls"), .types = MAY_ARRAY, .element = &tool_call_element },
	{ NAME("tool_call_id"), .types = TEXT },
};
/* An assistant's message may have tool calls instead, and null or nothing for content. */
static const struct variant message_variants[] = {
	{ "user", "content" }, { "system", "content" }, { "developer", "content" }, { "tool", "content" },
	{ "tool", "tool_call_id" },
};
static const struct shape message_shape = SHAPE_BY(message_fields, "role", message_variants);
static const struct field message_element = { .types = MAY_OBJECT, .members = &message_shape };

/* Chat: tools and the form of the answer. */
static const struct field function_fields[] = {
	{ NAME("name"), .types = TEXT, .flags = FIELD_REQUIRED | FIELD_FILLED },
	{ NAME("description"), .types = TEXT },
	{ NAME("parameters"), .types = MAY_OBJECT },
	{ NAME("strict"), .types = BOOL_OR_NULL },
};
static const struct shape function_shape = SHAPE(function_fields);
static const struct field function_element = { .types = MAY_OBJECT, .members = &function_shape };

static const struct field custom_fields[] = {
	{ NAME("name"), .types = TEXT, .flags = FIELD_REQUIRED | FIELD_FILLED },
	{ NAME("description"), .types = TEXT },
	{ NAME("format"), .types = MAY_OBJECT },
};
static const struct shape custom_shape = SHAPE(custom_fields);

static const struct field tool_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("function"), .types = MAY_OBJECT, .members = &function_shape },
	{ NAME("custom"), .types = MAY_OBJECT, .members = &custom_shape },
};
static const struct variant tool_variants[] = { { "function", "function" }, { "custom", "custom" } };
static const struct shape tool_shape = SHAPE_BY(tool_fields, "type", tool_variants);
static const struct field tool_element = { .types = MAY_OBJECT, .members = &tool_shape };

static const struct field schema_fields[] = {
	{ NAME("name"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("description"), .types = TEXT },
	{ NAME("schema"), .types = MAY_OBJECT },
	{ NAME("strict"), .types = BOOL_OR_NULL },
};
static const struct shape schema_shape = SHAPE(schema_fields);

static const struct field format_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("json_schema"), .types = MAY_OBJECT, .members = &schema_shape },
};
static const struct variant format_variants[] = { { "json_schema", "json_schema" } };
static const struct shape format_shape = SHAPE_BY(format_fields, "type", format_variants);

static const struct field typed_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
};
static const struct shape typed_shape = SHAPE(typed_fields);

static const struct field stream_options_fields[] = {
	{ NAME("include_usage"), .types = MAY_BOOL },
	{ NAME("include_obfuscation"), .types = MAY_BOOL },
};
static const struct shape stream_options_shape = SHAPE(stream_options_fields);

/* What several endpoints have in common. */
#define F_MODEL { NAME("model"), .types = TEXT, .flags = FIELD_REQUIRED | FIELD_FILLED, .fact = FACT_MODEL }
#define F_STREAM { NAME("stream"), .types = BOOL_OR_NULL, .flags = FIELD_SILENT, .fact = FACT_STREAM }
#define F_STREAM_OPTIONS { NAME("stream_options"), .types = OBJECT_OR_NULL, .flags = FIELD_SILENT, \
		.fact = FACT_STREAM_OPTIONS, .members = &stream_options_shape }
#define F_TEMPERATURE { NAME("temperature"), .types = NUMBER_OR_NULL, .min = 0, .max = 2 }
#define F_TOP_P { NAME("top_p"), .types = NUMBER_OR_NULL, .min = 0, .max = 1 }
#define F_TOP_LOGPROBS { NAME("top_logprobs"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE, .min = 0, .max = 20 }
#define F_FREQUENCY { NAME("frequency_penalty"), .types = NUMBER_OR_NULL, .min = -2, .max = 2 }
#define F_PRESENCE { NAME("presence_penalty"), .types = NUMBER_OR_NULL, .min = -2, .max = 2 }
#define F_SEED { NAME("seed"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE }
#define F_BIAS { NAME("logit_bias"), .types = OBJECT_OR_NULL, .element = &bias_element }
#define F_STOP { NAME("stop"), .types = TEXT_OR_NULL | MAY_ARRAY, .element = &string_element }
#define F_N { NAME("n"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE, .min = 1, .max = 128, .fact = FACT_N }
#define F_USER { NAME("user"), .types = TEXT, .flags = FIELD_SILENT }
#define F_METADATA { NAME("metadata"), .types = OBJECT_OR_NULL, .flags = FIELD_SILENT, .fact = FACT_METADATA, \
		.element = &string_element }
#define F_STORE { NAME("store"), .types = BOOL_OR_NULL, .flags = FIELD_SILENT, .fact = FACT_STORE }
#define F_SAFETY { NAME("safety_identifier"), .types = TEXT, .flags = FIELD_SILENT }
#define F_CACHE_KEY { NAME("prompt_cache_key"), .types = TEXT, .flags = FIELD_SILENT }
#define F_CACHE_OPTIONS { NAME("prompt_cache_options"), .types = MAY_OBJECT, .flags = FIELD_SILENT }
#define F_CACHE_RETENTION { NAME("prompt_cache_retention"), .types = TEXT_OR_NULL, .flags = FIELD_SILENT }
#define F_SERVICE_TIER { NAME("service_tier"), .types = TEXT_OR_NULL }
#define F_TOOL_CHOICE { NAME("tool_choice"), .types = TEXT | MAY_OBJECT, .members = &typed_shape }
#define F_MODERATION { NAME("moderation"), .types = OBJECT_OR_NULL }

static const struct field chat_fields[] = {
	F_MODEL,
	{ NAME("messages"), .types = MAY_ARRAY, .flags = FIELD_REQUIRED | FIELD_FILLED, .fact = FACT_CONTENT,
		.element = &message_element },
	F_TEMPERATURE, F_STREAM,
	{ NAME("max_tokens"), .types = NUMBER_OR_NULL, TOKENS, .fact = FACT_MAX_OLD },
	{ NAME("max_completion_tokens"), .types = NUMBER_OR_NULL, TOKENS, .fact = FACT_MAX },
	F_TOP_P, F_STREAM_OPTIONS,
	{ NAME("tools"), .types = MAY_ARRAY, .fact = FACT_TOOLS, .element = &tool_element },
	F_TOOL_CHOICE,
	{ NAME("response_format"), .types = MAY_OBJECT, .members = &format_shape },
	F_N, F_SEED, F_STOP, F_USER, F_METADATA, F_STORE, F_FREQUENCY, F_PRESENCE, F_BIAS,
	{ NAME("logprobs"), .types = BOOL_OR_NULL },
	F_TOP_LOGPROBS,
	{ NAME("parallel_tool_calls"), .types = MAY_BOOL },
	{ NAME("functions"), .types = MAY_ARRAY, .element = &function_element },
	{ NAME("function_call"), .types = TEXT | MAY_OBJECT },
	{ NAME("modalities"), .types = MAY_ARRAY | MAY_NULL, .fact = FACT_MODALITIES, .element = &string_element },
	{ NAME("audio"), .types = OBJECT_OR_NULL },
	{ NAME("prediction"), .types = OBJECT_OR_NULL, .members = &typed_shape },
	{ NAME("reasoning_effort"), .types = TEXT_OR_NULL },
	{ NAME("verbosity"), .types = TEXT_OR_NULL },
	{ NAME("web_search_options"), .types = MAY_OBJECT, .fact = FACT_WEB_SEARCH },
	F_SERVICE_TIER, F_MODERATION, F_SAFETY, F_CACHE_KEY, F_CACHE_OPTIONS, F_CACHE_RETENTION,
};
static const struct shape chat_shape = SHAPE(chat_fields);

static const struct field completions_fields[] = {
	F_MODEL,
	{ NAME("prompt"), .types = TEXT_OR_NULL | MAY_ARRAY, .fact = FACT_CONTENT, .element = &text_or_tokens_element },
	{ NAME("max_tokens"), .types = NUMBER_OR_NULL, TOKENS, .fact = FACT_MAX },
	F_TEMPERATURE, F_TOP_P, F_STREAM, F_STREAM_OPTIONS, F_N,
	{ NAME("best_of"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE, .min = 1, .max = 128, .fact = FACT_BEST_OF },
	{ NAME("echo"), .types = BOOL_OR_NULL },
	{ NAME("logprobs"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE, .min = 0, .max = 5 },
	{ NAME("suffix"), .types = TEXT_OR_NULL },
	F_FREQUENCY, F_PRESENCE, F_BIAS, F_SEED, F_STOP, F_USER,
};
static const struct shape completions_shape = SHAPE(completions_fields);

static const struct field embeddings_fields[] = {
	F_MODEL,
	{ NAME("input"), .types = TEXT | MAY_ARRAY, .flags = FIELD_REQUIRED | FIELD_FILLED, .fact = FACT_CONTENT,
		.element = &text_or_tokens_element },
	{ NAME("encoding_format"), .types = TEXT, .flags = FIELD_SILENT, .fact = FACT_ENCODING },
	{ NAME("dimensions"), .types = MAY_NUMBER, .flags = FIELD_WHOLE, .min = 1, .max = INT32_MAX },
	F_USER,
};
static const struct shape embeddings_shape = SHAPE(embeddings_fields);

/* Responses: items of many types; messages are checked, the rest is the provider's matter. */
static const struct field item_part_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("text"), .types = TEXT },
	{ NAME("refusal"), .types = TEXT },
	{ NAME("image_url"), .types = TEXT_OR_NULL },
};
static const struct variant item_part_variants[] = {
	{ "input_text", "text" }, { "output_text", "text" }, { "refusal", "refusal" },
};
static const struct shape item_part_shape = SHAPE_BY(item_part_fields, "type", item_part_variants);
static const struct field item_part_element = { .types = MAY_OBJECT, .members = &item_part_shape };

static const struct field item_fields[] = {
	{ NAME("type"), .types = TEXT },
	{ NAME("role"), .types = TEXT },
	/* Reasoning items have null here. */
	{ NAME("content"), .types = TEXT_OR_NULL | MAY_ARRAY, .element = &item_part_element },
};
static const struct variant item_variants[] = {
	{ "user", "content" }, { "system", "content" }, { "developer", "content" }, { "assistant", "content" },
};
static const struct shape item_shape = SHAPE_BY(item_fields, "role", item_variants);
static const struct field item_element = { .types = MAY_OBJECT, .members = &item_shape };

static const struct field flat_tool_fields[] = {
	{ NAME("type"), .types = TEXT, .flags = FIELD_REQUIRED },
	{ NAME("name"), .types = TEXT },
	{ NAME("description"), .types = TEXT_OR_NULL },
	{ NAME("parameters"), .types = OBJECT_OR_NULL },
	{ NAME("strict"), .types = BOOL_OR_NULL },
};
static const struct variant flat_tool_variants[] = { { "function", "name" }, { "custom", "name" } };
static const struct shape flat_tool_shape = SHAPE_BY(flat_tool_fields, "type", flat_tool_variants);
static const struct field flat_tool_element = { .types = MAY_OBJECT, .members = &flat_tool_shape };

static const struct field responses_fields[] = {
	F_MODEL,
	{ NAME("input"), .types = TEXT | MAY_ARRAY, .fact = FACT_CONTENT, .element = &item_element },
	{ NAME("instructions"), .types = TEXT_OR_NULL },
	F_STREAM, F_STORE,
	{ NAME("max_output_tokens"), .types = NUMBER_OR_NULL, TOKENS, .fact = FACT_MAX },
	{ NAME("tools"), .types = MAY_ARRAY, .fact = FACT_TOOLS, .element = &flat_tool_element },
	F_TOOL_CHOICE,
	{ NAME("text"), .types = MAY_OBJECT },
	{ NAME("reasoning"), .types = OBJECT_OR_NULL },
	{ NAME("include"), .types = MAY_ARRAY | MAY_NULL, .element = &string_element },
	F_TEMPERATURE, F_TOP_P, F_TOP_LOGPROBS, F_STREAM_OPTIONS, F_METADATA, F_USER,
	{ NAME("parallel_tool_calls"), .types = BOOL_OR_NULL },
	{ NAME("previous_response_id"), .types = TEXT_OR_NULL, .fact = FACT_PREVIOUS },
	{ NAME("conversation"), .types = TEXT_OR_NULL | MAY_OBJECT, .fact = FACT_CONVERSATION },
	{ NAME("background"), .types = BOOL_OR_NULL, .fact = FACT_BACKGROUND },
	{ NAME("max_tool_calls"), .types = NUMBER_OR_NULL, .flags = FIELD_WHOLE, .min = 0, .max = INT32_MAX },
	{ NAME("truncation"), .types = TEXT_OR_NULL },
	{ NAME("context_management"), .types = MAY_ARRAY | MAY_NULL },
	{ NAME("prompt"), .types = OBJECT_OR_NULL },
	/* Codex's, with identifiers of its own turn in it. */
	{ NAME("client_metadata"), .types = OBJECT_OR_NULL, .flags = FIELD_SILENT },
	F_SERVICE_TIER, F_MODERATION, F_SAFETY, F_CACHE_KEY, F_CACHE_OPTIONS, F_CACHE_RETENTION,
};
static const struct shape responses_shape = SHAPE(responses_fields);
/* clang-format on */

const struct shape *
shape_of(enum endpoint endpoint)
{
	switch (endpoint) {
	case ENDPOINT_CHAT:
		return &chat_shape;
	case ENDPOINT_COMPLETIONS:
		return &completions_shape;
	case ENDPOINT_EMBEDDINGS:
		return &embeddings_shape;
	case ENDPOINT_RESPONSES:
		return &responses_shape;
	}
	assert(!"an endpoint");
	return NULL;
}
