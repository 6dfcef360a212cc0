/*
 * Clients for Node before a gateway that keeps answers: what each shows of an answer, in every form it knows, asked for first in
 * one form and then in all of them. ../test_sdk_cache.py writes the plan to stdin, reads JSON from stdout and compares.
 * SPDX-License-Identifier: Apache-2.0
 */
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { text as textOf } from "node:stream/consumers";
import process from "node:process";

const plan = JSON.parse(await textOf(process.stdin));
const model = "gpt-4o-mini";
const told = { stream: true, stream_options: { include_usage: true } };
let asks = 0, lastCache = null, clean = false;
const lost = [];   /* connections that kept answers should have left usable, and did not */
diagnostics.subscribe("undici:client:connected", () => clean && lost.push(`before ask ${asks}`));

/* Every client is given this one, and so shows which answers were kept ones. */
async function spy(...request) {
	asks++;
	const response = await fetch(...request);
	lastCache = response.headers.get("x-farthing-cache");
	assert.equal(response.status, 200, `${response.status} ${response.status === 200 ? "" : await response.clone().text()}`);
	return response;
}
const session = { apiKey: "sk-anything", baseURL: plan.base, maxRetries: 0, fetch: spy };

const messages = (text) => [{ role: "user", content: text }];
const chat = (shape, text) => ({ model, messages: messages(text), ...shape.ask });
const response = (shape, text) => ({ model, input: text, ...shape.ask });
const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

async function all(stream) {
	const found = [];
	for await (const x of stream)
		found.push(plain(x));
	return found;
}

/* ---- what a stream of chunks says, in the way of a client that adds it up by itself ---- */

function sum(chunks) {
	const choices = {}, head = {};
	for (const { choices: said, obfuscation, ...rest } of chunks) {
		for (const [key, value] of Object.entries(rest))
			if (value !== null && value !== "" && value !== 0)
				head[key] = value;
		for (const { index, delta, text, finish_reason: finish, logprobs } of said ?? []) {
			const c = choices[index] ??= { text: "", content: "", reasoning: "", refusal: "", calls: [], logprobs: [] };
			c.text += text ?? "";
			c.content += delta?.content ?? "";
			c.reasoning += delta?.reasoning_content ?? delta?.reasoning ?? "";
			c.refusal += delta?.refusal ?? "";
			c.role = delta?.role || c.role;
			c.finish = finish ?? c.finish;
			c.annotations = delta?.annotations ?? c.annotations;
			if (delta?.function_call)
				c.called = [delta.function_call.name ?? c.called?.[0], (c.called?.[1] ?? "") + (delta.function_call.arguments ?? "")];
			c.logprobs.push(...logprobs?.content ?? logprobs?.tokens ?? []);
			for (const piece of delta?.tool_calls ?? []) {
				let call = c.calls.find((x) => piece.index === undefined ? x.id === piece.id : x.index === piece.index);
				if (!call)
					c.calls.push(call = { id: piece.id, index: piece.index ?? c.calls.length, name: "", words: "" });
				call.name = piece.function?.name || call.name;
				call.words += piece.function?.arguments ?? "";
			}
		}
	}
	return { head, choices };
}

/* Of a response's stream: what each place was told, and how it ended. */
function sumEvents(events) {
	const places = {}, kinds = new Set();
	let last;
	for (const e of events) {
		kinds.add(e.type);
		if (e.type.endsWith(".delta"))
			places[`${e.type} ${e.output_index} ${e.content_index ?? e.summary_index}`] =
				(places[`${e.type} ${e.output_index} ${e.content_index ?? e.summary_index}`] ?? "") + e.delta;
		if (e.annotation)
			places[`annotation ${e.annotation_index}`] = e.annotation;
		last = e.response ?? last;
	}
	return { places, kinds: [...kinds].sort(), last };
}

/* ---- the forms of each client, by endpoint: (shape, text) -> what it shows ---- */

/* The helper lets the last delta win in members it does not know, and so loses what was said in them. */
function helped(final) {
	for (const choice of final.choices) {
		for (const name of ["reasoning", "reasoning_content", "reasoning_details"])
			delete choice.message[name];
		delete choice.content_filter_results;
	}
	delete final.obfuscation;
	return final;
}

/* The SDK reads base64 into the doubles of 32-bit floats; the same ones may have been written with fewer digits. */
function rounded(found) {
	for (const d of found.data ?? [])
		d.embedding = typeof d.embedding === "string" ? d.embedding : d.embedding.map(Math.fround);
	return found;
}

/* Of the official one; what a major version does not have is left out. */
function official(OpenAI) {
	const c = new OpenAI(session);
	const completions = c.beta?.chat?.completions?.stream ? c.beta.chat.completions : c.chat.completions;
	const told_of = { stream_options: told.stream_options };
	const helper = (shape, text) => completions.stream({ ...chat(shape, text), ...told_of });
	return {
		chat: {
			whole: async (s, text) => plain(await c.chat.completions.create(chat(s, text))),
			stream: async (s, text) => sum(await all(await c.chat.completions.create({ ...chat(s, text), ...told }))),
			helper: async (s, text) => helped(plain(await helper(s, text).finalChatCompletion())),
			parse: async (s, text) => plain(await completions.parse(chat(s, text))),
		},
		completions: {
			whole: async (s, text) => plain(await c.completions.create({ model, prompt: text, ...s.ask })),
			stream: async (s, text) => sum(await all(await c.completions.create({ model, prompt: text, ...s.ask, ...told }))),
		},
		responses: {
			whole: async (s, text) => plain(await c.responses.create(response(s, text))),
			stream: async (s, text) => sumEvents(await all(await c.responses.create({ ...response(s, text), stream: true }))),
			helper: async (s, text) => plain(await c.responses.stream(response(s, text)).finalResponse()),
			parse: async (s, text) => plain(await c.responses.parse(response(s, text))),
		},
		embeddings: {
			usual: async (s, text) => rounded(await c.embeddings.create({ model: "text-embedding-3-small", input: [text, "b"] })),
			float: async (s, text) => rounded(await c.embeddings.create(
				{ model: "text-embedding-3-small", input: [text, "b"], encoding_format: "float" })),
			base64: async (s, text) => rounded(await c.embeddings.create(
				{ model: "text-embedding-3-small", input: [text, "b"], encoding_format: "base64" })),
		},
	};
}

/* The tools of a shape, for clients that have a way of their own to name them: [name, schema]. */
const tools_of = (shape) => (shape.ask.tools ?? []).filter((t) => t.type === "function").map((t) => t.function ?? t);

async function vercel(chatModel, responsesModel, embeddingModel) {
	const { generateText, streamText, embedMany, tool, jsonSchema, Output } = await import("ai");
	const schema_of = (s) => (s.ask.response_format?.json_schema ?? s.ask.text?.format)?.schema;
	const request = (m, s, text) => ({
		model: m, prompt: text, maxRetries: 0,
		...tools_of(s).length > 0 && { tools: Object.fromEntries(tools_of(s).map((t) =>
			[t.name, tool({ description: t.description, inputSchema: jsonSchema(t.parameters) })])) },
		...schema_of(s) && { output: Output.object({ schema: jsonSchema(schema_of(s)) }) },
		...s.endpoint === "responses" && { providerOptions: { openai: {
			store: false, ...s.ask.reasoning && { reasoningEffort: "low", reasoningSummary: "auto" } } } },
		...s.endpoint === "chat" && s.ask.logprobs && { providerOptions: { openai: { logprobs: 1 } } },
	});
	const calls = (found) => found.map(({ toolCallId, toolName, input }) => ({ toolCallId, toolName, input }));
	const view = async (r) => plain({
		text: await r.text, reasoning: await r.reasoningText, parts: await r.reasoning, calls: calls(await r.toolCalls), sources:
			(await r.sources).map(({ url, title }) => ({ url, title })), finish: await r.finishReason,
		raw: await r.rawFinishReason, usage: await r.usage, id: (await r.response).id, model: (await r.response).modelId,
		at: (await r.response).timestamp, metadata: await r.providerMetadata,
	});
	const forms = (m) => m && {
		whole: async (s, text) => view(await generateText(request(m, s, text))),
		stream: async (s, text) => {
			const r = streamText({ ...request(m, s, text), onError: ({ error }) => { throw error; } });
			await r.consumeStream();
			return view(r);
		},
	};
	return {
		chat: forms(chatModel), responses: forms(responsesModel),
		embeddings: embeddingModel && { float: async (s, text) => plain((await embedMany(
			{ model: embeddingModel, values: [text, "b"], maxRetries: 0 })).embeddings) },
	};
}

const clients = {
	async openai4() { return official((await import("openai4")).default); },
	async openai5() { return official((await import("openai5")).default); },
	async openai6() { return official((await import("openai6")).default); },
	async openai7() { return official((await import("openai")).default); },
	async vercel_openai() {
		const { createOpenAI } = await import("@ai-sdk/openai");
		const p = createOpenAI({ apiKey: "x", baseURL: plan.base, fetch: spy });
		return vercel(p.chat(model), p.responses(model), p.embedding("text-embedding-3-small"));
	},
	async vercel_compatible() {
		const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
		const p = createOpenAICompatible({ name: "x", apiKey: "x", baseURL: plan.base, fetch: spy, includeUsage: true });
		return vercel(p(model), null, p.textEmbeddingModel?.("text-embedding-3-small") ?? p.embeddingModel("text-embedding-3-small"));
	},
	async agents() {
		const { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, run, setTracingDisabled, tool } = await import("@openai/agents");
		const OpenAI = (await import("openai")).default;
		setTracingDisabled(true);
		const client = new OpenAI(session);
		const agent = (m, s) => new Agent({
			name: "a", model: m, toolUseBehavior: { stopAtToolNames: tools_of(s).map((t) => t.name) },
			modelSettings: { store: false, ...s.ask.reasoning && { reasoning: s.ask.reasoning } },
			tools: tools_of(s).map((t) => tool({ name: t.name, description: t.description, parameters: t.parameters, strict: true,
				execute: () => "done" })),
		});
		const view = (r) => plain({
			final: r.finalOutput, items: r.newItems.map((i) => i.rawItem), usage: r.rawResponses.map((x) => x.usage),
			ids: r.rawResponses.map((x) => x.responseId),
		});
		const forms = (m) => ({
			whole: async (s, text) => view(await run(agent(m, s), text)),
			stream: async (s, text) => {
				const r = await run(agent(m, s), text, { stream: true });
				for await (const e of r)
					assert.ok(e.type);
				await r.completed;
				return view(r);
			},
		});
		return {
			without: ["openai_function_call", "response_custom"], /* it asks again, and again, with tools it does not know */
			chat: forms(new OpenAIChatCompletionsModel(client, model)), responses: forms(new OpenAIResponsesModel(client, model)),
		};
	},
	async langchain() {
		const { ChatOpenAI, OpenAIEmbeddings } = await import("@langchain/openai");
		const { concat } = await import("@langchain/core/utils/stream");
		const more = { apiKey: "x", maxRetries: 0, configuration: { baseURL: plan.base, fetch: spy } };
		const bound = (s, responses) => {
			const { tools, reasoning, ...rest } = s.ask;
			const m = new ChatOpenAI({ ...more, model, useResponsesApi: responses, reasoning, modelKwargs: rest });
			return tools ? m.bindTools(tools) : m;
		};
		const view = (m) => {
			const { content, tool_calls: calls, usage_metadata: usage, additional_kwargs: extra, response_metadata: meta, id } = plain(m).kwargs;
			const { reasoning_content: reasoning, refusal } = extra ?? {};
			return { content, calls, usage, reasoning: reasoning ?? undefined, refusal, finish: meta.finish_reason, model: meta.model_name, id };
		};
		const forms = (responses) => ({
			whole: async (s, text) => view(await bound(s, responses).invoke(text)),
			stream: async (s, text) => {
				let found;
				for await (const chunk of await bound(s, responses).stream(text))
					found = found ? concat(found, chunk) : chunk;
				return view(found);
			},
		});
		const e = new OpenAIEmbeddings({ ...more, model: "text-embedding-3-small" });
		return { chat: forms(false), responses: forms(true), embeddings: { usual: async (s, text) => plain(await e.embedDocuments([text, "b"])) } };
	},
	async llamaindex() {
		const { OpenAI, OpenAIResponses, OpenAIEmbedding } = await import("@llamaindex/openai");
		const more = { apiKey: "x", baseURL: plan.base, model, maxRetries: 0, additionalSessionOptions: { fetch: spy } };
		/* Of a response's stream it repeats the last words with every event, so what it was told is looked at and not that. */
		const events = async (s, text) => sumEvents((await all(await s.chat({ messages: messages(text), stream: true }))).map((x) => x.raw));
		const forms = (make) => ({
			whole: async (s, text) => {
				const r = await make(s).chat({ messages: messages(text) });
				return plain({ text: r.message.content, calls: r.message.options?.toolCall ?? [], raw: r.raw });
			},
			stream: async (s, text) => {
				let said = "";
				const calls = [];
				for await (const part of await make(s).chat({ messages: messages(text), stream: true })) {
					said += part.delta;
					for (const call of part.options?.toolCall ?? [])
						if (typeof call.input === "object")   /* else it is not all there */
							calls.push(call);
				}
				return plain({ said, calls });
			},
		});
		const answerer = (s) => new OpenAIResponses({ ...more, store: false, additionalChatOptions: s.ask });
		const e = new OpenAIEmbedding({ ...more, model: "text-embedding-3-small" });
		return {
			chat: forms((s) => new OpenAI({ ...more, additionalChatOptions: s.ask })),
			responses: { whole: forms(answerer).whole, stream: (s, text) => events(answerer(s), text) },
			embeddings: { usual: async (s, text) => plain(await e.getTextEmbeddings([text, "b"])) },
		};
	},
	async instructor() {
		const Instructor = (await import("@instructor-ai/instructor")).default;
		const { z } = await import("zod3");
		const OpenAI = (await import("openai4")).default;
		const client = Instructor({ client: new OpenAI(session), mode: "JSON" });
		const request = (text, stream) => ({
			model, messages: messages(text), max_retries: 0, stream,
			response_model: { schema: z.object({ title: z.string(), cents: z.number() }), name: "product" },
		});
		return { only: ["openai_json"], chat: {
			whole: async (s, text) => { const { _meta, ...rest } = plain(await client.chat.completions.create(request(text, false))); return rest; },
			stream: async (s, text) => { const { _meta, ...rest } = (await all(await client.chat.completions.create(request(text, true)))).at(-1); return rest; },
		} };
	},
};

/* ---- each form first, then all of them ---- */

/* What a client cannot read at all, fresh or kept, is told by its error; then a kept answer must fail like a fresh one. */
async function seen(form, shape, text) {
	try {
		const view = await form(shape, text);
		clean = lastCache === "exact";
		return view;
	} catch (e) {
		clean = false;
		return { failed: String(e?.message ?? e).split("\n")[0] };
	}
}

const forms = await clients[plan.client]();
const found = { shapes: {}, other: [], failed: {} };
for (const shape of [...plan.shapes, { name: "vectors", endpoint: "embeddings", ask: {} }]) {
	const ways = Object.entries(forms[shape.endpoint] ?? {});
	if (ways.length === 0 || (forms.only && !forms.only.includes(shape.name)))
		continue;
	/* Who takes all choices of a stream for one text reads another one with each order of them. */
	if (shape.ask.n > 1 && !plan.client.startsWith("openai"))
		continue;
	if (forms.without?.includes(shape.name))
		continue;
	const views = found.shapes[shape.name] = Object.fromEntries(ways.map(([name]) => [name, {}]));
	for (const [first, begin] of ways) {
		const text = `shape:${shape.name}:${plan.client}-${first}`;
		views[first][first] = await seen(begin, shape, text);
		if (views[first][first].failed)
			found.failed[`${shape.name} ${first}`] = views[first][first].failed;
		for (const [name, form] of ways) {
			const before = asks;
			const view = await seen(form, shape, text);
			views[name][name === first ? "twice" : first] = view;
			if (asks === before || lastCache !== "exact")
				found.other.push(`${shape.name}: ${name} after ${first} was ${asks === before ? "not asked" : lastCache}`);
		}
	}
}
console.log(JSON.stringify({ ...found, asks, lost }));
