"""The control tokens of a model's family: texts that a server may leave in an answer by mistake."""

from __future__ import annotations

import re

from .interface import Profile
from .profiles import fim_template, known_model

_CHATML = ("<|im_end|>", "<|im_start|>", "<|endoftext|>")
_LLAMA = (
    *("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|begin_of_text|>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>"),
)
_LLAMA2 = ("</s>", "[INST]", "[/INST]", "<<SYS>>")
_GEMMA = ("<end_of_turn>", "<start_of_turn>", "<turn|>", "<|turn>", "<eos>", "<bos>")
_HARMONY = (
    *("<|return|>", "<|call|>", "<|end|>", "<|start|>", "<|channel|>"),
    *("<|message|>", "<|constrain|>"),
)
_PHI = ("<|end|>", "<|endoftext|>", "<|assistant|>", "<|user|>", "<|system|>", "<|im_end|>")
_GLM = ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|observation|>", "<|system|>")
_DEEPSEEK = (
    *("<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
    *("<|EOT|>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
_GRANITE = ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>", "<|endoftext|>")
_FIM = (
    *(
        f"<{mark}fim_{part}{bar}>"
        for mark, bar in (("", ""), ("|", "|"), ("/", ""))
        for part in ("prefix", "suffix", "middle", "pad")
    ),
    *("<file_sep>", "<|file_sep|>", "<|file_separator|>", "<repo_name>", "<|repo_name|>"),
    *("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    *("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
)
"""Tokens that no code has: any model may write them, where another family's prompt is used for example."""
_COHERE = ("<|END_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|>", "<|END_RESPONSE|>")

# The first match wins: a distilled model speaks its base's template as well as its teacher's.
_FAMILIES = (
    (r"gpt-oss", _HARMONY),
    (r"gemini", ("<|file_separator|>",)),
    (r"gpt|chatgpt|o[1-9]\b|claude|grok|mercury|nova", ()),
    (r"deepseek.*llama|llama.*deepseek", (*_DEEPSEEK, *_LLAMA)),
    (r"deepseek.*qwen|qwen.*deepseek", (*_DEEPSEEK, *_CHATML)),
    (r"deepseek", _DEEPSEEK),
    (r"code-?llama|llama-?2|vicuna|wizardcoder", (*_LLAMA2, "<EOT>")),
    (r"llama|hermes-3", _LLAMA),
    (
        r"mi[sx]tral|codestral|devstral|magistral|ministral|pixtral",
        (*_LLAMA2, "[PREFIX]", "[SUFFIX]"),
    ),
    (r"gemma", _GEMMA),
    (r"phi", _PHI),
    (r"glm|chatglm", _GLM),
    (r"granite", (*_GRANITE, "<reponame>")),
    (r"mellum", ("<|endoftext|>", "<reponame>", "<filename>")),
    (r"star-?coder|stable-?code|santacoder", ("<|endoftext|>", "<|im_end|>")),
    (r"kimi|moonshot", (*_CHATML, "[EOS]", "[EOT]")),
    (r"command|aya|cohere", _COHERE),
    (r"yi\b|smollm|qwq|qwen|hermes|dolphin|internlm|minimax|orca", _CHATML),
)
_COMMON = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "</s>"),
    *("<|EOT|>", "<|end_of_turn|>", "<｜end▁of▁sentence｜>", "<seed:eos>", "[|endofturn|]"),
)
"""End tokens for a model behind an unknown name."""


def control_tokens(profile: Profile) -> tuple[str, ...]:
    """Return the control tokens of a model's family; the usual end tokens for an unknown family."""
    model = profile.model.lower().replace("_", "-")
    names = dict.fromkeys((profile.fim, known_model(profile.model).fim))
    templates = [t for name in names if (t := fim_template(name)) is not None]
    fim = [token for template in templates for token in template.tokens]
    found = (tokens for pattern, tokens in _FAMILIES if re.search(rf"(?<![a-z]){pattern}", model))
    chat = next(found, () if fim else _COMMON)
    return tuple(dict.fromkeys((*fim, *chat, *(_FIM if fim or chat else ()))))
