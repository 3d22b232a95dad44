"""Trains a small tokenizer for each kind of pipeline and records what the Python
package tokenizers makes of ten thousand random and nasty strings.

    pip install tokenizers==0.23.3
    python make.py [SEED]          # other strings with another seed
    python make.py --train         # train the tokenizers anew, too
                                   # (needs sentencepiece and protobuf)

Writes NAME.json (the tokenizer) and goldens.json (for each ten strings a CRC-32 of
ids, ids without special tokens, and decoded text). The Go tests draw the same
strings from the same generator, so none of them is stored. Training is not
deterministic, so tokenizers that exist are kept unless asked otherwise.
"""
import io
import json
import os
import sys
import zlib

from pydoc_data import topics
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders as D
from tokenizers import models as M
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P
from tokenizers import processors as O
from tokenizers import trainers as T

HERE = os.path.dirname(os.path.abspath(__file__))
FRAGMENTS = json.load(open(os.path.join(HERE, "fragments.json"), encoding="utf-8"))
MASK = (1 << 64) - 1
COUNT, BLOCK = 10000, 10

GPT4 = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")


class Random:
    """SplitMix64, which Go's test has too."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % n


def sentence(r):
    out = []
    for _ in range(1 + r.below(12)):
        kind = r.below(8)
        if kind < 4:
            out.append(FRAGMENTS["texts"][r.below(len(FRAGMENTS["texts"]))])
        elif kind < 6:
            out.append("".join(chr(97 + r.below(26)) for _ in range(1 + r.below(8))))
        elif kind < 7:
            low, high = FRAGMENTS["ranges"][r.below(len(FRAGMENTS["ranges"]))]
            out.append("".join(chr(low + r.below(high - low + 1)) for _ in range(1 + r.below(5))))
        else:
            out.append(FRAGMENTS["spaces"][r.below(len(FRAGMENTS["spaces"]))])
    return "".join(out)


def corpus():
    lines = [line for key in sorted(topics.topics) for line in topics.topics[key].split("\n")][:6000]
    return lines + FRAGMENTS["texts"] * 3


def train(tok, trainer):
    tok.train_from_iterator(corpus(), trainer)
    return tok


def bpe(specials=("<unk>", "<s>", "</s>"), size=600, alphabet=(), trainer=None, **model):
    tok = Tokenizer(M.BPE(**model))
    return tok, T.BpeTrainer(vocab_size=size, special_tokens=list(specials), initial_alphabet=list(alphabet),
                             show_progress=False, **(trainer or {}))


def bytelevel(normalizer=None, pre=None, specials=("<|endoftext|>",), size=600, **model):
    tok, trainer = bpe(specials, size, P.ByteLevel.alphabet(), **model)
    if normalizer:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre or P.ByteLevel(add_prefix_space=False)
    tok.decoder = D.ByteLevel()
    return train(tok, trainer)


def split_bytes(pattern):
    return P.Sequence([P.Split(Regex(pattern), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])


def gpt2():
    tok = bytelevel()
    tok.post_processor = O.ByteLevel(trim_offsets=False)
    return tok


def llama3():
    tok = bytelevel(pre=split_bytes(LLAMA3), specials=("<|endoftext|>", "<s>"), ignore_merges=True)
    tok.post_processor = O.Sequence([O.ByteLevel(trim_offsets=False),
                                     O.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 1)])])
    return tok


def qwen2():
    return bytelevel(N.NFC(), split_bytes(QWEN2), ("<|endoftext|>", "<|im_start|>"))


def gpt4():
    return bytelevel(pre=split_bytes(GPT4))


def roberta():
    tok = bytelevel(pre=P.ByteLevel(add_prefix_space=True), specials=("<s>", "</s>"))
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tok.post_processor = O.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return tok


def clip():
    tok, trainer = bpe(("<|endoftext|>",), 600, P.ByteLevel.alphabet(), {"end_of_word_suffix": "</w>"},
                       unk_token="<|endoftext|>", end_of_word_suffix="</w>")
    tok.normalizer = N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()])
    tok.pre_tokenizer = P.Sequence([
        P.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
        P.ByteLevel(add_prefix_space=False)])
    tok.decoder = D.ByteLevel()
    return train(tok, trainer)


def fallback(pre, normalizer, decoder, **model):
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tok, trainer = bpe(specials, 700, unk_token="<unk>", byte_fallback=True, fuse_unk=True, **model)
    tok.pre_tokenizer = P.Metaspace()
    train(tok, trainer)
    # Byte tokens are found by the model, not in the text.
    doc = json.loads(tok.to_str())
    doc["added_tokens"] = doc["added_tokens"][:3]
    doc["pre_tokenizer"], doc["normalizer"] = pre, normalizer
    tok = Tokenizer.from_str(json.dumps(doc))
    tok.decoder = decoder
    tok.post_processor = O.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 1)])
    return tok


def llama2():
    norm = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    tok = fallback(None, norm, D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]))
    tok.add_tokens([AddedToken("<tag>", normalized=True), AddedToken("[MASK]", normalized=False)])
    return tok


def mistral():
    pre = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    return fallback(pre, None, D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]))


def metaspace():
    tok, trainer = bpe(unk_token="<unk>")
    tok.pre_tokenizer = P.Metaspace()
    tok.decoder = D.Metaspace()
    tok = train(tok, trainer)
    tok.add_tokens([AddedToken("word", single_word=True), AddedToken("<tag>", lstrip=True, rstrip=True),
                    AddedToken("👍", rstrip=True)])
    return tok


def fused():
    tok, trainer = bpe(unk_token="<unk>", fuse_unk=True, trainer={"limit_alphabet": 60})
    tok.pre_tokenizer = P.WhitespaceSplit()
    return train(tok, trainer)


def unfused():
    tok, trainer = bpe(unk_token="<unk>", trainer={"limit_alphabet": 60})
    tok.pre_tokenizer = P.Metaspace(prepend_scheme="never")
    return train(tok, trainer)


def subword():
    tok, trainer = bpe(unk_token="<unk>", continuing_subword_prefix="##", trainer={"continuing_subword_prefix": "##"})
    tok.pre_tokenizer = P.Sequence([P.Whitespace(), P.Digits(individual_digits=True)])
    tok.decoder = D.WordPiece()
    return train(tok, trainer)


def suffix():
    tok, trainer = bpe(unk_token="<unk>", end_of_word_suffix="</w>", trainer={"end_of_word_suffix": "</w>"})
    tok.normalizer = N.Sequence([N.NFKD(), N.StripAccents(), N.Lowercase(), N.Strip()])
    tok.pre_tokenizer = P.Sequence([P.Punctuation("contiguous"), P.Digits(), P.WhitespaceSplit()])
    tok.decoder = D.BPEDecoder("</w>")
    return train(tok, trainer)


def bert(**options):
    tok = Tokenizer(M.WordPiece(unk_token="[UNK]"))
    tok.normalizer = N.BertNormalizer(**options)
    tok.pre_tokenizer = P.BertPreTokenizer()
    tok.decoder = D.WordPiece()
    train(tok, T.WordPieceTrainer(vocab_size=600, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    tok.post_processor = O.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", [("[CLS]", 1), ("[SEP]", 2)])
    return tok


def bert_uncased():
    tok = bert(lowercase=True)
    tok.add_tokens([AddedToken("<TAG>", normalized=True), AddedToken("Word", normalized=True, single_word=True)])
    return tok


def bert_cased():
    tok = bert(lowercase=False, strip_accents=True, clean_text=False, handle_chinese_chars=False)
    tok.post_processor = O.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return tok


def word_level():
    tok = Tokenizer(M.WordLevel(unk_token="[UNK]"))
    tok.normalizer = N.Sequence([N.Nmt(), N.NFKC()])
    tok.pre_tokenizer = P.Sequence([P.CharDelimiterSplit("a"), P.Split("e", "merged_with_previous"),
                                    P.Split("t", "merged_with_next"), P.Split(Regex(r"\d+"), "contiguous"),
                                    P.Split("o", "removed"), P.Whitespace()])
    return train(tok, T.WordLevelTrainer(vocab_size=600, special_tokens=["[UNK]"], show_progress=False))


def fixed():
    tok = Tokenizer(M.WordLevel(unk_token="[UNK]"))
    tok.pre_tokenizer = P.Sequence([P.Punctuation("merged_with_previous"), P.FixedLength(length=3)])
    return train(tok, T.WordLevelTrainer(vocab_size=600, special_tokens=["[UNK]"], show_progress=False))


def unigram(byte_fallback=False):
    tok = Tokenizer(M.Unigram())
    tok.normalizer = N.Sequence([N.NFKC(), N.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = P.Metaspace()
    tok.decoder = D.Metaspace()
    specials = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])
    train(tok, T.UnigramTrainer(vocab_size=500 + len(specials), special_tokens=specials, unk_token="<unk>", show_progress=False))
    doc = json.loads(tok.to_str())
    doc["added_tokens"] = doc["added_tokens"][:3]
    doc["model"]["byte_fallback"] = byte_fallback
    # The library's JSON reader is off by a last bit on long decimals, which decides ties.
    doc["model"]["vocab"] = [[piece, round(score, 6)] for piece, score in doc["model"]["vocab"]]
    tok = Tokenizer.from_str(json.dumps(doc))
    if byte_fallback:
        tok.decoder = D.Sequence([D.ByteFallback(), D.Metaspace()])
    tok.post_processor = O.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 2)])
    return tok


def unigram_bytes():
    return unigram(True)


def charsmap():
    """A Unigram tokenizer that normalizes by a compiled map, as T5 and XLM-R do. The
    map is sentencepiece's for a few rules of our own, since the usual one has 240 kB."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    rules = os.path.join(HERE, "rules.tsv")
    pairs = [("\ufb01", "fi"), ("\ufb03", "ffi"), ("\u2460", "1"), ("\u00b2", "2"), ("\u00bd", "1/2"), ("\u212b", "\u00c5"),
             ("e\u0301", "\u00e9"), ("\u2026", "..."), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\u200b", ""),
             ("\u1100\u1161\u11a8", "\uac01")]
    with open(rules, "w", encoding="utf-8") as f:
        for pair in pairs:
            f.write("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in pair) + "\n")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, vocab_size=500, character_coverage=0.99,
                                             hard_vocab_limit=False, normalization_rule_tsv=rules, minloglevel=2)
    os.remove(rules)
    proto = pb.ModelProto.FromString(model.getvalue())
    tok = Tokenizer(M.Unigram([(p.piece, round(p.score, 6)) for p in proto.pieces], 0, False))
    tok.normalizer = N.Sequence([N.Precompiled(proto.normalizer_spec.precompiled_charsmap), N.Strip(left=False), N.Replace(Regex(" {2,}"), "▁")])
    tok.pre_tokenizer = P.Metaspace()
    tok.decoder = D.Metaspace()
    return tok


KINDS = [gpt2, llama3, qwen2, gpt4, roberta, clip, llama2, mistral, metaspace, fused, unfused, subword, suffix,
         bert_uncased, bert_cased, word_level, fixed, unigram, unigram_bytes, charsmap]


def record(tok, texts):
    out = []
    for start in range(0, len(texts), BLOCK):
        crc = 0
        for text in texts[start:start + BLOCK]:
            full, bare = tok.encode(text).ids, tok.encode(text, add_special_tokens=False).ids
            line = f"{full}|{bare}|" + tok.decode(bare, skip_special_tokens=False)
            crc = zlib.crc32(line.encode("utf-8"), crc)
        out.append(crc)
    return out


def main():
    train_anew = "--train" in sys.argv
    seeds = [int(arg) for arg in sys.argv[1:] if arg.isdigit()]
    seed = seeds[0] if seeds else 20261123
    r = Random(seed)
    texts = [sentence(r) for _ in range(COUNT)]
    goldens = {}
    for kind in KINDS:
        path = os.path.join(HERE, kind.__name__ + ".json")
        if train_anew or not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as f:
                json.dump(json.loads(kind().to_str()), f, ensure_ascii=False, separators=(",", ":"))
        tok = Tokenizer.from_file(path)
        goldens[kind.__name__] = record(tok, texts)
        print(kind.__name__, tok.get_vocab_size(), "pieces")
    with open(os.path.join(HERE, "goldens.json"), "w") as f:
        json.dump({"strings": COUNT, "block": BLOCK, "seed": seed, "crc32": goldens}, f, separators=(",", ":"))


if __name__ == "__main__":
    main()
