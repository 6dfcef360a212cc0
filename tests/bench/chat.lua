-- For wrk: a chat request of 1.5 KB, each with a question of its own, because the gateway lets equal questions in
-- flight share one answer. One argument: a word that makes the questions of this run differ from any other's.
-- SPDX-License-Identifier: Apache-2.0

local instructions =
	"You are the assistant of a small shop for garden tools and kitchenware. Answer in two sentences, in the language of " ..
	"the customer. Never promise a date of delivery, never invent a discount, and mention the number of the article when " ..
	"there is one. Prices are in euros and include the tax. Articles can be sent back within thirty days when they are " ..
	"unused and in their box; blades, seeds and food cannot. For questions about invoices point to the page My Orders; for " ..
	"broken articles ask for a photo of the damage and of the label on the underside. If a customer is angry, say once that " ..
	"you are sorry, and then help. If the question is about something else than the shop, its articles, orders or gardens, " ..
	"say politely that you cannot help with it. Do not use emphasis, lists or headings; the answer is shown in a narrow " ..
	"window as plain text. When two articles fit, name the cheaper one first. Sizes are in centimetres, weights in " ..
	"kilograms. Steel articles rust when they stay wet: recommend to dry and to oil them. The shop is closed on Sundays."

local number, before, after = 0, nil, nil

function init(args)
	local ask = '{"model":"gpt-4o-mini","temperature":0.7,"max_tokens":300,"messages":[{"role":"system","content":"' ..
		instructions .. '"},{"role":"user","content":"Hello! I look for a pruning saw that fits into a coat pocket and ' ..
		'costs less than thirty euros. Is article '
	after = '-' .. (args[1] or 'x') .. ' still on stock, and can it cut wet wood? I have a receipt for the old one."}]}'
	before = "POST /v1/chat/completions HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
		"\r\nAuthorization: Bearer sk-bench\r\nContent-Type: application/json\r\nAccept: application/json\r\n" ..
		"User-Agent: farthing-bench\r\nContent-Length: " .. (#ask + 8 + #after) .. "\r\n\r\n" .. ask
end

function request()
	number = number + 1
	return before .. string.format("%08d", number) .. after
end

function done(summary, latency, requests)
	local e = summary.errors
	io.write(string.format('\nJSON {"requests":%d,"seconds":%.6f,"bad":%d}\n', summary.requests, summary.duration / 1e6,
		e.connect + e.read + e.write + e.status + e.timeout))
end
