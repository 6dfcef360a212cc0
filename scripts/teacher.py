"""The sentence model that scripts/make-embedding learns from: all-MiniLM-L6-v2 (Apache-2.0), its forward pass in numpy.

Used for making the table and for comparing with it; no part of the product.
SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

LAYERS, HEADS, WIDTH = 6, 12, 384
CLS, SEP = 101, 102
MOST_TOKENS = 64  # of a text that are looked at
BATCH_TOKENS = 1024  # what of the layers stays in the processor's cache


def gelu(x):
    """With the error function of Abramowitz and Stegun, 7.1.26, good to 1.5e-7."""
    z = np.abs(x) * np.float32(0.70710678)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = ((((np.float32(1.061405429) * t - np.float32(1.453152027)) * t + np.float32(1.421413741)) * t
             - np.float32(0.284496736)) * t + np.float32(0.254829592)) * t * np.exp(-z * z) * np.float32(0.5)
    return x * np.where(x < 0, tail, 1 - tail)


class Teacher:
    def __init__(self, folder):
        weights = load_file(folder / "model.safetensors")
        self.w = {name.removeprefix("bert."): value for name, value in weights.items()}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def ids(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def _linear(self, x, name):
        flat = x.reshape(-1, x.shape[-1]) @ self.w[name + ".weight"].T  # many times as fast as three dimensions
        flat += self.w[name + ".bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def _forward(self, ids):
        """Sentences of one length, (count, length), with their special tokens: the mean of the last layer."""
        count, length = ids.shape
        x = self.w["embeddings.word_embeddings.weight"][ids] + self.w["embeddings.position_embeddings.weight"][:length]
        x = self._norm(x + self.w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}."
            q, k, v = (self._linear(x, f"{name}attention.self.{part}").reshape(count, length, HEADS, -1)
                       .transpose(0, 2, 1, 3) for part in ("query", "key", "value"))
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH // HEADS))
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            y = (scores @ v).transpose(0, 2, 1, 3).reshape(count, length, WIDTH)
            x = self._norm(x + self._linear(y, name + "attention.output.dense"), name + "attention.output.LayerNorm")
            y = self._linear(x, name + "intermediate.dense")
            y = gelu(y)
            x = self._norm(x + self._linear(y, name + "output.dense"), name + "output.LayerNorm")
        return x.mean(1)

    def vectors(self, ids):
        """One unit vector for each list of tokens."""
        out = np.empty((len(ids), WIDTH), np.float32)
        order = sorted(range(len(ids)), key=lambda i: (min(len(ids[i]), MOST_TOKENS), i))
        at = 0
        while at < len(order):
            length = min(len(ids[order[at]]), MOST_TOKENS)
            end = at
            while (end < len(order) and min(len(ids[order[end]]), MOST_TOKENS) == length
                   and (end - at + 1) * (length + 2) <= BATCH_TOKENS):
                end += 1
            rows = order[at:max(end, at + 1)]
            batch = np.array([[CLS, *ids[i][:MOST_TOKENS], SEP] for i in rows])
            out[rows] = self._forward(batch)
            at += len(rows)
        return out / np.linalg.norm(out, axis=1, keepdims=True)
