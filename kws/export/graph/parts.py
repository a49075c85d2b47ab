"""The module part that an ONNX node came from, by the names that `write_onnx` gives."""

from __future__ import annotations

from typing import Any


def part_of(node: Any) -> str:
    """Return the outermost part of the module that an `onnx.NodeProto` came from, such as `front_end` or `network`."""
    return str(node.name.split("/")[0].split(".")[0])


def read_by_alone(graph: Any, part: str) -> set[str]:
    """Return the names of the values of an `onnx.GraphProto` that only nodes of one part read."""
    inside = {name for node in graph.node if part_of(node) == part for name in node.input}
    return inside - {name for node in graph.node if part_of(node) != part for name in node.input}
