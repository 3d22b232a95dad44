"""Renders templates by Python's jinja2 in the environment of transformers.

    pip install jinja2==3.1.6
    python make.py [FOLDER OF .jinja FILES]

Writes goldens.json: the output of each case in cases.json, and, for the folder of
chat templates, a hash of the output or the message of raise_exception for each
template and each conversation in conversations.json.
"""
import hashlib
import json
import os
import sys

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


class Raised(TemplateError):
    pass


def raise_exception(message):
    raise Raised(message)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols, "jinja2.ext.do"])
    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    env.globals["raise_exception"] = raise_exception
    return env


def render(source, **values):
    try:
        return {"text": environment().from_string(source).render(**values)}
    except Raised as e:
        return {"raised": str(e)}
    except Exception as e:  # the kind of failure is not compared
        return {"error": type(e).__name__}


def values():
    return {
        "m": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": " ho "}],
        "d": {"b": 1, "a": [1, 2], "c": {"x": None}}, "s": "héllo", "n": 3,
    }


def main():
    out = {"cases": [render(source, **values()) for source in json.load(open(os.path.join(HERE, "cases.json"), encoding="utf-8"))], "templates": {}}
    conversations = json.load(open(os.path.join(HERE, "conversations.json"), encoding="utf-8"))
    folder = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in sorted(os.listdir(folder)) if folder else []:
        if not name.endswith(".jinja"):
            continue
        source = open(os.path.join(folder, name), encoding="utf-8").read()
        results = {}
        for c in conversations:
            given = {k: v for k, v in c.items() if k != "name"}
            r = render(source, bos_token="<s>", eos_token="</s>", **given)
            if "text" in r:
                r = {"sha256": hashlib.sha256(r["text"].encode()).hexdigest()[:24]}
            results[c["name"]] = r
        out["templates"][name] = results
    with open(os.path.join(HERE, "goldens.json"), "w", encoding="utf-8") as f:
        json.dump(out, f, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main()
