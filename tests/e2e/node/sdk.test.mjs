/*
 * The official OpenAI SDK for Node, through the gateway. Prints one line per check, `ok NAME` or `FAILED NAME: why`;
 * ../test_sdk_node.py starts both ends and reads them.
 * SPDX-License-Identifier: Apache-2.0
 */
import assert from "node:assert/strict";
import process from "node:process";
import OpenAI, { toFile } from "openai6";

const baseURL = process.env.FARTHING_BASE_URL;
const client = new OpenAI({ apiKey: "sk-anything", baseURL, maxRetries: 0, timeout: 60000 });
const model = "gpt-4o-mini";
const ask = (content) => ({ model, messages: [{ role: "user", content }] });
const tools = [{
	type: "function",
	function: {
		name: "get_weather", strict: true,
		parameters: {
			type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false,
		},
	},
}];

const checks = {
	async chat() {
		const { data, response } = await client.chat.completions.create(ask("What is a farthing?")).withResponse();
		assert.ok(data.choices[0].message.content);
		assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
		assert.equal(data._request_id, response.headers.get("x-request-id"));
	},
	async streaming() {
		const whole = await client.chat.completions.create(ask("Tell me more."));
		const stream = await client.chat.completions.create({ ...ask("Tell me more."), stream: true });
		let text = "", usage = 0;
		for await (const chunk of stream) {
			text += chunk.choices[0].delta.content ?? "";
			usage += chunk.usage ? 1 : 0;
		}
		assert.equal(text, whole.choices[0].message.content);
		assert.equal(usage, 0);
	},
	async streaming_with_usage() {
		const options = { stream: true, stream_options: { include_usage: true } };
		let usage = null;
		for await (const chunk of await client.chat.completions.create({ ...ask("And more."), ...options }))
			usage = chunk.usage ?? usage;
		assert.ok(usage.completion_tokens > 0);
		assert.ok(usage.cost_usd > 0);
		assert.equal(usage.saved_usd, 0);
	},
	async stream_helper() {
		const final = await client.chat.completions.stream(ask("Stream this.")).finalChatCompletion();
		assert.ok(final.choices[0].message.content);
	},
	async tools() {
		const answer = await client.chat.completions.create({ ...ask("Weather in Ulm?"), tools, tool_choice: "required" });
		const [call] = answer.choices[0].message.tool_calls;
		assert.equal(call.function.name, "get_weather");
		assert.ok("city" in JSON.parse(call.function.arguments));
	},
	async tools_in_a_stream() {
		let words = "";
		const options = { tools, tool_choice: "required", stream: true };
		for await (const chunk of await client.chat.completions.create({ ...ask("Weather in Bonn?"), ...options }))
			for (const call of chunk.choices[0].delta.tool_calls ?? [])
				words += call.function.arguments ?? "";
		assert.ok("city" in JSON.parse(words));
	},
	async structured_output() {
		const schema = {
			type: "object", properties: { title: { type: "string" }, cents: { type: "integer" } },
			required: ["title", "cents"], additionalProperties: false,
		};
		const answer = await client.chat.completions.parse({
			...ask("A product."), response_format: { type: "json_schema", json_schema: { name: "product", strict: true, schema } },
		});
		const found = JSON.parse(answer.choices[0].message.content);
		assert.equal(typeof found.title, "string");
		assert.ok(Number.isInteger(found.cents));
	},
	async embeddings() {
		const input = ["one", "two"], name = "text-embedding-3-small";
		const coded = await client.embeddings.create({ model: name, input });
		const floats = await client.embeddings.create({ model: name, input, encoding_format: "float" });
		assert.equal(coded.data[1].embedding.length, 1536);
		assert.equal(floats.data[1].embedding.length, 1536);
		assert.ok(Math.abs(coded.data[1].embedding[7] - floats.data[1].embedding[7]) < 1e-6);
	},
	async responses() {
		const answer = await client.responses.create({ model, input: "What is a farthing?" });
		assert.ok(answer.output_text);
		let text = "", last;
		for await (const event of await client.responses.create({ model, input: "What is a farthing?", stream: true })) {
			text += event.type === "response.output_text.delta" ? event.delta : "";
			last = event.type;
		}
		assert.equal(text, answer.output_text);
		assert.equal(last, "response.completed");
		const final = await client.responses.stream({ model, input: "What is a farthing?" }).finalResponse();
		assert.equal(final.output[0].content[0].text, text);
		assert.ok(final.usage.cost_usd > 0);
	},
	async files() {
		const content = '{"messages":[]}\n'.repeat(50);
		const made = await client.files.create({ file: await toFile(Buffer.from(content), "t.jsonl"), purpose: "fine-tune" });
		assert.equal(made.bytes, content.length);
		assert.equal(await (await client.files.content(made.id)).text(), content);
		const listed = [];
		for await (const file of client.files.list())
			listed.push(file.id);
		assert.ok(listed.includes(made.id));
		assert.equal((await client.files.delete(made.id)).deleted, true);
	},
	async models() {
		const ids = [];
		for await (const m of client.models.list())
			ids.push(m.id);
		assert.ok(ids.includes(model) && ids.includes("auto"));
		assert.equal((await client.models.retrieve(model)).id, model);
		await assert.rejects(client.models.retrieve("house/none"), OpenAI.NotFoundError);
	},
	async errors() {
		const cases = [
			["[[status:400]]", OpenAI.BadRequestError, 400], ["[[status:422]]", OpenAI.UnprocessableEntityError, 422],
			["[[status:500]]", OpenAI.InternalServerError, 502], ["[[reset]]", OpenAI.InternalServerError, 502],
			["[[status:429 retry-after:1]]", OpenAI.RateLimitError, 429],   /* the last: the model rests after it */
		];
		for (const [fault, kind, status] of cases) {
			const e = await client.chat.completions.create(ask(`x ${fault}`)).then(() => null, (caught) => caught);
			assert.ok(e instanceof kind, `${fault} became ${e?.constructor?.name}: ${e?.message}`);
			assert.equal(e.status, status);
			assert.equal(typeof e.code, "string");
			assert.ok(e.requestID && e.type);
		}
		const e = await client.chat.completions.create({ ...ask("x"), n: 100 }).then(() => null, (caught) => caught);
		assert.ok(e instanceof OpenAI.BadRequestError && e.param === "n");
	},
	async broken_stream() {
		const stream = await client.chat.completions.create({ ...ask("x [[truncate]]"), stream: true });
		await assert.rejects(async () => {
			for await (const chunk of stream)
				assert.ok(chunk.choices);
		}, (e) => e instanceof OpenAI.APIError && e.code === "upstream_stream_truncated");
	},
	async retries() {
		const patient = new OpenAI({ apiKey: "x", baseURL, maxRetries: 2 });
		const answer = await patient.chat.completions.create(ask("x [[once status:429 retry-after:1]]"));
		assert.ok(answer.choices[0].message.content);
	},
	async abort() {
		const stream = await client.chat.completions.create({ ...ask("abort [[tokens:2000 drip:50ms]]"), stream: true });
		for await (const chunk of stream) {
			assert.ok(chunk.choices);
			break;
		}
		const controller = new AbortController();
		const waiting = client.chat.completions.create(ask("abort [[hang]]"), { signal: controller.signal });
		setImmediate(() => controller.abort());
		await assert.rejects(waiting, OpenAI.APIUserAbortError);
	},
};

const wanted = process.argv.slice(2);
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
	if (wanted.length > 0 && !wanted.includes(name))
		continue;
	try {
		await check();
		console.log(`ok ${name}`);
	} catch (e) {
		failed++;
		console.log(`FAILED ${name}: ${String(e?.stack ?? e).replaceAll("\n", " | ")}`);
	}
}
process.exit(failed > 0 ? 1 : 0);
