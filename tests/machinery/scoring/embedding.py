"""A small ONNX model of texts: how often each of some words occurs."""

from onnx import TensorProto, helper


def counts_of(words: list[str]) -> bytes:
    nodes = [
        helper.make_node(
            "Tokenizer", ["text"], ["tokens"], domain="com.microsoft", mark=0, mincharnum=1, pad_value="#", separators=[" "]
        ),
        helper.make_node(
            "TfIdfVectorizer",
            ["tokens"],
            ["numbers"],
            mode="TF",
            min_gram_length=1,
            max_gram_length=1,
            max_skip_count=0,
            ngram_counts=[0],
            ngram_indexes=[*range(len(words))],
            pool_strings=words,
        ),
    ]
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])
    numbers = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["N", len(words)])
    graph = helper.make_graph(nodes, "counts", [text], [numbers])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
